//! Where plugins run whose calls run long or that have used up their share of the processor: on a thread
//! of their own, from which the kernel takes the core as soon as another thread wants it.
//!
//! A guest gives its thread back at each tick only. On a thread of the gateway's own that is up to 5 ms
//! in which the requests behind it wait, although the other core may be idle: one request in a hundred
//! noticed it (the 99th percentile beside an endless loop was 1.3 times the one without).
//!
//! A thread that runs only when the machine is idle stands still when it never is, and then an honest
//! plugin that is merely slow would stop. So when that thread stands still, calls go to a second one for
//! a while, which gets a tenth of a core even then.

mod starvation;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;
use wharf_core::Clock;

use starvation::Starvation;

pub(crate) struct Aside {
    /// Runs when no other thread wants the core.
    idle: Thread,
    /// Runs a tenth of the time when others want the core.
    modest: Thread,
    starvation: Arc<Starvation>,
    clock: Arc<dyn Clock>,
}

impl Aside {
    pub(crate) fn start(clock: Arc<dyn Clock>) -> io::Result<Self> {
        Ok(Self {
            idle: Thread::start("wharf-idle", priority::wait_for_idle_core)?,
            modest: Thread::start("wharf-modest", priority::step_back)?,
            starvation: Arc::default(),
            clock,
        })
    }

    /// Runs `work` there. It ends at its next tick when the caller no longer waits.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T> + Send + 'static) -> T
    where
        T: Send + 'static,
    {
        let work = work.in_current_span();
        if self.starvation.is_on(self.clock.now_ms()) {
            return self.modest.run(work).await;
        }
        let starvation = Arc::clone(&self.starvation);
        let clock = Arc::clone(&self.clock);
        let watched = async move {
            let mut work = pin!(work);
            poll_fn(|context| {
                starvation.began(clock.now_ms());
                let polled = work.as_mut().poll(context);
                starvation.ended();
                polled
            })
            .await
        };
        self.idle.run(watched).await
    }
}

/// One thread that polls what it is given.
struct Thread {
    handle: Handle,
    /// There until it is dropped.
    runtime: Option<Runtime>,
}

impl Thread {
    fn start(name: &str, at_start: fn()) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            // More would let plugins that burn their time have more than one core.
            .worker_threads(1)
            .thread_name(name)
            .on_thread_start(at_start)
            .enable_time()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    async fn run<T>(&self, work: impl Future<Output = T> + Send + 'static) -> T
    where
        T: Send + 'static,
    {
        let task = AbortOnDropHandle::new(self.handle.spawn(work));
        match task.await {
            Ok(answer) => answer,
            // It cannot have been cancelled: whoever cancels does not wait, and `work` keeps the plugin
            // and so this thread alive.
            Err(ended) => std::panic::resume_unwind(ended.into_panic()),
        }
    }
}

impl Drop for Thread {
    /// Without waiting: the last to hold it may be a task of its own.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Policies and niceness are a matter of each thread on Linux; elsewhere they would slow the whole process,
/// and plugins are interrupted at each tick there too.
#[cfg(target_os = "linux")]
mod priority {
    /// Of the kernel's 19: a thread that runs at 10 weighs 110 against the 1024 of one at 0 (sched(7)), which
    /// is the eleventh of a core that long calls get by their rests.
    const NICENESS: i32 = 10;

    #[expect(
        unsafe_code,
        reason = "no library in use has this call; it reads one struct and changes the calling thread alone"
    )]
    pub(super) fn wait_for_idle_core() {
        let none = libc::sched_param { sched_priority: 0 };
        // SAFETY: 0 is the calling thread, and the struct lives until the call returns.
        if unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const none) } != 0 {
            warn(&std::io::Error::last_os_error());
        }
    }

    pub(super) fn step_back() {
        if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
            warn(&error.into());
        }
    }

    fn warn(error: &std::io::Error) {
        tracing::warn!(
            %error,
            "plugins that run long have the same priority as everything else; let the service change its \
             scheduling (sched_setscheduler, setpriority)"
        );
    }
}

#[cfg(not(target_os = "linux"))]
mod priority {
    pub(super) fn wait_for_idle_core() {}

    pub(super) fn step_back() {}
}
