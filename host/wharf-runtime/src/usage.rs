//! What one call used, for those who measure a plugin: the author's kit, not the gateway.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{CallError, LimitKind};
use crate::plugin::Plugin;

/// What one call used. Of a call that was given up there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The function, for example `outbound.start`.
    pub export: &'static str,
    /// CPU time of making the instance, in µs.
    pub instantiate_us: u64,
    /// CPU time of the function, in µs: what the guest ran, what wasmtime copied in and out.
    pub call_us: u64,
    /// Memory and tables at the end; they never shrink, so this was the most.
    pub memory_bytes: usize,
    pub log_lines: u64,
    pub log_lines_dropped: u64,
}

/// Is told of each call of an observed plugin, after it ended.
pub(crate) type Observer = Arc<dyn Fn(&Usage) + Send + Sync>;

/// Runs a future and adds up the time it had the thread, without the time it waited.
pub(crate) async fn timed<F: Future>(future: F, spent: &mut Duration) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let began = Instant::now();
        let polled = future.as_mut().poll(context);
        *spent += began.elapsed();
        polled
    })
    .await
}

/// The smallest output limit under which a call comes through, which is what its answer is worth in
/// bytes by the limit's own count. A log line that is longer than the answer counts in its place.
///
/// The call is made some twenty times; it must give the same answer each time, as every call of a
/// plugin with the same arguments does. `None` when it fails for another reason.
pub async fn output_bytes<T, F, R>(plugin: &Plugin, bytes_max: usize, call: F) -> Option<usize>
where
    F: Fn(Plugin) -> R,
    R: Future<Output = Result<T, CallError>>,
{
    let fits = |bytes: usize| {
        let attempt = call(plugin.with_output_limit(bytes));
        async move {
            match attempt.await {
                Ok(_) | Err(CallError::Guest(_)) => Some(true),
                Err(CallError::Limit {
                    which: LimitKind::Output,
                    ..
                }) => Some(false),
                Err(_) => None,
            }
        }
    };
    if !fits(bytes_max).await? {
        return None;
    }
    let (mut low, mut high) = (0, bytes_max);
    while low < high {
        let middle = low + (high - low) / 2;
        if fits(middle).await? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(high)
}
