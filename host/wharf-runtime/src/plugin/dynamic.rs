//! Calls any function of a plugin with JSON, in the names of the interface: for the author's kit, which runs
//! golden cases of every interface, written in any language. The gateway's own calls are typed.
//!
//! The call is under the limits of service. Only the output limit is larger, for wasmtime charges values
//! without static types several times their size.

mod read;
mod show;

use serde_json::{Value, json};
use wasmtime::component::Val;

use wharf_core::provider::Exchange;

use super::Plugin;
use crate::error::CallError;
use crate::limits::Export;
use crate::output;

pub use read::Misfit;

/// What came of a call with JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the function returned; a failure that the plugin reports is `{"error": {...}}`.
    pub value: Value,
    /// The size of the answer: its texts and lists as the canonical ABI lays them out.
    pub output_bytes: usize,
}

/// A call with JSON that gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum DynamicError {
    #[error("the plugin does not export {function}")]
    NoFunction { function: String },
    #[error("argument {index} does not fit: {source}")]
    Argument { index: usize, source: Misfit },
    #[error("{function} takes {expected} arguments, {given} were given")]
    Arguments {
        function: String,
        expected: usize,
        given: usize,
    },
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Plugin {
    /// Calls `function` of `interface` (`outbound`, `start`).
    pub async fn call_json(
        &self,
        interface: &str,
        function: &str,
        arguments: &[Value],
    ) -> Result<Answer, DynamicError> {
        let name = format!("{interface}.{function}");
        let Some(export) = export(interface, function) else {
            return Err(DynamicError::NoFunction { function: name });
        };
        let call = self.call(export);
        let mut running = call.enter().await?;
        let Some(target) = call.function(&mut running, interface, function) else {
            return Err(DynamicError::NoFunction { function: name });
        };
        let types: Vec<_> = target
            .ty(&running.store)
            .params()
            .map(|(_, of)| of)
            .collect();
        if types.len() != arguments.len() {
            return Err(DynamicError::Arguments {
                function: name,
                expected: types.len(),
                given: arguments.len(),
            });
        }
        let mut params = Vec::with_capacity(types.len());
        for (index, (of, argument)) in types.iter().zip(arguments).enumerate() {
            let value = read::value(of, Some(argument), "")
                .map_err(|source| DynamicError::Argument { index, source })?;
            params.push(value);
        }
        let returned = call.invoke_values(&mut running, target, &params).await?;
        Ok(Answer {
            output_bytes: show::size(&returned),
            value: result(returned, function),
        })
    }

    /// Whether the gateway takes this exchange from the plugin: its counts, lengths and names. Where it
    /// goes is egress policy. Which call it came from is not said here, so it may be a flow's.
    pub fn check_exchange(&self, exchange: &Exchange) -> Result<(), String> {
        output::exchange(exchange, &self.rules().of_any_flow())
    }
}

/// What a call is counted and limited as.
fn export(interface: &str, function: &str) -> Option<Export> {
    Export::ALL
        .into_iter()
        .find(|export| export.as_str().split_once('.') == Some((interface, function)))
}

/// `ok` as it is, `err` as an object of its own.
fn result(returned: Val, function: &str) -> Value {
    match returned {
        Val::Result(Ok(value)) => value.map_or(Value::Null, |value| show::value(*value, function)),
        Val::Result(Err(error)) => {
            json!({ "error": error.map(|error| show::value(*error, function)) })
        }
        other => show::value(other, function),
    }
}
