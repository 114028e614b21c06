//! Equal exchanges in this process go one after the other, so that the first answer serves the rest.
//!
//! Other processes are not waited for: two of them may ask the provider twice, and the later answer
//! stays. That costs one request and harms nothing, since a memo says that a second one may be made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use wharf_store::memos::MemoKey;

type Turns = Arc<Mutex<HashMap<MemoKey, Arc<Turn<()>>>>>;

/// Who asks for what at the moment.
#[derive(Default)]
pub struct Flights {
    turns: Turns,
}

impl Flights {
    /// Waits for its turn, no longer than `wait_max`: None says that the one before takes too long.
    pub(super) async fn enter(&self, key: &MemoKey, wait_max: Duration) -> Option<Flight> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(key.clone()).or_default())
        };
        // Made before the wait, so that who gives up waiting cleans up too.
        let mut flight = Flight {
            turns: Arc::clone(&self.turns),
            key: key.clone(),
            turn: Some(Arc::clone(&turn)),
            guard: None,
        };
        flight.guard = Some(
            tokio::time::timeout(wait_max, turn.lock_owned())
                .await
                .ok()?,
        );
        Some(flight)
    }

    /// How many different exchanges are under way.
    pub fn count(&self) -> usize {
        let turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.len()
    }
}

/// One's turn, until it is dropped.
pub(super) struct Flight {
    turns: Turns,
    key: MemoKey,
    turn: Option<Arc<Turn<()>>>,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        self.guard = None;
        self.turn = None;
        // Nobody can come in while the map is locked: what only the map holds is over.
        if turns
            .get(&self.key)
            .is_some_and(|turn| Arc::strong_count(turn) == 1)
        {
            turns.remove(&self.key);
        }
    }
}
