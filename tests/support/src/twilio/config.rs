//! What a fake of Twilio is told at its start.

use std::time::Duration;

use super::account::{Account, AccountStatus};
use crate::cloud::{Review, StatusPlan};

/// A running number on WhatsApp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredSender {
    /// `XE` and 32 digits.
    pub sid: String,
    /// The account that has it.
    pub account_sid: String,
    /// `+15550783881`.
    pub number: String,
    pub waba_id: String,
    /// Where its inbound messages go; nowhere without.
    pub callback_url: Option<String>,
    /// Where statuses go of messages that name no `StatusCallback`.
    pub status_callback_url: Option<String>,
}

/// A messaging service and the numbers in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagingService {
    pub sid: String,
    pub account_sid: String,
    /// `+15550783881`, oldest first.
    pub numbers: Vec<String>,
}

/// A WhatsApp business account, and whom it is shared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedWaba {
    pub id: String,
    /// The one account that may have its senders; any, until one has.
    pub account_sid: Option<String>,
}

/// Which limits of the platform hold. Tests of something else want none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// API calls of one account in a second; beyond it 429 with 20429 and `Retry-After`.
    pub calls_per_second: Option<u32>,
    /// Messages of one sender in a second; those beyond it are accepted and fail with 63018.
    pub sender_per_second: Option<u32>,
    /// Messages of one sender that wait; beyond it creation is refused with 21611.
    pub sender_queue_max: Option<usize>,
    /// Without a message of the customer's in the last 24 hours only approved templates arrive; 63016.
    pub window: bool,
}

impl Limits {
    #[must_use]
    pub fn off() -> Self {
        Self {
            calls_per_second: None,
            sender_per_second: None,
            sender_queue_max: None,
            window: false,
        }
    }

    /// 80 messages a second of a sender, four hours of them waiting, and the window. How many API calls
    /// an account may make is not published; a hundred a second is this fake's own figure.
    #[must_use]
    pub fn published() -> Self {
        Self {
            calls_per_second: Some(100),
            sender_per_second: Some(80),
            sender_queue_max: Some(80 * 60 * 60 * 4),
            window: true,
        }
    }
}

/// How the setup of a sender goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderSetup {
    /// Numbers that are not Twilio's own need a code by text or voice.
    pub needs_code: bool,
    /// Fetches that show an intermediate state before `ONLINE` or `OFFLINE`.
    pub polls: u32,
}

/// How a webhook is repeated, unless the fragment of its URL says otherwise:
/// <https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookPolicy {
    /// `rc`, 0 to 5.
    pub retries: u32,
    /// `rp`: any of `4xx`, `5xx`, `ct`, `rt`, `all`.
    pub retry_on: Vec<String>,
    /// `tt`: everything together, 15 seconds at most.
    pub total: Duration,
    /// A pause between two posts; Twilio makes none worth speaking of.
    pub pause: Duration,
    pub concurrent_max: usize,
}

impl Default for WebhookPolicy {
    fn default() -> Self {
        Self {
            retries: 1,
            retry_on: vec!["ct".to_owned()],
            total: Duration::from_secs(15),
            pause: Duration::from_millis(10),
            concurrent_max: 64,
        }
    }
}

impl WebhookPolicy {
    /// Five repetitions whatever went wrong: `#rc=5&rp=all`.
    #[must_use]
    pub fn stubborn() -> Self {
        Self {
            retries: 5,
            retry_on: vec!["all".to_owned()],
            ..Self::default()
        }
    }
}

#[derive(Clone)]
pub struct FakeTwilioConfig {
    /// 0 takes a free one.
    pub port: u16,
    /// The main account and any others; the first is `FakeTwilio::account`.
    pub accounts: Vec<Account>,
    pub senders: Vec<ConfiguredSender>,
    pub services: Vec<MessagingService>,
    pub wabas: Vec<SharedWaba>,
    /// The host names that the four parts of the API answer to.
    pub api_host: String,
    pub content_host: String,
    pub messaging_host: String,
    pub media_host: String,
    pub statuses: StatusPlan,
    pub limits: Limits,
    pub review: Review,
    pub setup: SenderSetup,
    pub webhooks: WebhookPolicy,
    /// Media of inbound messages need credentials ("Enforce HTTP Auth on Media URLs").
    pub enforces_media_auth: bool,
    /// Fetches each `MediaUrl` before a message is sent, as Twilio does; 63019 when that fails.
    pub fetches_media: bool,
    pub seed: u64,
    /// Requests and webhooks that are remembered.
    pub records_max: usize,
}

impl Default for FakeTwilioConfig {
    fn default() -> Self {
        let account_sid = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned();
        Self {
            port: 0,
            accounts: vec![Account {
                sid: account_sid.clone(),
                auth_token: "12345678901234567890123456789012".to_owned(),
                secondary_auth_token: None,
                api_keys: vec![(
                    "SKaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned(),
                    "key secret of the fake".to_owned(),
                )],
                friendly_name: "Lucky Shrub".to_owned(),
                owner_sid: account_sid.clone(),
                status: AccountStatus::Active,
                created_ms: 0,
            }],
            senders: vec![ConfiguredSender {
                sid: "XEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned(),
                account_sid,
                number: "+15550783881".to_owned(),
                waba_id: "102290129340398".to_owned(),
                callback_url: None,
                status_callback_url: None,
            }],
            services: Vec::new(),
            wabas: Vec::new(),
            api_host: "api.twilio.com".to_owned(),
            content_host: "content.twilio.com".to_owned(),
            messaging_host: "messaging.twilio.com".to_owned(),
            media_host: "mms.twiliocdn.com".to_owned(),
            statuses: StatusPlan::immediate(),
            limits: Limits::off(),
            review: Review::ByHand,
            setup: SenderSetup {
                needs_code: false,
                polls: 1,
            },
            webhooks: WebhookPolicy::default(),
            enforces_media_auth: true,
            fetches_media: false,
            seed: 1,
            records_max: 100_000,
        }
    }
}
