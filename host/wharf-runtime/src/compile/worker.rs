//! The side of compilation that runs in a process of its own.
//!
//! It reads a component from its standard input and writes native code to its standard output. Before
//! it reads a byte it gives up what it does not need: memory, time, files, sockets, a life longer than
//! its parent's. It must not know where the component comes from or where the code goes.

use std::io::{self, Read, Write};

use rustix::process::{
    Resource, Rlimit, Signal, set_parent_process_death_signal, setpriority_process, setrlimit,
};
use thiserror::Error;
use wasmtime::Engine;

use crate::compatibility;
use crate::engine::base_settings;

/// Of the processes that compete for a core, one that is ten steps nicer gets about a tenth of it: a
/// compilation takes up to a minute of it, and messages go on meanwhile.
const NICENESS: i32 = 10;

/// Begins the output, before the hash of compatibility and the code.
pub(super) const MAGIC: &[u8; 8] = b"wharfcw1";

/// What the process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerLimits {
    /// Address space.
    pub memory_bytes_max: u64,
    /// CPU time of all its threads.
    pub cpu_s_max: u64,
}

/// Why there is no code. Goes to standard error as the process's last words.
#[derive(Debug, Error)]
pub enum WorkerError {
    #[error("could not limit the compiler's {what}: {source}")]
    Limit {
        what: &'static str,
        source: rustix::io::Errno,
    },
    #[error("could not read the component: {source}")]
    Read { source: io::Error },
    #[error("{source:#}")]
    Compile { source: wasmtime::Error },
    #[error("could not write the code: {source}")]
    Write { source: io::Error },
}

/// The whole life of the process. Call it before anything else is opened or started.
pub fn compile_worker(limits: &WorkerLimits) -> Result<(), WorkerError> {
    give_up_what_is_not_needed(limits)?;
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|source| WorkerError::Read { source })?;
    let failed = |source| WorkerError::Compile { source };
    let engine = Engine::new(&base_settings()).map_err(failed)?;
    let code = engine.precompile_component(&bytes).map_err(failed)?;
    let mut output = io::stdout().lock();
    output
        .write_all(MAGIC)
        .and_then(|()| output.write_all(&compatibility::of(&engine)))
        .and_then(|()| output.write_all(&code))
        .and_then(|()| output.flush())
        .map_err(|source| WorkerError::Write { source })
}

fn give_up_what_is_not_needed(limits: &WorkerLimits) -> Result<(), WorkerError> {
    let refused = |what| move |source| WorkerError::Limit { what, source };
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(refused("lifetime"))?;
    setpriority_process(None, NICENESS).map_err(refused("priority"))?;
    let all = [
        ("memory", Resource::As, limits.memory_bytes_max, 0),
        // The signal at the limit has a name; a second later comes the one that cannot be caught.
        ("time", Resource::Cpu, limits.cpu_s_max, 1),
        // Its input and output are open already. It can open no file and no socket any more.
        ("files", Resource::Nofile, 0, 0),
        ("file size", Resource::Fsize, 0, 0),
        ("core dump", Resource::Core, 0, 0),
    ];
    for (what, resource, max, grace) in all {
        let limit = Rlimit {
            current: Some(max),
            maximum: Some(max + grace),
        };
        setrlimit(resource, limit).map_err(refused(what))?;
    }
    Ok(())
}
