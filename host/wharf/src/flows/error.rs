//! Why a flow did not come to its end.

use wharf_core::Reason;
use wharf_core::provider::PlatformError;
use wharf_egress::Denied;
use wharf_runtime::{CallError, Interface};
use wharf_store::StoreError;

/// A flow that failed. What it did before stays done.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// Nothing was asked of anybody.
    #[error(
        "the plugin {plugin} has no interface {interface}; another plugin or version may have it"
    )]
    Unsupported {
        plugin: String,
        interface: Interface,
    },
    /// The provider's failure, as the plugin reads it.
    #[error("{0}")]
    Provider(Box<PlatformError>),
    #[error("the plugin failed in a flow")]
    Plugin(#[source] Box<CallError>),
    #[error("the exchange {label:?} of a flow may not leave")]
    Denied {
        label: String,
        #[source]
        source: Denied,
    },
    #[error("the plugin asked for more than {max} steps ({key}) without coming to an end")]
    Steps { max: u32, key: &'static str },
    #[error("the flow took more than {max} ms ({key})")]
    Time { max: u64, key: &'static str },
    #[error("the flow brought more than {max} items")]
    Items { max: usize },
    #[error("the plugin came to an end with {what}")]
    Mismatch { what: &'static str },
    #[error("could not keep what a flow brought")]
    Store(#[from] StoreError),
    /// What came from the person or the browser does not fit what was asked.
    #[error("the answer {name:?} is refused: {reason}")]
    Answer { name: String, reason: String },
    #[error("the plugin {plugin} has no flow {flow:?}")]
    FlowUnknown { plugin: String, flow: String },
    /// The saved state is another's, was changed, or was sealed for another flow.
    #[error("the saved state of the flow cannot be continued: {reason}; begin the flow anew")]
    State { reason: String },
    /// The version whose state this is cannot be loaded any more.
    #[error("the flow cannot go on: {reason}; begin the flow anew")]
    VersionGone { reason: String },
    /// The plugin would have widened what was approved for it.
    #[error(
        "the plugin sets {name:?}, which decides where requests go or whose webhooks are believed; \
         a flow must ask a person for it and set what was answered"
    )]
    Guarded { name: String },
}

impl FlowError {
    /// Why, in the catalogue of reasons.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Unsupported { .. } => Reason::PluginNoInterface,
            Self::Provider(error) => error.class.reason(),
            Self::Plugin(error) => error.reason(),
            Self::Denied { source, .. } => source.reason(),
            Self::Steps { .. } => Reason::FlowStepsLimit,
            Self::Time { .. } => Reason::FlowTimeLimit,
            Self::Items { .. } => Reason::FlowItemsLimit,
            Self::Mismatch { .. } => Reason::PluginInvalidOutput,
            Self::Store(_) => Reason::Store,
            Self::Answer { .. } => Reason::FlowAnswer,
            Self::FlowUnknown { .. } => Reason::FlowUnknown,
            Self::State { .. } => Reason::FlowState,
            Self::VersionGone { .. } => Reason::FlowVersionGone,
            Self::Guarded { .. } => Reason::FlowSettingGuarded,
        }
    }

    /// The reason's stable name.
    pub fn slug(&self) -> &'static str {
        self.reason().as_str()
    }
}

impl From<CallError> for FlowError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Guest(error) => Self::Provider(error),
            other => Self::Plugin(Box::new(other)),
        }
    }
}
