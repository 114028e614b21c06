//! How a guest that runs long shares the processor with everybody else.
//!
//! At each tick a guest gives its thread back. That alone is not fair: with sixty of them looping, an
//! honest call waits for sixty slices. So a call that has run for more than a tick or two is a long
//! call: of one plugin one long call goes on at a time, of all plugins a few, and each rests between
//! its slices: as long as a slice takes when nothing else goes on, several times as long when the
//! gateway has other work. A plugin that has used up its share of the processor stands in the same
//! line with every call from its beginning, or it would get its first slices for nothing again and
//! again. So a plugin that burns its time delays plugins like itself only.
//!
//! What a call has run is measured on the processor's clock, not in ticks: on a busy machine a call is
//! taken off its core again and again, and each time it comes back a tick has passed, though it ran for
//! microseconds. In ticks an honest call of one millisecond was seen to use up a budget of 250.
//!
//! Whoever made the call waits meanwhile, with what it holds. So a call waits for a bounded time
//! altogether; then it ends without a verdict on the plugin, and may be made again later.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::UpdateDeadline;

use crate::error::LimitKind;
use crate::limits::LimitHit;

/// Waiting for turns, in processor budgets of the call: rests of the default length take ten times what
/// was run, so a call that has the line for itself ends by its own budget, and the second in line mostly
/// too. A text's call waits two seconds at most.
const WAIT_BUDGETS_MAX: u32 = 20;
/// In rests as long as the operator made them: a longer pause does not end the call that has the line
/// for itself.
const WAIT_RESTS_MAX: u32 = 2;

/// Slices that a call may run before it counts as long.
const SHORT_SLICES: u32 = 2;

/// Of a slice, that a call must have run since its last pause before a tick means anything to it. A tick that
/// meets a call of microseconds would else stop all calls behind it, and a busy plugin of honest calls meets
/// many; and a call that others took the core from has made way already.
const RUN_PERCENT_MIN: u32 = 50;

/// Of one core, used by everything else in this process during a rest: other work. Timers and an idle
/// database stay below.
const BUSY_PERCENT: u32 = 10;

/// The pause after a slice.
#[derive(Clone, Copy)]
pub(crate) struct Rest {
    pub(crate) slice: Duration,
    /// Slices of it while the gateway has other work.
    pub(crate) busy_slices: u32,
}

/// What one call has left, and the lines it stands in.
pub(crate) struct Turns {
    /// Until it has run for so long it does not rest.
    short: Duration,
    budget: Duration,
    run: Duration,
    /// Of `run`, since it last gave its thread back.
    run_since_pause: Duration,
    stopwatch: Stopwatch,
    rest: Rest,
    own: Arc<Semaphore>,
    shared: Arc<Semaphore>,
    held: Arc<Mutex<Held>>,
    /// It has just waited: the next tick is its first look at how that ended, and costs nothing.
    waited: bool,
}

/// The call waited for its turns as long as a call may.
#[derive(Debug, thiserror::Error)]
#[error("no turn in time")]
pub(crate) struct NoTurn;

/// What a tick asks of the call.
pub(crate) enum Tick {
    /// The guest ran, and the plugin is charged for it.
    Spent(UpdateDeadline, Duration),
    /// It comes back from waiting.
    Back(UpdateDeadline),
}

struct Held {
    /// Kept to the end of the call, so that the first in line is also the first to end.
    own: Option<OwnedSemaphorePermit>,
    /// Given back after each slice.
    shared: Option<OwnedSemaphorePermit>,
    /// What is left of the time it may wait.
    patience: Duration,
    gave_up: bool,
}

impl Turns {
    /// `own` has one permit and belongs to the plugin, `shared` is everybody's. `in_line`: the call got
    /// the plugin's own permit before it began.
    pub(crate) fn new(
        slices_max: u64,
        rest: Rest,
        own: Arc<Semaphore>,
        shared: Arc<Semaphore>,
        in_line: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let waits = WAIT_BUDGETS_MAX.max(rest.busy_slices.saturating_mul(WAIT_RESTS_MAX));
        let slices = u32::try_from(slices_max).unwrap_or(u32::MAX);
        let patience = rest.slice.saturating_mul(slices).saturating_mul(waits);
        Self {
            short: match in_line {
                Some(_) => Duration::ZERO,
                None => rest.slice.saturating_mul(SHORT_SLICES),
            },
            budget: rest.slice.saturating_mul(slices),
            run: Duration::ZERO,
            run_since_pause: Duration::ZERO,
            stopwatch: Stopwatch::start(moment),
            rest,
            own,
            shared,
            held: Arc::new(Mutex::new(Held {
                own: in_line,
                shared: None,
                patience,
                gave_up: false,
            })),
            waited: false,
        }
    }

    /// What happens at each tick in which the guest runs.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<Tick> {
        if std::mem::take(&mut self.waited) {
            if lock(&self.held).gave_up {
                return Err(NoTurn.into());
            }
            // What the thread did meanwhile was not this call's.
            self.stopwatch.lap();
            return Ok(Tick::Back(UpdateDeadline::Continue(1)));
        }
        let charge = self.charge();
        let deadline = self.spend_tick()?;
        Ok(Tick::Spent(deadline, charge))
    }

    /// The first tick stands for all the calls that no tick met, and counts as a whole slice.
    fn charge(&mut self) -> Duration {
        let ran = self.stopwatch.lap().min(self.rest.slice);
        let is_first = self.run.is_zero();
        self.run += ran;
        self.run_since_pause += ran;
        match is_first {
            true => self.rest.slice,
            false => ran,
        }
    }

    fn spend_tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        if self.run > self.budget {
            return Err(LimitHit(LimitKind::Cpu).into());
        }
        if self.run_since_pause * 100 < self.rest.slice * RUN_PERCENT_MIN {
            return Ok(UpdateDeadline::Continue(1));
        }
        self.run_since_pause = Duration::ZERO;
        if self.run < self.short {
            return Ok(UpdateDeadline::Yield(1));
        }
        let (own, shared) = (Arc::clone(&self.own), Arc::clone(&self.shared));
        let turn = next_turn(own, shared, Arc::clone(&self.held), self.rest);
        // A future cannot end the call, but the guest's next check, which is at once, can.
        self.waited = true;
        Ok(UpdateDeadline::YieldCustom(0, Box::pin(turn)))
    }
}

/// Where and when a thread's clock was read.
#[derive(Clone, Copy)]
struct Moment {
    thread: ThreadId,
    used: Duration,
}

fn moment() -> Moment {
    Moment {
        thread: std::thread::current().id(),
        used: used(ClockId::ThreadCPUTime),
    }
}

/// Processor time of the thread that runs the call, from look to look.
struct Stopwatch {
    clock: fn() -> Moment,
    last: Moment,
}

impl Stopwatch {
    fn start(clock: fn() -> Moment) -> Self {
        Self {
            clock,
            last: clock(),
        }
    }

    /// What the thread used since the last look. Of a thread that the call has just come to nothing is known:
    /// it may all have been the call's.
    fn lap(&mut self) -> Duration {
        let now = (self.clock)();
        let last = std::mem::replace(&mut self.last, now);
        match now.thread == last.thread {
            true => now.used.saturating_sub(last.used),
            false => Duration::MAX,
        }
    }
}

async fn next_turn(
    own: Arc<Semaphore>,
    shared: Arc<Semaphore>,
    held: Arc<Mutex<Held>>,
    rest: Rest,
) {
    let (needs_own, patience) = {
        let mut held = lock(&held);
        held.shared = None;
        (held.own.is_none(), held.patience)
    };
    let began = tokio::time::Instant::now();
    let turn = async {
        rest.take().await;
        if needs_own {
            let permit = own.acquire_owned().await.expect("it is never closed");
            lock(&held).own = Some(permit);
        }
        let permit = shared.acquire_owned().await.expect("it is never closed");
        lock(&held).shared = Some(permit);
    };
    let in_time = tokio::time::timeout(patience, turn).await.is_ok();
    let mut held = lock(&held);
    held.patience = patience.saturating_sub(began.elapsed());
    held.gave_up = !in_time;
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rest {
    /// The guest does not run meanwhile, so what the process uses now is used by others.
    async fn take(self) {
        let (began, before) = (Instant::now(), used(ClockId::ProcessCPUTime));
        tokio::time::sleep(self.slice).await;
        let others = used(ClockId::ProcessCPUTime).saturating_sub(before);
        if others * 100 > began.elapsed() * BUSY_PERCENT {
            tokio::time::sleep(self.slice * self.busy_slices.saturating_sub(1)).await;
        }
    }
}

/// Processor time by the clock of this thread or of the process.
fn used(clock: ClockId) -> Duration {
    let used = clock_gettime(clock);
    Duration::new(
        u64::try_from(used.tv_sec).unwrap_or(0),
        u32::try_from(used.tv_nsec).unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const REST: Rest = Rest {
        slice: Duration::from_millis(5),
        busy_slices: 1,
    };

    /// Runs ticks until one ends the call or asks for no pause, and tells how many slices were run.
    async fn run(turns: &mut Turns) -> (u64, wasmtime::Error) {
        let mut slices = 0;
        loop {
            match turns.tick() {
                Ok(Tick::Back(_)) => {}
                Ok(Tick::Spent(UpdateDeadline::YieldCustom(_, pause), _)) => {
                    slices += 1;
                    pause.await;
                }
                Ok(Tick::Spent(..)) => slices += 1,
                Err(error) => return (slices, error),
            }
        }
    }

    thread_local! {
        static USED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
        static STEP: Cell<Duration> = const { Cell::new(REST.slice) };
    }

    /// A clock that finds the thread to have run for a step at each look.
    fn stepping() -> Moment {
        USED.set(USED.get() + STEP.get());
        Moment {
            thread: std::thread::current().id(),
            used: USED.get(),
        }
    }

    fn turns(slices: u64, own: &Arc<Semaphore>, shared: &Arc<Semaphore>) -> Turns {
        let (own, shared) = (Arc::clone(own), Arc::clone(shared));
        let mut turns = Turns::new(slices, REST, own, shared, None);
        turns.stopwatch = Stopwatch::start(stepping);
        turns
    }

    #[tokio::test]
    async fn a_call_that_is_always_taken_off_its_core_has_its_whole_budget() {
        let (own, shared) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
        STEP.set(REST.slice / 100);
        let (ticks, error) = run(&mut turns(20, &own, &shared)).await;
        STEP.set(REST.slice);
        assert!(error.is::<LimitHit>(), "{error}");
        // The look after a pause counts for nothing.
        assert_eq!(ticks, 2_000);
    }

    #[test]
    fn what_a_thread_did_before_the_call_came_counts_as_one_slice_at_most() {
        let (own, shared) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
        let mut moved = turns(20, &own, &shared);
        moved.stopwatch.last.thread = std::thread::spawn(|| std::thread::current().id())
            .join()
            .unwrap();
        moved.tick().unwrap();
        assert_eq!(moved.run, REST.slice);
    }

    #[tokio::test]
    async fn who_has_the_line_ends_by_its_own_budget() {
        let (own, shared) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
        let mut only = turns(20, &own, &shared);
        let (slices, error) = run(&mut only).await;
        assert_eq!(slices, 20);
        assert!(error.is::<LimitHit>(), "{error}");
    }

    #[tokio::test]
    async fn who_gets_no_turn_is_told_so() {
        for taken in [true, false] {
            let (own, shared) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
            let line = if taken { &own } else { &shared };
            let _held = line.acquire().await.unwrap();
            let (slices, error) = run(&mut turns(4, &own, &shared)).await;
            assert_eq!(slices, u64::from(SHORT_SLICES));
            assert!(error.is::<NoTurn>(), "{error}");
        }
    }

    #[test]
    fn a_call_waits_for_twenty_budgets_or_two_of_its_own_rests() {
        let lines = || Arc::new(Semaphore::new(1));
        let patience = |busy_slices| {
            let rest = Rest {
                busy_slices,
                ..REST
            };
            let turns = Turns::new(20, rest, lines(), lines(), None);
            lock(&turns.held).patience
        };
        assert_eq!(patience(1), Duration::from_secs(2));
        assert_eq!(patience(10), Duration::from_secs(2));
        assert_eq!(patience(100), Duration::from_secs(20));
    }

    #[tokio::test]
    async fn what_is_waited_at_several_turns_adds_up() {
        let (own, shared) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
        let mut turns = turns(20, &own, &shared);
        lock(&turns.held).patience = Duration::from_millis(12);
        let (slices, error) = run(&mut turns).await;
        assert!(
            slices <= u64::from(SHORT_SLICES) + 2,
            "two rests fit at most: {slices}"
        );
        assert!(error.is::<NoTurn>(), "{error}");
    }

    #[tokio::test]
    async fn a_call_in_line_rests_once_it_has_run_and_not_for_a_tick_that_meets_it_early() {
        for (step_percent, rests) in [(10, false), (90, true)] {
            let (own, shared) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
            let place = Arc::clone(&own).acquire_owned().await.unwrap();
            let mut turns = Turns::new(20, REST, own, shared, Some(place));
            STEP.set(REST.slice * step_percent / 100);
            turns.stopwatch = Stopwatch::start(stepping);
            let first = turns.tick().unwrap();
            STEP.set(REST.slice);
            let has_rested = matches!(first, Tick::Spent(UpdateDeadline::YieldCustom(..), _));
            assert_eq!(has_rested, rests);
        }
    }
}
