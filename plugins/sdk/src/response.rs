//! Reading what the host hands in: answers, contexts, messages.

use serde::Deserialize;

use crate::messages::{Address, Content};
use crate::types::{Context, HttpResponse, Party};

/// A wait longer than a day is a mistake of the provider's, not advice.
const RETRY_AFTER_S_MAX: u64 = 86_400;

impl HttpResponse {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A response header by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON of the wanted shape, `None` when it is something else.
    #[must_use]
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The header `retry-after` in milliseconds, where it counts seconds.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        let seconds: u64 = self.header("retry-after")?.trim().parse().ok()?;
        Some(seconds.min(RETRY_AFTER_S_MAX) * 1_000)
    }
}

impl Context {
    /// A setting by its declared name; an empty value counts as unset.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A setting that the plugin cannot do without.
    ///
    /// # Errors
    /// Names the setting when it is unset.
    pub fn required(&self, name: &str) -> Result<&str, crate::errors::Error> {
        self.setting(name)
            .ok_or_else(|| crate::errors::Error::setting(name, "is not set"))
    }
}

impl Content {
    /// The kind's name as capabilities and refusals spell it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Video(_) => "video",
            Self::Audio(_) => "audio",
            Self::Document(_) => "document",
            Self::Sticker(_) => "sticker",
            Self::Location(_) => "location",
            Self::Contacts(_) => "contacts",
            Self::Reaction(_) => "reaction",
            Self::Interactive(_) => "interactive",
            Self::Template(_) => "template",
            Self::Read(_) => "read",
            Self::Other(_) => "other",
        }
    }
}

impl Address {
    /// The form's name as capabilities and refusals spell it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Phone(_) => "to.phone",
            Self::UserId(_) => "to.user-id",
            Self::Group(_) => "to.group",
        }
    }
}

impl Party {
    /// Known by the number alone: E.164 digits, with or without the plus sign.
    #[must_use]
    pub fn phone(number: &str) -> Self {
        Self {
            phone: Some(number.trim_start_matches('+').to_owned()),
            user_id: None,
            username: None,
            name: None,
        }
    }

    /// Known by the provider's own id alone.
    pub fn user_id(id: impl Into<String>) -> Self {
        Self {
            phone: None,
            user_id: Some(id.into()),
            username: None,
            name: None,
        }
    }
}
