//! What a fake Graph API is told at its start.

use crate::cloud::{Limits, PhoneNumber, Review, StatusPlan, WebhookRetry};

/// One fake; `Default` is one number whose statuses play at once.
#[derive(Clone)]
pub struct FakeGraphConfig {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The only `Host` that requests may name, as a connection to the real API would.
    pub expected_host: String,
    /// Where media are downloaded from.
    pub expected_media_host: String,
    pub app_id: String,
    pub app_secret: String,
    /// Whether calls without `appsecret_proof` are refused. A wrong proof always is.
    pub requires_proof: bool,
    pub verify_token: String,
    pub numbers: Vec<PhoneNumber>,
    /// Where webhooks go. Without one no webhook is made.
    pub callback_url: Option<String>,
    pub statuses: StatusPlan,
    pub webhook_retry: WebhookRetry,
    pub limits: Limits,
    pub review: Review,
    /// Seed of the faults that come by chance, so that a failing run can be repeated.
    pub seed: u64,
    /// How many requests, and how many webhooks, are remembered; the oldest are forgotten first.
    pub records_max: usize,
}

impl Default for FakeGraphConfig {
    fn default() -> Self {
        Self {
            port: 0,
            expected_host: "graph.facebook.com".to_owned(),
            expected_media_host: "lookaside.fbsbx.com".to_owned(),
            app_id: "670843887433847".to_owned(),
            requires_proof: false,
            app_secret: "0123456789abcdef0123456789abcdef".to_owned(),
            verify_token: "verify-me".to_owned(),
            numbers: vec![PhoneNumber::default()],
            callback_url: None,
            statuses: StatusPlan::immediate(),
            webhook_retry: WebhookRetry::default(),
            limits: Limits::off(),
            review: Review::ByHand,
            seed: 1,
            records_max: 200_000,
        }
    }
}
