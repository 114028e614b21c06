//! How loading a plugin or calling one can end badly, told apart by who must act.
//!
//! A failure the plugin reports ([`CallError::Guest`]) is an answer about a provider. Everything else
//! here is about the plugin or the host, and names plugin, version, digest and export.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use wharf_core::Reason;
use wharf_core::provider::PlatformError;

use crate::config::LimitClass;
use crate::interface::Interface;

/// The plugin host could not be started.
#[derive(Debug, Error)]
pub enum RuntimeError {
    #[error("could not set up the WebAssembly engine")]
    Engine { source: wasmtime::Error },
    #[error("could not start the thread that {task} plugins")]
    Thread {
        task: &'static str,
        source: std::io::Error,
    },
    #[error(
        "could not use {path} for compiled plugins; create it for the service user alone (mode 0700) or unset it"
    )]
    CacheDir {
        path: String,
        source: std::io::Error,
    },
    #[error("{path} must not be writable by others, it holds native code; run `chmod 700` on it")]
    CacheDirOpen { path: String },
    #[error("the plugin limit {name} must be at least 1")]
    Zero { name: &'static str },
}

/// A plugin was not taken into service.
#[derive(Debug)]
pub struct LoadError {
    /// The name it was to be loaded under.
    pub plugin: String,
    pub reason: LoadReason,
}

impl LoadReason {
    /// Its entry in the catalogue of reasons.
    fn catalogued(&self) -> Reason {
        match self {
            Self::TooLarge { .. }
            | Self::CoreModule
            | Self::Precompiled
            | Self::NotWasm
            | Self::Malformed { .. } => Reason::PluginNotAComponent,
            Self::ForeignImport { .. } => Reason::PluginForeignImport,
            Self::ForeignVersion { .. }
            | Self::NotOffered { .. }
            | Self::MissingExport { .. }
            | Self::MissingFunction { .. }
            | Self::WrongType { .. }
            | Self::Link { .. } => Reason::PluginWrongInterface,
            Self::Resources { .. } | Self::Shape { .. } => Reason::PluginNeedsTooMuch,
            Self::Compile { .. } | Self::Compiler { .. } | Self::CompileLimit { .. } => {
                Reason::PluginNotCompiled
            }
            Self::Describe { .. } | Self::Unsteady => Reason::PluginDescribeFailed,
            Self::Descriptor { .. } => Reason::PluginInvalidDescriptor,
        }
    }
}

impl LoadError {
    /// Stable code of the API and of `wharf errors`.
    pub fn slug(&self) -> &'static str {
        self.reason.catalogued().as_str()
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plugin, code, reason) = (&self.plugin, self.slug(), &self.reason);
        write!(f, "plugin {plugin} was not loaded ({code}): {reason}")
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.reason.source()
    }
}

/// Why a plugin was not taken into service.
#[derive(Debug, Error)]
pub enum LoadReason {
    #[error("it has {bytes} bytes, at most {bytes_max} are allowed ({remedy})")]
    TooLarge {
        bytes: usize,
        bytes_max: usize,
        remedy: Remedy,
    },
    #[error(
        "it is a core WebAssembly module; turn it into a component, for example with `wasm-tools component new`"
    )]
    CoreModule,
    #[error(
        "it is precompiled native code (.cwasm), which is never taken from outside; hand in the .wasm component"
    )]
    Precompiled,
    #[error("it is not WebAssembly at all; hand in a .wasm component")]
    NotWasm,
    #[error("it is not a valid component; build or download it again")]
    Malformed {
        source: wasmparser::BinaryReaderError,
    },
    #[error(
        "it imports {import}, and a plugin may import nothing but wharf:provider/*; build it for wasm32-unknown-unknown, without WASI"
    )]
    ForeignImport { import: String },
    #[error(
        "it speaks {name}, this host speaks wharf:provider 1.x; build it with an SDK of that version"
    )]
    ForeignVersion { name: String },
    #[error(
        "it needs {function}, which this host does not have: it is built for a newer wharf:provider; update the host, or build it with an older SDK"
    )]
    NotOffered { function: String },
    #[error("it does not export {export}, which every provider must")]
    MissingExport { export: &'static str },
    #[error(
        "it exports {interface} without the function {function}; an interface is exported whole or not at all"
    )]
    MissingFunction {
        interface: &'static str,
        function: &'static str,
    },
    #[error(
        "its {function} of {interface} has another type than the interface says; build it with the interface of this host"
    )]
    WrongType {
        interface: &'static str,
        function: &'static str,
        source: wasmtime::Error,
    },
    #[error("it needs {needed} {what} at once, at most {allowed} are allowed ({remedy})")]
    Resources {
        what: &'static str,
        needed: u64,
        allowed: u64,
        remedy: Remedy,
    },
    /// More than the instance pool has room for, which is what the larger class allows.
    #[error(
        "it needs more than any class of plugins may: {detail} (plugins.interpreter has the limits of the larger one)"
    )]
    Shape { detail: String },
    #[error("it could not be compiled")]
    Compile { source: wasmtime::Error },
    /// The process that compiles ended without code. The text is its own, escaped and cut.
    #[error("it could not be compiled: {detail}")]
    Compiler { detail: String },
    #[error("compiling it took more than {max} {what}, which is the limit ({key})")]
    CompileLimit {
        what: &'static str,
        max: u64,
        key: String,
    },
    #[error(
        "its imports do not have the types of wharf:provider 1.0; build it with the interface of this host"
    )]
    Link { source: wasmtime::Error },
    #[error("it could not describe itself")]
    Describe { source: Box<CallError> },
    #[error(
        "it described itself differently the second time; `describe` must give the same value on every fresh instance"
    )]
    Unsteady,
    #[error("its description breaks the rules: {}", problems.join("; "))]
    Descriptor { problems: Vec<String> },
}

impl LoadReason {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(self)
    }
}

/// Which key of the configuration decides, and what else helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    pub plugin: String,
    pub class: LimitClass,
    /// Name of the key within the class, for example `component_bytes_max`.
    pub key: &'static str,
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugins.{}.{}", self.class.as_str(), self.key)?;
        if self.class == LimitClass::Native {
            let name = &self.plugin;
            write!(
                f,
                "; if it brings an interpreter along, set plugins.class.{name} = \"interpreter\""
            )?;
        }
        Ok(())
    }
}

/// Whose call it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub plugin: Arc<str>,
    /// As the plugin says; `unknown` until it has described itself.
    pub version: Arc<str>,
    /// First twelve hex digits of the component's SHA-256.
    pub digest: Arc<str>,
    pub export: &'static str,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "plugin {} {} ({}), {}",
            self.plugin, self.version, self.digest, self.export
        )
    }
}

/// How a call ended, when not with a value.
#[derive(Debug, Error)]
pub enum CallError {
    /// The plugin's own verdict, for the retry rules.
    #[error("{0}")]
    Guest(Box<PlatformError>),
    /// The guest crashed, or returned something that is no value of the interface.
    #[error("{origin}: crashed ({kind}): {detail}")]
    Fault {
        origin: Origin,
        kind: FaultKind,
        detail: String,
    },
    /// The guest used up what a call may use. Running it again would end the same way.
    #[error("{origin}: used more {which} than a call may, {max} {}", which.unit())]
    Limit {
        origin: Origin,
        which: LimitKind,
        max: u64,
    },
    /// The plugin failed so often lately that it is left alone for a while. It was not called.
    #[error("{origin}: not called, it failed too often; its next trial is in {retry_after_ms} ms")]
    CircuitOpen { origin: Origin, retry_after_ms: u64 },
    /// All permits were taken for as long as a call waits, or a call that takes long got no turn to go
    /// on for as long as it waits. The guest came to no end.
    #[error("{origin}: too many calls in progress ({scope}, at most {max}); try again")]
    Overloaded {
        origin: Origin,
        /// `this plugin`, with or without a reason, `all plugins`, or long calls.
        scope: &'static str,
        max: u64,
    },
    /// The value returned breaks a rule of the interface.
    #[error("{origin}: returned what the interface forbids: {what}")]
    Invalid { origin: Origin, what: String },
    /// The plugin does not have the optional interface this call is of.
    #[error("{origin}: the plugin has no interface {interface}")]
    NoInterface {
        origin: Origin,
        interface: Interface,
    },
    /// The host could not set the call up.
    #[error("{origin}: could not be run: {detail}")]
    Unavailable { origin: Origin, detail: String },
}

impl CallError {
    /// Why, in the catalogue of reasons; the plugin's own verdicts have that of their class.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Guest(error) => error.class.reason(),
            Self::Fault { .. } => Reason::PluginTrap,
            Self::Limit { which, .. } => match which {
                LimitKind::Cpu => Reason::PluginCpuLimit,
                LimitKind::Memory => Reason::PluginMemoryLimit,
                LimitKind::Output => Reason::PluginOutputLimit,
            },
            Self::CircuitOpen { .. } => Reason::PluginCircuitOpen,
            Self::Overloaded { .. } => Reason::PluginOverloaded,
            Self::Invalid { .. } => Reason::PluginInvalidOutput,
            Self::NoInterface { .. } => Reason::PluginNoInterface,
            Self::Unavailable { .. } => Reason::PluginUnavailable,
        }
    }

    /// Stable code of the API.
    pub fn slug(&self) -> &'static str {
        self.reason().as_str()
    }

    /// True when the plugin itself is at fault: what a circuit breaker counts.
    pub fn is_plugin_fault(&self) -> bool {
        match self {
            Self::Fault { .. } | Self::Limit { .. } | Self::Invalid { .. } => true,
            Self::Guest(_)
            | Self::CircuitOpen { .. }
            | Self::Overloaded { .. }
            | Self::NoInterface { .. }
            | Self::Unavailable { .. } => false,
        }
    }

    /// True when the guest was not entered or was not let come to an end, so that the same call may be
    /// made later as if for the first time.
    pub fn is_not_called(&self) -> bool {
        match self {
            Self::CircuitOpen { .. } | Self::Overloaded { .. } | Self::Unavailable { .. } => true,
            Self::Guest(_)
            | Self::NoInterface { .. }
            | Self::Fault { .. }
            | Self::Limit { .. }
            | Self::Invalid { .. } => false,
        }
    }

    /// How long the host should wait before it makes the call again, when that is known.
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::CircuitOpen { retry_after_ms, .. } => Some(*retry_after_ms),
            _ => None,
        }
    }
}

/// What the guest did when it crashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// A panic or an abort: most languages end in this instruction.
    Unreachable,
    StackOverflow,
    MemoryOutOfBounds,
    /// A call through a table to nothing or to a function of another type.
    BadCall,
    Arithmetic,
    /// What came back is no value of the interface: no UTF-8, a pointer out of bounds, an unknown case.
    MalformedValue,
    Other,
}

impl FaultKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::StackOverflow => "stack-overflow",
            Self::MemoryOutOfBounds => "memory-out-of-bounds",
            Self::BadCall => "bad-call",
            Self::Arithmetic => "arithmetic",
            Self::MalformedValue => "malformed-value",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a call ran out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitKind {
    Cpu,
    Memory,
    Output,
}

impl LimitKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Output => "output",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Cpu => "ms",
            Self::Memory | Self::Output => "bytes",
        }
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
