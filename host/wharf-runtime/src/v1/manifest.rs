//! `manifest`: what the plugin is.

use wharf_core::provider::Descriptor;

use super::bindings::exports::wharf::provider::manifest as guest;
use super::convert;
use super::exports::{Function, TypeCheck};
use crate::call::Call;
use crate::error::LoadReason;

pub(super) const NAME: &str = "wharf:provider/manifest@1.0.0";

pub(super) fn check(describe: &Function, types: &mut TypeCheck<'_>) -> Result<(), LoadReason> {
    types.function::<(), guest::Descriptor>(describe)
}

/// Asks the plugin what it is, and looks at the types of all its functions before any is needed.
pub(crate) async fn describe(call: &Call<'_>) -> Result<Descriptor, LoadReason> {
    let failed = |error| LoadReason::Describe {
        source: Box::new(error),
    };
    let exports = &call.code.exports;
    let mut running = call.enter().await.map_err(failed)?;
    exports.check(&mut TypeCheck {
        instance: &running.instance,
        store: &mut running.store,
    })?;
    let described: guest::Descriptor = call
        .invoke(&mut running, exports.describe.index, ())
        .await
        .map_err(failed)?;
    Ok(convert::descriptor::from_guest(described))
}
