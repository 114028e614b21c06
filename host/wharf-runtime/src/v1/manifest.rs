//! `manifest`: what the plugin is.

use wharf_core::provider::Descriptor;

use super::bindings::exports::wharf::provider::manifest as guest;
use super::convert;
use super::exports::TypeCheck;
use super::function::signature;
use crate::call::Call;
use crate::error::LoadReason;

pub(super) const NAME: &str = "wharf:provider/manifest@1.0.0";

signature!(Describe, "describe", <'a>() -> guest::Descriptor);

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
    let described = call
        .invoke(&mut running, &exports.describe, ())
        .await
        .map_err(failed)?;
    Ok(convert::descriptor::from_guest(described))
}
