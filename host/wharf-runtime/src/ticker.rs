//! The clock that interrupts guests: one thread that moves the engine's epoch on.
//!
//! It is a thread and not a task, because a task starves together with the executor it should protect.

use std::io;
use std::thread;
use std::time::Duration;

use wasmtime::EngineWeak;

/// Starts the thread. It ends by itself within one tick after the last owner let go of the engine.
pub(crate) fn start(engine: EngineWeak, tick: Duration) -> io::Result<()> {
    thread::Builder::new()
        .name("wharf-epoch".to_owned())
        .spawn(move || run(&engine, tick))
        .map(drop)
}

fn run(engine: &EngineWeak, tick: Duration) {
    loop {
        thread::sleep(tick);
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
    }
}
