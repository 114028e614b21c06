//! Drives one future on the calling thread, awake for a moment after each step.
//!
//! A statement on SQLite takes some ten microseconds on another thread, and waking a thread that went
//! to sleep can take several times that. Knows nothing of what it drives.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How long an answer is waited for awake: longer than nearly every statement, short enough to cost
/// nothing beside a commit. Others that want the processor get it meanwhile.
const AWAKE: Duration = Duration::from_micros(50);

struct Bell {
    rung: AtomicBool,
    thread: Thread,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }
}

/// Runs `work` to its end. The caller enters a runtime first when `work` needs its timers.
pub(super) fn drive(work: impl Future<Output = ()>) {
    let bell = Arc::new(Bell {
        rung: AtomicBool::new(false),
        thread: thread::current(),
    });
    let waker = Waker::from(Arc::clone(&bell));
    let mut work = pin!(work);
    while work.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Pending {
        let asked = Instant::now();
        while !bell.rung.swap(false, Ordering::Acquire) {
            if asked.elapsed() < AWAKE {
                thread::yield_now();
            } else {
                // Returns at once when the bell rang since it was looked at.
                thread::park();
            }
        }
    }
}
