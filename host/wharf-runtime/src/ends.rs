//! The names of bad ends: what wasmtime says about a call, as this crate's errors.
//!
//! It must not know how a call is made; it reads errors and limits.

use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

use crate::error::{CallError, FaultKind, LimitKind, Origin};
use crate::limits::{CallLimits, LimitHit};
use crate::log;
use crate::turns::NoTurn;

/// Text of a crash as it is kept and shown.
pub(crate) const DETAIL_BYTES_MAX: usize = 1024;
/// Guest functions named in it, innermost first.
const DETAIL_FRAMES_MAX: usize = 8;
/// wasmtime's error for a value over `hostcall_fuel` has no type of its own. The output limit's test
/// fails when this text changes.
const OUTPUT_LIMIT_TEXT: &str = "fuel allocated for hostcalls";

/// Whose call failed, and under which limits.
pub(crate) struct Ends<'a> {
    pub(crate) origin: Origin,
    pub(crate) limits: &'a CallLimits,
    pub(crate) permits_max: usize,
    pub(crate) long_calls_max: usize,
}

impl Ends<'_> {
    /// Why no instance could be made.
    pub(crate) fn of_instantiation(self, error: &wasmtime::Error) -> CallError {
        if error.is::<PoolConcurrencyLimitError>() {
            return CallError::Overloaded {
                origin: self.origin,
                scope: "all plugins",
                max: self.permits_max as u64,
            };
        }
        if error.is::<LimitHit>() || error.is::<NoTurn>() || error.is::<Trap>() {
            return self.of_call(error);
        }
        CallError::Unavailable {
            origin: self.origin,
            detail: detail(error),
        }
    }

    /// Why a function gave no value.
    pub(crate) fn of_call(self, error: &wasmtime::Error) -> CallError {
        if let Some(LimitHit(which)) = error.downcast_ref::<LimitHit>() {
            return self.limit(*which);
        }
        if error.is::<NoTurn>() {
            return CallError::Overloaded {
                origin: self.origin,
                scope: "long calls, which waited for their turn",
                max: self.long_calls_max as u64,
            };
        }
        let trap = error.downcast_ref::<Trap>().copied();
        if trap.is_none() && error.root_cause().to_string().contains(OUTPUT_LIMIT_TEXT) {
            return self.limit(LimitKind::Output);
        }
        CallError::Fault {
            origin: self.origin,
            // Without a trap the error came from reading the value that was returned or logged.
            kind: trap.map_or(FaultKind::MalformedValue, fault_kind),
            detail: detail(error),
        }
    }

    fn limit(self, which: LimitKind) -> CallError {
        CallError::Limit {
            origin: self.origin,
            which,
            max: match which {
                LimitKind::Cpu => self.limits.cpu_ms,
                LimitKind::Memory => self.limits.memory_bytes as u64,
                LimitKind::Output => self.limits.output_bytes as u64,
            },
        }
    }
}

fn fault_kind(trap: Trap) -> FaultKind {
    match trap {
        Trap::UnreachableCodeReached => FaultKind::Unreachable,
        Trap::StackOverflow => FaultKind::StackOverflow,
        Trap::MemoryOutOfBounds | Trap::HeapMisaligned => FaultKind::MemoryOutOfBounds,
        Trap::TableOutOfBounds | Trap::IndirectCallToNull | Trap::BadSignature => {
            FaultKind::BadCall
        }
        Trap::IntegerOverflow | Trap::IntegerDivisionByZero | Trap::BadConversionToInteger => {
            FaultKind::Arithmetic
        }
        Trap::InvalidChar
        | Trap::StringOutOfBounds
        | Trap::ListOutOfBounds
        | Trap::InvalidDiscriminant
        | Trap::UnalignedPointer => FaultKind::MalformedValue,
        _ => FaultKind::Other,
    }
}

/// The cause, and the guest's functions it happened in. Their names are the guest's, so they are escaped.
fn detail(error: &wasmtime::Error) -> String {
    let mut text = error.root_cause().to_string();
    if let Some(trace) = error.downcast_ref::<WasmBacktrace>() {
        let names = trace.frames().iter().filter_map(|frame| frame.func_name());
        for (number, name) in names.take(DETAIL_FRAMES_MAX).enumerate() {
            text.push_str(if number == 0 { " in " } else { " < " });
            text.push_str(name);
        }
    }
    log::escape(&text, DETAIL_BYTES_MAX)
}
