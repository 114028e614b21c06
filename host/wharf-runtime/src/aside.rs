//! Where plugins run whose calls run long or that have used up their share of the processor: on one
//! thread of their own, which the kernel lets run when no other thread wants the core, and a tenth of the
//! time when one does.
//!
//! A guest gives its thread back at each tick only. On a thread of the gateway's own that is up to 5 ms
//! in which the requests behind it wait, although the other core may be idle: one request in a hundred
//! noticed it. The kernel takes the core away from this thread at once, in the middle of a slice.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// Of the kernel's 19: a thread that runs at 10 weighs 110 against the 1024 of one at 0 (sched(7)), which
/// is the eleventh of a core that long calls get by their rests. Lower, a busy gateway would starve an
/// honest plugin that is only slow.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// A thread beside the gateway's.
pub(crate) struct Aside {
    handle: Handle,
    /// There until it is dropped.
    runtime: Option<Runtime>,
}

impl Aside {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            // More would let the hostile have more than one core.
            .worker_threads(1)
            .thread_name("wharf-aside")
            .on_thread_start(step_back)
            .enable_time()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Runs `work` there. It ends at its next tick when the caller no longer waits.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T> + Send + 'static) -> T
    where
        T: Send + 'static,
    {
        let task = AbortOnDropHandle::new(self.handle.spawn(work.in_current_span()));
        match task.await {
            Ok(answer) => answer,
            // It cannot have been cancelled: whoever cancels does not wait, and `work` keeps the plugin
            // and so this thread alive.
            Err(ended) => std::panic::resume_unwind(ended.into_panic()),
        }
    }
}

impl Drop for Aside {
    /// Without waiting: the last to hold it may be a task.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Niceness is a matter of each thread on Linux; elsewhere it would slow the whole process.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::warn!(
            %error,
            "plugins beyond their share of the processor run at the same priority as everything else"
        );
    }
}
