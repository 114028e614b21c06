//! The side of compilation that stays in the host: starts the compiling process, feeds it, waits no
//! longer than it may take, and reads its end.
//!
//! All of it on one blocking thread: the child dies with the thread that started it, so that thread
//! must not go away earlier. Files that the host has open are closed by the kernel when the child
//! starts (the standard library opens everything close-on-exec).

use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use wasmtime::Engine;

use super::worker::MAGIC;
use crate::compatibility;
use crate::config::{CompilerCommand, LimitClass, RuntimeConfig};
use crate::error::LoadReason;
use crate::log;

/// Native code of one component; Python's has 35 MB.
const CODE_BYTES_MAX: u64 = 256 * 1024 * 1024;
const HEAD_BYTES: usize = MAGIC.len() + 32;
/// What is kept of the compiler's last words.
const WORDS_BYTES_MAX: u64 = 4 * 1024;
/// Of those, what is shown.
const DETAIL_BYTES_MAX: usize = 1024;
/// The allocator's words before it aborts, the standard library's, and the system's for a mapping.
const OUT_OF_MEMORY: [&str; 3] = ["memory allocation of", "out of memory", "os error 12"];
/// Each thread takes addresses for its stack and its heap.
const THREADS_MAX: usize = 4;

pub(super) fn compile(
    command: &CompilerCommand,
    config: &RuntimeConfig,
    class: LimitClass,
    engine: &Engine,
    bytes: &[u8],
) -> Result<Vec<u8>, LoadReason> {
    let memory_bytes_max = config.limits_of(class).compile_memory_bytes_max;
    let mut child =
        start(command, memory_bytes_max, config.compile_cpu_s_max).map_err(|error| {
            failed(format!(
                "{} did not start: {error}",
                command.program.display()
            ))
        })?;
    let timeout = Duration::from_millis(config.compile_timeout_ms);
    let attended = attend(&mut child, bytes, timeout);
    if attended.is_err() {
        // Nothing more is wanted of it, and it must not stay behind, running or as a zombie. What has
        // ended already is neither killed nor waited for again.
        let _ = child.kill();
        let _ = child.wait();
    }
    let end = attended.map_err(|error| failed(error.to_string()))?;
    if end.status.success() {
        return code_of(end, engine);
    }
    Err(reason(&end, config, class))
}

fn start(command: &CompilerCommand, memory_bytes: u64, cpu_s: u64) -> io::Result<Child> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    Command::new(&command.program)
        .args(&command.args)
        .args([memory_bytes.to_string(), cpu_s.to_string()])
        .env_clear()
        .env("RAYON_NUM_THREADS", threads.min(THREADS_MAX).to_string())
        // One heap for each thread would reserve more addresses than the compiler needs.
        .env("MALLOC_ARENA_MAX", "2")
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

struct End {
    status: ExitStatus,
    output: Vec<u8>,
    /// What it wrote to standard error, the beginning of it.
    words: Vec<u8>,
    timed_out: bool,
}

fn attend(child: &mut Child, bytes: &[u8], timeout: Duration) -> io::Result<End> {
    let mut stdin = child.stdin.take().expect("it is piped");
    let stdout = child.stdout.take().expect("it is piped");
    let mut stderr = child.stderr.take().expect("it is piped");
    let pid = Pid::from_child(child);
    let (ended, end) = mpsc::channel::<()>();
    let (output, words, timed_out) = thread::scope(|scope| {
        // A child that ends early closes its end; why it did so is told by its status.
        scope.spawn(move || stdin.write_all(bytes));
        let words = scope.spawn(move || {
            let mut words = Vec::new();
            let kept = stderr
                .by_ref()
                .take(WORDS_BYTES_MAX)
                .read_to_end(&mut words);
            let _ = kept.and_then(|_| io::copy(&mut stderr, &mut io::sink()));
            words
        });
        let watch = scope.spawn(move || {
            let late = end.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout);
            if late {
                let _ = kill_process_group(pid, Signal::KILL);
            }
            late
        });
        let mut output = Vec::new();
        let read = stdout.take(CODE_BYTES_MAX + 1).read_to_end(&mut output);
        if read.is_err() || output.len() as u64 > CODE_BYTES_MAX {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        // Its number stays taken until the wait below, so nobody else can be killed in its place.
        let _ = waitid(
            WaitId::Pid(pid),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        );
        drop(ended);
        let timed_out = watch.join().unwrap_or(false);
        read.map(|_| (output, words.join().unwrap_or_default(), timed_out))
    })?;
    Ok(End {
        status: child.wait()?,
        output,
        words,
        timed_out,
    })
}

/// Takes the code only from a compiler that is the same as this host's.
fn code_of(end: End, engine: &Engine) -> Result<Vec<u8>, LoadReason> {
    let mut output = end.output;
    let head = output.get(..HEAD_BYTES);
    let Some((magic, compatible)) = head.map(|head| head.split_at(MAGIC.len())) else {
        return Err(failed("the compiler said nothing".to_owned()));
    };
    if magic != MAGIC {
        return Err(failed(
            "the program that was started as compiler is none".to_owned(),
        ));
    }
    if compatible != compatibility::of(engine) {
        return Err(failed(
            "the compiler is another version than this host; start the host again".to_owned(),
        ));
    }
    output.drain(..HEAD_BYTES);
    Ok(output)
}

fn reason(end: &End, config: &RuntimeConfig, class: LimitClass) -> LoadReason {
    if end.timed_out {
        return LoadReason::CompileLimit {
            what: "ms",
            max: config.compile_timeout_ms,
            key: "plugins.compile_timeout_ms".to_owned(),
        };
    }
    if end.output.len() as u64 > CODE_BYTES_MAX {
        return failed(format!("its code is larger than {CODE_BYTES_MAX} bytes"));
    }
    let signal = end.status.signal();
    if signal == Some(Signal::XCPU.as_raw()) {
        return LoadReason::CompileLimit {
            what: "s of CPU time",
            max: config.compile_cpu_s_max,
            key: "plugins.compile_cpu_s_max".to_owned(),
        };
    }
    let words = String::from_utf8_lossy(&end.words);
    if OUT_OF_MEMORY.iter().any(|known| words.contains(known)) {
        return LoadReason::CompileLimit {
            what: "bytes of memory",
            max: config.limits_of(class).compile_memory_bytes_max,
            key: format!("plugins.{}.compile_memory_bytes_max", class.as_str()),
        };
    }
    let words = words.trim();
    failed(match (signal, words.is_empty()) {
        (Some(signal), true) => format!("the compiler was ended by signal {signal}"),
        (Some(signal), false) => format!("the compiler was ended by signal {signal}: {words}"),
        (None, true) => format!("the compiler ended with {}", end.status),
        (None, false) => words.to_owned(),
    })
}

fn failed(detail: String) -> LoadReason {
    LoadReason::Compiler {
        detail: log::escape(&detail, DETAIL_BYTES_MAX),
    }
}
