//! What a fake of 360dialog is told at its start.

use std::time::Duration;

use crate::cloud::{Limits, PhoneNumber, Review, StatusPlan, WebhookRetry};

/// Later answers to a webhook do not count.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// One fake; `Default` is one channel whose statuses play at once.
#[derive(Clone)]
pub struct FakeDialog360Config {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The host of the messaging API, by which its requests are known.
    pub expected_host: String,
    /// The host of the partner API.
    pub expected_partner_host: String,
    /// The host that links to media name, although the bytes come from the messaging host.
    pub link_host: String,
    /// Numbers that are connected already; `token` is the key of the channel.
    pub numbers: Vec<PhoneNumber>,
    pub partner: Partner,
    pub statuses: StatusPlan,
    pub webhook_retry: WebhookRetry,
    pub limits: Limits,
    pub review: Review,
    /// The form of the refusals that are 360dialog's own.
    pub own_errors: OwnErrors,
    /// What an accepted message is answered with: 200 is documented, 201 is seen.
    pub accepted_status: u16,
    /// Whether webhooks of channels carry `x-360dialog-signature`. Documented for the partner's only.
    pub signs_channel_webhooks: bool,
    pub seed: u64,
    pub records_max: usize,
}

/// A partner of 360dialog: whose keys open the partner API.
#[derive(Clone)]
pub struct Partner {
    pub id: String,
    pub api_key: String,
    /// Of the older `POST /token`.
    pub username: String,
    pub password: String,
    /// Signs webhooks and links of the onboarding.
    pub platform_secret: String,
}

/// The forms of one and the same refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnErrors {
    /// `{"error": "..."}`, a string where Meta has an object.
    Text,
    /// `{"meta": {"success": false, "http_code": ...}}`.
    Meta,
    /// `{"meta": {...}, "errors": [{"code", "title", "details"}]}`.
    List,
}

impl Default for FakeDialog360Config {
    fn default() -> Self {
        Self {
            port: 0,
            expected_host: "waba-v2.360dialog.io".to_owned(),
            expected_partner_host: "hub.360dialog.io".to_owned(),
            link_host: "lookaside.fbsbx.com".to_owned(),
            // Another number than the fake of Graph has: both may serve one gateway.
            numbers: vec![PhoneNumber {
                id: "406540352242924".to_owned(),
                display_number: "4930609859535".to_owned(),
                account_id: "402290129340394".to_owned(),
                token: "k3y-of-the-first-channel_AK".to_owned(),
            }],
            partner: Partner::default(),
            statuses: StatusPlan::immediate(),
            webhook_retry: WebhookRetry {
                timeout: ANSWER_WITHIN,
                ..WebhookRetry::default()
            },
            limits: Limits::off(),
            review: Review::ByHand,
            own_errors: OwnErrors::Text,
            accepted_status: 200,
            signs_channel_webhooks: false,
            seed: 1,
            records_max: 200_000,
        }
    }
}

impl Default for Partner {
    fn default() -> Self {
        Self {
            id: "qE8wBxPA".to_owned(),
            api_key: "partner-key-0123456789".to_owned(),
            username: "partner@example.com".to_owned(),
            password: "correct horse".to_owned(),
            platform_secret: "fedcba9876543210fedcba9876543210".to_owned(),
        }
    }
}
