//! The optional interface `onboarding`: flows that connect, mend and disconnect channels.

use serde::{Deserialize, Serialize};

use super::exchange::{Exchange, Field};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingVerdict {
    Ok,
    Warning,
    Failed,
    Waiting,
}

/// What a step of a flow came to, for the one who watches it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Name of a step of the flow's description.
    pub step: String,
    pub verdict: FindingVerdict,
    pub title: String,
    pub detail: String,
    pub remedy: Option<String>,
}

/// A channel that a flow produced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// Secrets captured or minted as `name/slot` become this channel's.
    pub slot: String,
    /// Provider id of the number.
    pub sender: String,
    pub title: String,
    pub settings: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// Settings of the account.
    pub settings: Vec<(String, String)>,
    pub channels: Vec<Connected>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Name of an input of the flow or of the description.
    pub input: String,
    /// Value and label. Empty: whatever the input allows.
    pub choices: Vec<(String, String)>,
    /// Several of them may be chosen.
    pub many: bool,
}

/// Ask the person who runs the flow; `answer` goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    pub title: String,
    pub questions: Vec<Question>,
    #[serde(with = "super::bytes")]
    pub state: Vec<u8>,
}

/// Send the person's browser somewhere; `answer` goes on with what it came back with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// https, at a host that the description names.
    pub url: String,
    pub query: Vec<Field>,
    /// Query parameters of the return that `answer` gets.
    pub returns: Vec<String>,
    #[serde(with = "super::bytes")]
    pub state: Vec<u8>,
}

/// Go on after this long, by `answer` without inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub ms: u32,
    #[serde(with = "super::bytes")]
    pub state: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alphabet {
    Digits,
    Hex,
    Base64url,
}

/// Make a random secret that the guest never sees; `answer` without inputs goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mint {
    /// Name of a secret input, or `name/slot`.
    pub secret: String,
    pub alphabet: Alphabet,
    /// Characters.
    pub length: u8,
    #[serde(with = "super::bytes")]
    pub state: Vec<u8>,
}

/// What the host does next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowNext {
    Exchange(Box<Exchange>),
    Ask(Prompt),
    Visit(Visit),
    Wait(Pause),
    Mint(Mint),
    Done(Finished),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowProgress {
    /// Hold from here on, also for this flow's next exchange.
    pub settings: Vec<(String, String)>,
    pub findings: Vec<Finding>,
    pub next: FlowNext,
}
