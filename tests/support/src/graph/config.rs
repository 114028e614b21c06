//! What a fake Graph API is told at its start.

use std::time::Duration;

/// One fake; `Default` is one number whose statuses play at once.
#[derive(Clone)]
pub struct FakeGraphConfig {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The only `Host` that requests may name, as a connection to the real API would.
    pub expected_host: String,
    pub app_secret: String,
    pub verify_token: String,
    pub numbers: Vec<PhoneNumber>,
    /// Where webhooks go. Without one no webhook is made.
    pub callback_url: Option<String>,
    pub statuses: StatusPlan,
    pub webhook_retry: WebhookRetry,
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
            app_secret: "0123456789abcdef0123456789abcdef".to_owned(),
            verify_token: "verify-me".to_owned(),
            numbers: vec![PhoneNumber::default()],
            callback_url: None,
            statuses: StatusPlan::immediate(),
            webhook_retry: WebhookRetry::default(),
            seed: 1,
            records_max: 200_000,
        }
    }
}

/// A business phone number and the one token that may send from it.
#[derive(Clone)]
pub struct PhoneNumber {
    pub id: String,
    /// Digits with country code, as webhooks show it.
    pub display_number: String,
    /// The WhatsApp business account that the number belongs to; `entry.id` of its webhooks.
    pub account_id: String,
    pub token: String,
}

impl Default for PhoneNumber {
    fn default() -> Self {
        Self {
            id: "106540352242922".to_owned(),
            display_number: "15550783881".to_owned(),
            account_id: "102290129340398".to_owned(),
            token: "EAAJB123token".to_owned(),
        }
    }
}

/// Which status webhooks follow an accepted message, counted from its acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusPlan {
    pub sent: Option<Duration>,
    pub delivered: Option<Duration>,
    pub read: Option<Duration>,
    /// How often each status is posted; Meta promises no more than "at least once".
    pub copies: u32,
    /// Exchanges the delays, so that `read` comes first and `sent` last.
    pub reversed: bool,
}

impl StatusPlan {
    /// No webhooks at all.
    #[must_use]
    pub fn off() -> Self {
        Self {
            sent: None,
            delivered: None,
            read: None,
            copies: 1,
            reversed: false,
        }
    }

    /// Sent, delivered and read, a moment after each other.
    #[must_use]
    pub fn immediate() -> Self {
        Self::paced(Duration::from_millis(5))
    }

    /// Sent, delivered and read, `step` after each other.
    #[must_use]
    pub fn paced(step: Duration) -> Self {
        Self {
            sent: Some(step),
            delivered: Some(step * 2),
            read: Some(step * 3),
            copies: 1,
            reversed: false,
        }
    }

    /// The same plan with every status posted twice and the last one first.
    #[must_use]
    pub fn duplicated_and_reversed(self) -> Self {
        Self {
            copies: 2,
            reversed: true,
            ..self
        }
    }

    /// The delays by status, in the order of their meaning.
    pub(super) fn steps(&self) -> Vec<(&'static str, Duration)> {
        let planned = [
            ("sent", self.sent),
            ("delivered", self.delivered),
            ("read", self.read),
        ];
        let mut steps: Vec<_> = planned
            .into_iter()
            .filter_map(|(status, delay)| Some((status, delay?)))
            .collect();
        if self.reversed {
            let mut delays: Vec<_> = steps.iter().map(|step| step.1).collect();
            delays.reverse();
            for (step, delay) in steps.iter_mut().zip(delays) {
                step.1 = delay;
            }
        }
        steps
    }
}

/// How an unacknowledged webhook is repeated: at once, then ever more rarely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRetry {
    pub first: Duration,
    pub longest: Duration,
    /// Meta gives up after seven days.
    pub give_up_after: Duration,
    /// How long one post may take.
    pub timeout: Duration,
    /// How many posts are under way at the same time.
    pub concurrent_max: usize,
}

impl Default for WebhookRetry {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(50),
            longest: Duration::from_secs(2),
            give_up_after: Duration::from_secs(7 * 24 * 60 * 60),
            timeout: Duration::from_secs(15),
            concurrent_max: 64,
        }
    }
}
