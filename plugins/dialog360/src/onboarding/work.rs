//! What a flow keeps between its steps: which numbers, and how far each has come. No secrets.

use serde::{Deserialize, Serialize};
use wharf_plugin::flow::Flow;

use crate::address::API_KEY;

/// Raise the version when a step or what it keeps changes.
pub(super) const FLOW: Flow<Step> = Flow::new("connect", 1);

/// With all of them the state stays below 16 KiB, also with ids and names as long as they may be.
pub(super) const NUMBERS_MAX: usize = 32;
/// What is kept of a number's name.
const TITLE_CHARS_MAX: usize = 40;

#[derive(Serialize, Deserialize)]
pub(super) enum Step {
    /// The API key was asked for.
    Key(Work),
    /// The browser is at 360dialog.
    Return {
        nonce: String,
    },
    /// The customer's channels were asked for.
    List(Work),
    /// Which of the customer's channels?
    Choose {
        client: String,
    },
    /// Some channels were not ready yet.
    Poll(Work),
    /// On with the present number.
    Go(Work),
    /// The present number's exchange.
    Run(Work),
    /// The present number's ID was asked for.
    Sender(Work),
    /// Which of the failed ones once more?
    Again(Work),
    PartnerWebhook,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Work {
    /// The partner's customer; empty without a partner.
    #[serde(rename = "c")]
    pub(super) client: String,
    #[serde(rename = "n")]
    pub(super) numbers: Vec<Number>,
    /// The present number.
    #[serde(rename = "a")]
    pub(super) at: usize,
    /// Of the present exchange.
    #[serde(rename = "t")]
    pub(super) tries: u8,
    /// Of the list of channels: where its page begins, and how often it was fetched.
    #[serde(rename = "o")]
    pub(super) offset: u32,
    #[serde(rename = "p")]
    pub(super) polls: u16,
    /// The webhooks' secret is made.
    #[serde(rename = "m")]
    pub(super) minted: bool,
    /// An existing channel is mended; none is made.
    #[serde(rename = "e")]
    pub(super) mends: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Number {
    /// 360dialog's ID of the channel; empty where only a key is known.
    #[serde(rename = "i")]
    pub(super) id: String,
    #[serde(rename = "l")]
    pub(super) title: String,
    /// Meta's ID of the number.
    #[serde(rename = "s")]
    pub(super) sender: String,
    #[serde(rename = "w")]
    pub(super) waba: String,
    #[serde(rename = "g")]
    pub(super) stage: Stage,
    #[serde(rename = "f")]
    pub(super) failed: bool,
    /// Its key is a secret of its own, one of several.
    #[serde(rename = "k")]
    pub(super) has_slot: bool,
}

/// What is to be done next for a number, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Find it in the list, ready.
    #[serde(rename = "l")]
    Listed,
    /// See that nobody else has a key for it.
    #[serde(rename = "k")]
    Keys,
    #[serde(rename = "c")]
    Create,
    #[serde(rename = "h")]
    Health,
    #[serde(rename = "s")]
    Sender,
    #[serde(rename = "w")]
    Hook,
    #[serde(rename = "d")]
    Done,
}

impl Work {
    fn of(client: String, numbers: Vec<Number>, mends: bool) -> Self {
        Self {
            client,
            numbers,
            at: 0,
            tries: 0,
            offset: 0,
            polls: 0,
            minted: false,
            mends,
        }
    }

    /// One number, by its key.
    pub(super) fn connect() -> Self {
        Self::of(String::new(), vec![Number::unnamed(Stage::Health)], false)
    }

    /// One number that is connected already.
    pub(super) fn mend(number: Number) -> Self {
        Self::of(String::new(), vec![number], true)
    }

    /// Channels of a partner's customer.
    pub(super) fn partner(client: String, ids: Vec<String>) -> Self {
        let numbers = ids.into_iter().map(Number::channel).collect();
        Self::of(client, numbers, false)
    }

    pub(super) fn number(&self) -> Option<&Number> {
        self.numbers.get(self.at)
    }

    /// The secret that holds the present number's API key.
    pub(super) fn key(&self) -> String {
        match self.number() {
            Some(number) if number.has_slot => format!("{API_KEY}/{}", slot(self.at)),
            _ => API_KEY.to_owned(),
        }
    }

    /// The present number is at this stage now, for the first time.
    pub(super) fn stage(&mut self, stage: Stage) {
        self.tries = 0;
        if let Some(number) = self.numbers.get_mut(self.at) {
            number.stage = stage;
        }
    }

    /// The present number stays at its stage.
    pub(super) fn fail(&mut self) {
        self.tries = 0;
        if let Some(number) = self.numbers.get_mut(self.at) {
            number.failed = true;
        }
    }
}

impl Number {
    /// Known by its key alone.
    pub(super) fn unnamed(stage: Stage) -> Self {
        Self {
            id: String::new(),
            title: String::new(),
            sender: String::new(),
            waba: String::new(),
            stage,
            failed: false,
            has_slot: false,
        }
    }

    fn channel(id: String) -> Self {
        Self {
            id,
            has_slot: true,
            ..Self::unnamed(Stage::Listed)
        }
    }

    pub(super) fn rename(&mut self, title: &str) {
        let printable = title.chars().filter(|letter| !letter.is_control());
        self.title = printable.take(TITLE_CHARS_MAX).collect();
    }

    /// What a person knows it by.
    pub(super) fn name(&self) -> String {
        match (self.title.is_empty(), self.id.is_empty()) {
            (false, _) => self.title.clone(),
            (true, false) => format!("channel {}", self.id),
            (true, true) => "the number".to_owned(),
        }
    }
}

/// The name under which the flow's channel and its secrets find each other.
pub(super) fn slot(at: usize) -> String {
    format!("n{at}")
}
