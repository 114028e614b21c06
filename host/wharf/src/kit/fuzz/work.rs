//! One thread's work: batches of calls, each made by a chance of its own, so that a run comes to the same
//! whichever thread takes which batch.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use wharf_core::provider::{InboundItem, Sink};
use wharf_runtime::{CallError, Plugin, Usage};

use super::bend::{self, Pool};
use super::complete;
use super::corpus::Corpus;
use super::input::{Seed, Told};
use super::judge::{self, Answer, Ended, Fault, PAGES_MAX};
use super::tally::{Finding, Place, Tally};

/// Calls by one chance: few enough that threads end together, many enough that making one costs nothing.
const BATCH_CALLS: u64 = 250;
/// Steps of a flow after the first; the host makes six for a message.
const STEPS_MAX: usize = 5;
/// One in so many calls is made twice.
const REPEAT_ONE_IN: u32 = 50;
/// How often a function is chosen; any other has what is left, in equal parts.
const PARSE_PERCENT: u32 = 45;
const SEND_PERCENT: u32 = 20;

/// What all threads share.
pub(super) struct Run<'a> {
    pub(super) plugin: &'a Plugin,
    pub(super) corpus: &'a Corpus,
    pub(super) pool: &'a Pool,
    pub(super) executions: u64,
    pub(super) seed: u64,
    pub(super) next_batch: AtomicU64,
    /// A thread could not go on, and the others need not.
    pub(super) is_over: AtomicBool,
}

/// Takes batches until there are none.
pub(super) fn work(run: &Run<'_>) -> anyhow::Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut worker = Worker::new(run);
    let batches = run.executions.div_ceil(BATCH_CALLS);
    while !run.is_over.load(Ordering::Relaxed) {
        let batch = run.next_batch.fetch_add(1, Ordering::Relaxed);
        if batch >= batches {
            break;
        }
        let calls = BATCH_CALLS.min(run.executions - batch * BATCH_CALLS);
        if let Err(error) = runtime.block_on(worker.batch(batch, calls)) {
            run.is_over.store(true, Ordering::Relaxed);
            return Err(error);
        }
    }
    Ok(worker.tally)
}

struct Worker<'a> {
    run: &'a Run<'a>,
    plugin: Plugin,
    /// Of the last call.
    usage: Arc<Mutex<Option<Usage>>>,
    tally: Tally,
    batch: u64,
    calls: u64,
}

impl<'a> Worker<'a> {
    fn new(run: &'a Run<'a>) -> Self {
        let usage = Arc::new(Mutex::new(None));
        let told = Arc::clone(&usage);
        let plugin = run.plugin.observed(move |used| {
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(used.clone());
        });
        Self {
            run,
            plugin,
            usage,
            tally: Tally::default(),
            batch: 0,
            calls: 0,
        }
    }

    /// So many calls, or a few more to come to the end of a webhook.
    async fn batch(&mut self, batch: u64, calls: u64) -> anyhow::Result<()> {
        let mut chance = StdRng::seed_from_u64(mixed(self.run.seed, batch));
        (self.batch, self.calls) = (batch, 0);
        while self.calls < calls {
            let function = self.choose(&mut chance);
            let seeds = &self.run.corpus.seeds[function];
            let seed = seeds.choose(&mut chance).expect("a function has seeds");
            self.input(seed, calls, &mut chance).await?;
        }
        Ok(())
    }

    fn choose(&self, chance: &mut StdRng) -> &'static str {
        let functions: Vec<_> = self.run.corpus.seeds.keys().copied().collect();
        let wanted = match chance.random_range(0..100) {
            percent if percent < PARSE_PERCENT => "inbound.parse",
            percent if percent < PARSE_PERCENT + SEND_PERCENT => "outbound.resume",
            _ => "",
        };
        match functions.iter().find(|function| **function == wanted) {
            Some(function) => function,
            None => functions.choose(chance).expect("there are some"),
        }
    }

    /// A bent input, and where the plugin goes on, what it is told next.
    async fn input(&mut self, seed: &Seed, calls: u64, chance: &mut StdRng) -> anyhow::Result<()> {
        let mut bent = bend::bend(seed, self.run.pool, chance);
        if matches!(bent.told, Told::Webhook { .. }) {
            return self.webhook(seed, bent.told, chance).await;
        }
        let mut seed = seed.clone();
        let mut of_state = bent.of_state;
        for _ in 0..=STEPS_MAX {
            let answer = self.call(&seed, &bent.told, of_state, chance).await?;
            let Some(next) = answer.and_then(|answer| self.next(&seed, &answer, chance)) else {
                return Ok(());
            };
            if self.calls >= calls || !chance.random_ratio(2, 3) {
                return Ok(());
            }
            seed = next;
            bent = bend::bend(&seed, self.run.pool, chance);
            // A state that was made from a bent one is no better.
            of_state |= bent.of_state;
        }
        Ok(())
    }

    /// The call that an answer leads to, with what some case was told there.
    fn next(&self, seed: &Seed, answer: &Answer, chance: &mut StdRng) -> Option<Seed> {
        let mut next = seed.clone();
        let seeds = &self.run.corpus.seeds;
        let state = if let Some(exchange) = answer.exchange() {
            if next.function == "onboarding.answer" {
                next.function = "onboarding.resume";
            }
            (next.body_bytes_max, next.stores) = match exchange.sink {
                Sink::Buffer(bytes) => (usize::try_from(bytes).unwrap_or(usize::MAX), false),
                Sink::Store => (seed.body_bytes_max, true),
            };
            exchange.state.clone()
        } else {
            next.function = "onboarding.answer";
            answer.asked_state()?.to_vec()
        };
        let other = seeds.get(next.function)?.choose(chance)?;
        next.told = match &other.told {
            Told::Outcome { outcome, .. } => Told::Outcome {
                state,
                outcome: outcome.clone(),
            },
            Told::Answer { inputs, .. } => Told::Answer {
                state,
                inputs: inputs.clone(),
            },
            Told::Webhook { .. } => return None,
        };
        Some(next)
    }

    /// All pages of a webhook, and whether everything in it came out.
    async fn webhook(
        &mut self,
        seed: &Seed,
        told: Told,
        chance: &mut StdRng,
    ) -> anyhow::Result<()> {
        let Told::Webhook { webhook, skip } = &told else {
            return Ok(());
        };
        let is_whole = *skip == 0;
        let mut pointers = BTreeSet::new();
        let mut items = 0;
        let mut page = told.clone();
        for _ in 0..PAGES_MAX {
            let answer = self.call(seed, &page, false, chance).await?;
            let Some(Answer::Parsed(parsed)) = answer else {
                return Ok(());
            };
            items += parsed.items.len();
            self.count(&parsed.items);
            pointers.extend(parsed.items.into_iter().filter_map(|item| item.pointer));
            let Some(next) = parsed.next else {
                if is_whole {
                    self.complete(seed, &told, &webhook.body, items, &pointers);
                }
                return Ok(());
            };
            page = Told::Webhook {
                webhook: webhook.clone(),
                skip: next,
            };
        }
        let detail = format!("its `next` asks for more than {PAGES_MAX} pages");
        self.found(Fault::Endless, seed, &told, detail);
        Ok(())
    }

    fn count(&mut self, items: &[InboundItem]) {
        for item in items {
            *self.tally.items.entry(item.event.kind()).or_default() += 1;
        }
    }

    fn complete(
        &mut self,
        seed: &Seed,
        told: &Told,
        body: &[u8],
        items: usize,
        pointers: &BTreeSet<String>,
    ) {
        let verdict = complete::verdict(&self.run.corpus.places, body, items, pointers);
        if let Some(atoms) = verdict.atoms {
            self.tally.complete_bodies += 1;
            self.tally.complete_atoms += atoms as u64;
        }
        if let Some(problem) = verdict.problem {
            self.found(Fault::Dropped, seed, told, problem);
        }
    }

    /// One call with its verdict. `None` where there is no answer to go on from.
    async fn call(
        &mut self,
        seed: &Seed,
        told: &Told,
        of_state: bool,
        chance: &mut StdRng,
    ) -> anyhow::Result<Option<Answer>> {
        let Ended { result, was_slow } = judge::call(&self.plugin, seed, told).await?;
        self.calls += 1;
        if let Some(usage) = self.take_usage() {
            self.tally.used(seed.function, &seed.case, &usage);
        }
        if chance.random_ratio(1, REPEAT_ONE_IN) {
            self.repeat(seed, told, &result).await?;
        }
        let kind = kind(&result, of_state);
        self.tally.called(seed.function, &seed.case, &kind);
        match result {
            Ok(answer) => {
                self.tally.slow_once += u64::from(was_slow);
                Ok(Some(answer))
            }
            Err(error) => {
                let fault = Fault::of(&error).filter(|fault| !is_own_fault(*fault, of_state));
                match fault {
                    Some(fault) => self.found(fault, seed, told, error.to_string()),
                    None => self.tally.slow_once += u64::from(was_slow),
                }
                Ok(None)
            }
        }
    }

    /// Of the last call, when it came to an end.
    fn take_usage(&self) -> Option<Usage> {
        let mut last = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        last.take()
    }

    async fn repeat(
        &mut self,
        seed: &Seed,
        told: &Told,
        first: &Result<Answer, CallError>,
    ) -> anyhow::Result<()> {
        // What ran out of time may do so or not.
        let is_timed = |result: &Result<Answer, CallError>| {
            let fault = result.as_ref().err().and_then(Fault::of);
            fault == Some(Fault::CpuLimit)
        };
        let second = judge::call(&self.plugin, seed, told).await?.result;
        self.tally.repeated += 1;
        let (before, after) = (format!("{first:?}"), format!("{second:?}"));
        if before != after && !is_timed(first) && !is_timed(&second) {
            let detail = "the same call gave something else the second time".to_owned();
            self.found(Fault::Unequal, seed, told, detail);
        }
        Ok(())
    }

    fn found(&mut self, fault: Fault, seed: &Seed, told: &Told, detail: String) {
        let place: Place = (self.batch, self.calls);
        self.tally.found(Finding {
            fault,
            function: seed.function,
            case: seed.case.clone(),
            detail,
            arguments: seed.arguments(told),
            place,
            count: 1,
        });
    }
}

/// Whoever gives a plugin a state that is not its own may get something that the host refuses. It must still
/// come to an end of its own.
fn is_own_fault(fault: Fault, of_state: bool) -> bool {
    of_state && fault == Fault::Refused
}

fn kind(result: &Result<Answer, CallError>, of_state: bool) -> String {
    match result {
        Ok(answer) => answer.kind().to_owned(),
        Err(error) => match Fault::of(error) {
            None => format!("error {}", error.slug()),
            Some(fault) if is_own_fault(fault, of_state) => "refused after a bent state".to_owned(),
            Some(fault) => format!("FAULT {}", fault.as_str()),
        },
    }
}

/// Chances of neighbouring batches, and of neighbouring seeds, have nothing in common.
fn mixed(seed: u64, batch: u64) -> u64 {
    // SplitMix64's step and its constant, the golden ratio of 64 bits.
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    seed.wrapping_mul(STEP)
        .wrapping_add(batch)
        .wrapping_mul(STEP)
        .rotate_left(32)
        ^ seed
}
