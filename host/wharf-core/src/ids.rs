//! Identifiers: slugs people choose, and ULIDs the gateway makes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// Makes new ids; passed in, so that tests can replay a run.
pub trait IdSource: Send + Sync {
    fn ulid(&self) -> Ulid;
}

/// Reads the time; passed in for the same reason.
pub trait Clock: Send + Sync {
    /// Unix milliseconds.
    fn now_ms(&self) -> i64;
}

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error(
        "{text:?} is not a name: use 1 to 63 of a-z, 0-9, - and _, starting with a letter or digit"
    )]
    Slug { text: String },
    #[error("{text:?} is not an id of this kind: expected {prefix} and 26 characters")]
    Ulid { text: String, prefix: &'static str },
}

/// Longest name a person may choose; a DNS label's length, so that it may stand in host names.
const SLUG_LENGTH_MAX: usize = 63;

fn slug(text: &str) -> Result<String, IdError> {
    let mut bytes = text.bytes();
    let starts_well = bytes
        .next()
        .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let goes_on_well =
        bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
    if starts_well && goes_on_well && text.len() <= SLUG_LENGTH_MAX {
        Ok(text.to_owned())
    } else {
        Err(IdError::Slug {
            text: text.chars().take(SLUG_LENGTH_MAX + 1).collect(),
        })
    }
}

macro_rules! slug_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                slug(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

slug_id!(
    /// An isolated customer of this deployment.
    TenantId
);
slug_id!(
    /// One sending number; unique within its tenant.
    ChannelId
);
slug_id!(
    /// A tenant's URL that receives events; unique within its tenant.
    EndpointId
);
slug_id!(
    /// The operator's credentials at a provider.
    AppId
);

macro_rules! ulid_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Ulid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            pub fn new(ids: &dyn IdSource) -> Self {
                Self(ids.ulid())
            }

            /// The 26 characters without the prefix: what is stored, and what goes on the wire.
            pub fn bare(&self) -> String {
                self.0.to_string()
            }

            /// When it was made, by the clock of its source: Unix milliseconds.
            pub fn made_at(&self) -> i64 {
                i64::try_from(self.0.timestamp_ms()).unwrap_or(i64::MAX)
            }

            pub fn from_bare(text: &str) -> Result<Self, IdError> {
                Ulid::from_string(text)
                    .map(Self)
                    .map_err(|_| IdError::Ulid { text: text.chars().take(40).collect(), prefix: $prefix })
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                match text.strip_prefix($prefix) {
                    Some(bare) => Self::from_bare(bare),
                    None => Err(IdError::Ulid { text: text.chars().take(40).collect(), prefix: $prefix }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0)
            }
        }
    };
}

ulid_id!(
    /// One outbound or inbound message.
    MessageId,
    "msg_"
);
ulid_id!(
    /// One run of an onboarding flow.
    OnboardingId,
    "onb_"
);
ulid_id!(
    /// One normalised fact.
    EventId,
    "evt_"
);
ulid_id!(
    /// One event to one endpoint.
    DeliveryId,
    "dlv_"
);
ulid_id!(
    /// One raw provider call.
    WebhookId,
    "whk_"
);
ulid_id!(
    /// One job of a queue.
    JobId,
    "job_"
);
ulid_id!(
    /// One object in the media store; with its prefix it is the handle that plugins and callers see.
    MediaId,
    "med_"
);
ulid_id!(
    /// One language of a message template, as the gateway knows it.
    TemplateId,
    "tpl_"
);
