//! What every fake of the Cloud API is told at its start.

use std::time::Duration;

use super::message::SendRequest;

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
    /// Of voice messages only.
    pub played: Option<Duration>,
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
            played: None,
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
            played: Some(step * 4),
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
    pub(crate) fn steps(&self, send: &SendRequest) -> Vec<(&'static str, Duration)> {
        let planned = [
            ("sent", self.sent),
            ("delivered", self.delivered),
            ("read", self.read),
            ("played", self.played),
        ];
        let is_voice = send.content["voice"] == true;
        let mut steps: Vec<_> = planned
            .into_iter()
            .filter_map(|(status, delay)| Some((status, delay?)))
            .filter(|(status, _)| match *status {
                "played" => is_voice,
                // Nothing more is reported of a reaction.
                "delivered" | "read" => send.kind != "reaction",
                _ => true,
            })
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

/// Which limits of the platform hold. Tests of something else want none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Messages a second of one number, in and out together; beyond it 130429.
    pub per_second: Option<u32>,
    /// One message every 6 s to one person, 45 of them borrowed at most; beyond it 131056.
    pub pair: bool,
    /// Messages that are no templates need a message of the customer's in the last 24 hours; 131047.
    pub window: bool,
    /// What only the platform's own books show (131047, 131050, 131053) comes as a `failed` status,
    /// as it mostly does, or as the answer to the send.
    pub reported: Reported,
    /// The only people a test number may write to, by their digits; others are refused with 131030.
    pub allowed_recipients: Option<Vec<String>>,
    /// Management calls of one account in an hour; beyond it 80008.
    pub management_per_hour: Option<u32>,
}

/// How a refusal after the first look arrives. Meta warns that either may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    InStatus,
    InAnswer,
}

impl Limits {
    #[must_use]
    pub fn off() -> Self {
        Self {
            per_second: None,
            pair: false,
            window: false,
            reported: Reported::InStatus,
            allowed_recipients: None,
            management_per_hour: None,
        }
    }

    /// Those of a number as everybody gets it: 80 messages a second, 5,000 management calls an hour.
    #[must_use]
    pub fn published() -> Self {
        Self {
            per_second: Some(80),
            pair: true,
            window: true,
            reported: Reported::InStatus,
            allowed_recipients: None,
            management_per_hour: Some(5_000),
        }
    }
}

/// What becomes of a template that was created or edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// It stays `PENDING` until the test decides.
    ByHand,
    /// It is approved after this time, with a webhook.
    ApprovedAfter(Duration),
}
