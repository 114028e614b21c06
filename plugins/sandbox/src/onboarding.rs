//! Connecting a sandbox channel: a name from a form, a key that the host makes.

use serde::{Deserialize, Serialize};
use wharf_plugin::OnboardingProvider;
use wharf_plugin::flow::Flow;
use wharf_plugin::manifest::{FlowInfo, Input, Kind, Purpose};
use wharf_plugin::onboarding::{
    Alphabet, Connected, Finding, Finished, Mint, Next, Progress, Verdict,
};
use wharf_plugin::prelude::{Code, Context, Error, Outcome, Retry};
use wharf_plugin::types::Level;

use crate::Sandbox;
use crate::descriptor::{KEY, SENDER, SENDER_PATTERN};

const FLOW_ID: &str = "connect";
/// The form's one field. A flow's inputs are its own and share no name with the description's.
const NAME: &str = "name";
/// The key belongs to the channel that the flow is about to make.
const SLOT: &str = "main";
const KEY_CHARS: u8 = 32;

/// One step: the key is being made.
#[derive(Serialize, Deserialize)]
struct Minting {
    sender: String,
}

const CONNECT: Flow<Minting> = Flow::new("connect", 1);

pub(crate) fn flow() -> FlowInfo {
    let name = Input::new(
        NAME,
        Kind::Text,
        Level::Channel,
        "Sender",
        "Any name for the sending number.",
    );
    FlowInfo::form(FLOW_ID, "Connect a sandbox channel", Purpose::Connect)
        .input(name.pattern(SENDER_PATTERN))
        .step("key", "Make a key")
}

fn unknown(flow: &str) -> Error {
    Error::new(
        Code::Unsupported,
        Retry::Never,
        format!("the sandbox has no flow `{flow}`"),
    )
    .remedy("Start the flow `connect`.")
}

impl OnboardingProvider for Sandbox {
    fn onboarding_start(
        _: &Context,
        flow: &str,
        inputs: &[(String, String)],
    ) -> Result<Progress, Error> {
        if flow != FLOW_ID {
            return Err(unknown(flow));
        }
        let sender = inputs
            .iter()
            .find(|(name, _)| name == NAME)
            .map(|(_, value)| value.clone());
        let Some(sender) = sender.filter(|sender| !sender.is_empty()) else {
            return Err(Error::invalid("the form's `name` is empty"));
        };
        Ok(Progress {
            settings: Vec::new(),
            findings: Vec::new(),
            next: Next::Mint(Mint {
                secret: format!("{KEY}/{SLOT}"),
                alphabet: Alphabet::Base64url,
                length: KEY_CHARS,
                state: CONNECT.state(&Minting { sender }),
            }),
        })
    }

    fn onboarding_resume(_: &Context, flow: &str, _: &[u8], _: Outcome) -> Result<Progress, Error> {
        Err(match flow {
            FLOW_ID => Error::new(
                Code::Misconfigured,
                Retry::Never,
                "this flow asks for no exchange",
            ),
            flow => unknown(flow),
        })
    }

    fn onboarding_answer(
        _: &Context,
        flow: &str,
        state: &[u8],
        _: &[(String, Vec<String>)],
    ) -> Result<Progress, Error> {
        if flow != FLOW_ID {
            return Err(unknown(flow));
        }
        let Minting { sender } = CONNECT.step(state)?;
        Ok(Progress {
            settings: Vec::new(),
            findings: vec![Finding {
                step: "key".to_owned(),
                verdict: Verdict::Ok,
                title: "The key is made".to_owned(),
                detail: "Messages are sent and webhooks signed with it.".to_owned(),
                remedy: None,
            }],
            next: Next::Done(Finished {
                settings: Vec::new(),
                channels: vec![Connected {
                    slot: SLOT.to_owned(),
                    sender: sender.clone(),
                    title: format!("Sandbox {sender}"),
                    settings: vec![(SENDER.to_owned(), sender)],
                }],
            }),
        })
    }
}
