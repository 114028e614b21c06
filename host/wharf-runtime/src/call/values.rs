//! Calls with types that are looked up in the component instead of known: the author's kit, not the gateway.

use std::time::Duration;

use wasmtime::component::{Func, Val};

use super::{ANSWERED, Call, Running};
use crate::error::CallError;
use crate::usage::timed;

/// wasmtime charges 40 bytes for each element of a list that has no static type, and most are bytes.
const VALUE_FACTOR: usize = 48;

impl Call<'_> {
    /// A function by its name, `None` when the component does not export it.
    pub(crate) fn function(
        &self,
        running: &mut Running<'_>,
        interface: &str,
        function: &str,
    ) -> Option<Func> {
        let component = self.code.pre.component();
        let interface = format!("wharf:provider/{interface}@1.0.0");
        let interface = component.get_export_index(None, &interface)?;
        let function = component.get_export_index(Some(&interface), function)?;
        running.instance.get_func(&mut running.store, function)
    }

    /// As [`Call::invoke`], with types that are looked up instead of known. Values without static types
    /// are charged several times their size, so the output limit is wider.
    pub(crate) async fn invoke_values(
        &self,
        running: &mut Running<'_>,
        function: Func,
        params: &[Val],
    ) -> Result<Val, CallError> {
        let fuel = self.limits.output_bytes.saturating_mul(VALUE_FACTOR);
        running.store.set_hostcall_fuel(fuel);
        let mut results = [Val::Bool(false)];
        let mut cpu = Duration::ZERO;
        let work = function.call_async(&mut running.store, params, &mut results);
        let called = timed(work, &mut cpu).await;
        self.measure(running, cpu);
        let [returned] = results;
        match called {
            Ok(()) => {
                self.judge(ANSWERED);
                Ok(returned)
            }
            Err(error) => Err(self.observe(self.ends().of_call(&error))),
        }
    }
}
