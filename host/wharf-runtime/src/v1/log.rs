//! The one thing a guest may import.

use tracing::Level;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmList, WasmStr};

use super::bindings::wharf::provider::log;
use crate::call::CallState;
use crate::log::FIELDS_MAX;

const NAME: &str = "wharf:provider/log@1.0.0";

/// Offers it to the guest.
pub(crate) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.instance(NAME)?.func_wrap("write", write_log)
}

type LogParams = (log::Level, WasmStr, WasmList<(WasmStr, WasmStr)>);

/// Takes pointers instead of strings: a line beyond the quota is dropped without being read.
fn write_log(
    mut store: StoreContextMut<'_, CallState>,
    (level, message, fields): LogParams,
) -> wasmtime::Result<()> {
    if !store.data_mut().log.take_line() {
        return Ok(());
    }
    let mut pairs = Vec::new();
    for pair in fields.iter(&mut store)?.take(FIELDS_MAX) {
        pairs.push(pair?);
    }
    let mut line = store.data().log.line();
    line.push_message(&message.to_str(&store)?);
    for (name, value) in pairs {
        if line.is_full() {
            break;
        }
        line.push_field(&name.to_str(&store)?, &value.to_str(&store)?);
    }
    store.data().log.write(level_of(level), &line);
    Ok(())
}

fn level_of(level: log::Level) -> Level {
    match level {
        log::Level::Trace => Level::TRACE,
        log::Level::Debug => Level::DEBUG,
        log::Level::Info => Level::INFO,
        log::Level::Warn => Level::WARN,
        log::Level::Error => Level::ERROR,
    }
}
