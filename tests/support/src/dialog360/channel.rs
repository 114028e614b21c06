//! Channels, their clients, keys and webhooks: the books that are 360dialog's own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::config::FakeDialog360Config;
use crate::cloud::{PhoneNumber, Platform};

/// Error answers to media requests that are let pass in an hour.
const MEDIA_ERRORS_MAX: usize = 20;
const MEDIA_ERRORS_WITHIN_MS: u64 = 60 * 60 * 1000;
const MEDIA_BAN_MS: u64 = 30 * 60 * 1000;

/// Where the webhooks of a channel or account go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    pub url: String,
    /// Sent along with each post.
    pub headers: BTreeMap<String, String>,
}

impl WebhookConfig {
    pub(super) fn shown(&self) -> Value {
        json!({ "url": self.url, "headers": self.headers })
    }
}

/// A number at 360dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    pub id: String,
    pub client_id: String,
    pub phone_number_id: String,
    pub display_number: String,
    pub account_id: String,
    /// The one key that works; a new one ends it.
    pub api_key: Option<String>,
    pub key_id: String,
    /// `running` from when it can be used.
    pub status: String,
    pub webhook: Option<WebhookConfig>,
    /// Whether the client lets its partner make keys; one who pays 360dialog directly must say so.
    pub allows_keys: bool,
    /// The number's API was switched off.
    pub is_disabled: bool,
    /// A bill is open.
    pub is_unpaid: bool,
    media_errors_ms: Vec<u64>,
    media_banned_until_ms: u64,
    uploads: (u64, u32),
}

/// Everything that the door keeps besides the platform's books.
#[derive(Default)]
pub(super) struct Books {
    pub(super) channels: Vec<Channel>,
    /// Webhooks of whole accounts.
    pub(super) account_webhooks: BTreeMap<String, WebhookConfig>,
    pub(super) multi_webhooks: BTreeMap<String, Value>,
    pub(super) partner_webhook_url: Option<String>,
    /// Tokens of the older login, and when they end.
    pub(super) partner_tokens: BTreeMap<String, u64>,
    pub(super) balance_calls_ms: Vec<u64>,
}

impl Books {
    /// Channels of the configuration run, and their keys work.
    pub(super) fn new(config: &FakeDialog360Config) -> Self {
        let mut books = Self::default();
        for number in &config.numbers {
            let mut channel = Channel::created(number, "CLfirst");
            channel.api_key = Some(number.token.clone());
            "running".clone_into(&mut channel.status);
            books.channels.push(channel);
        }
        books
    }

    pub(super) fn by_key(&mut self, key: &str) -> Option<&mut Channel> {
        self.channels
            .iter_mut()
            .find(|channel| channel.api_key.as_deref() == Some(key))
    }

    pub(super) fn by_id(&mut self, id: &str) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id == id)
    }

    pub(super) fn by_number(&self, phone_number_id: &str) -> Option<&Channel> {
        self.channels
            .iter()
            .find(|channel| channel.phone_number_id == phone_number_id)
    }
}

impl Channel {
    /// A channel that waits for the rest of its setup.
    pub(super) fn created(number: &PhoneNumber, client_id: &str) -> Self {
        Self {
            id: format!("CH{}", number.id),
            client_id: client_id.to_owned(),
            phone_number_id: number.id.clone(),
            display_number: number.display_number.clone(),
            account_id: number.account_id.clone(),
            api_key: None,
            key_id: String::new(),
            status: "created".to_owned(),
            webhook: None,
            allows_keys: true,
            is_disabled: false,
            is_unpaid: false,
            media_errors_ms: Vec::new(),
            media_banned_until_ms: 0,
            uploads: (0, 0),
        }
    }

    /// Makes the key that ends all earlier ones.
    pub(super) fn renew_key(&mut self) -> String {
        let key = format!("{}_AK", Platform::secret(""));
        self.api_key = Some(key.clone());
        self.key_id = Platform::secret("AK");
        key
    }

    pub(super) fn as_number(&self) -> PhoneNumber {
        PhoneNumber {
            id: self.phone_number_id.clone(),
            display_number: self.display_number.clone(),
            account_id: self.account_id.clone(),
            token: String::new(),
        }
    }

    /// Counts an error answer to a request for media; too many close that endpoint for a while.
    pub(super) fn note_media_error(&mut self, now_ms: u64) {
        self.media_errors_ms
            .retain(|at| at.saturating_add(MEDIA_ERRORS_WITHIN_MS) > now_ms);
        self.media_errors_ms.push(now_ms);
        if self.media_errors_ms.len() > MEDIA_ERRORS_MAX {
            self.media_banned_until_ms = now_ms + MEDIA_BAN_MS;
            self.media_errors_ms.clear();
        }
    }

    pub(super) fn is_media_banned(&self, now_ms: u64) -> bool {
        now_ms < self.media_banned_until_ms
    }

    /// Counts an upload in its second.
    pub(super) fn may_upload(&mut self, now_ms: u64, per_second: u32) -> bool {
        let second = now_ms / 1000;
        if self.uploads.0 != second {
            self.uploads = (second, 0);
        }
        self.uploads.1 += 1;
        self.uploads.1 <= per_second
    }

    /// As the partner API lists it.
    pub(super) fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "client_id": self.client_id,
            "client": {
                "id": self.client_id,
                "name": "Lucky Shrub",
                "contact_info": { "email": "owner@example.com" },
                "partner_payload": null,
            },
            "account_mode": "live",
            "status": self.status,
            "setup_info": {
                "phone_number": self.display_number,
                "phone_name": "Lucky Shrub",
                "verification_method": "sms",
                "default_language": "en",
                "error": null,
                "region": "EU",
            },
            "waba_account": {
                "id": format!("WA{}", self.account_id),
                "external_id": self.account_id,
                "fb_account_status": "approved",
            },
            "integration": {
                "enabled": true,
                "app_id": self.key_id,
                "state": if self.status == "running" { "running" } else { "stopped" },
            },
            "current_limit": "TIER_1K",
            "current_quality_rating": "High",
            "billing_started_at": "2025-11-20T10:00:00Z",
            "terminated_at": null,
            "created_at": "2025-11-20T10:00:00Z",
            "has_inbox": false,
            "is_oba": false,
        })
    }

    /// The value that a filter names, by its known keys.
    pub(super) fn filtered(&self, key: &str) -> Option<String> {
        Some(match key {
            "id" => self.id.clone(),
            "client_id" => self.client_id.clone(),
            "account_mode" => "live".to_owned(),
            "status" => self.status.clone(),
            "client.contact_info.email" => "owner@example.com".to_owned(),
            "setup_info.phone_number" => self.display_number.clone(),
            "waba_account.id" => format!("WA{}", self.account_id),
            "waba_account.fb_account_status" => "approved".to_owned(),
            _ => return None,
        })
    }
}
