//! One provider out of the three, so that a test is written once for all of them.

use serde_json::{Value, json};
use wharf_test_support::StatusPlan;
use wharf_test_support::dialog360;
use wharf_test_support::graph::{self, Fault, Template, payload};
use wharf_test_support::twilio;

use crate::canonical::Canonical;
use crate::harness::{SENDER, TO, TestGateway, bare};

/// A provider with its fake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Via {
    Graph,
    Dialog360,
    Twilio,
}

impl Via {
    pub(super) const ALL: [Self; 3] = [Self::Graph, Self::Dialog360, Self::Twilio];
    /// Those that speak the Cloud API.
    pub(super) const CLOUD: [Self; 2] = [Self::Graph, Self::Dialog360];

    /// The channel of `acme` at this provider.
    pub(super) fn channel(self) -> &'static str {
        match self {
            Self::Graph => "main",
            Self::Dialog360 => "dialog360",
            Self::Twilio => "twilio",
        }
    }

    fn plugin(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Dialog360 => "dialog360",
            Self::Twilio => "twilio",
        }
    }

    /// Whether the plugin declares this capability, and its words on it.
    pub(super) fn declared(self, gateway: &TestGateway, name: &str) -> Option<Option<String>> {
        let plugin = gateway.app().plugins.get(self.plugin()).unwrap();
        let mut declared = plugin.descriptor().capabilities.iter();
        let found = declared.find(|it| it.name == name);
        found.map(|capability| capability.note.clone())
    }

    /// Whether the plugin declares one of the capabilities that the message asks for.
    pub(super) fn can(self, gateway: &TestGateway, canonical: &Canonical) -> bool {
        let mut names = canonical.capabilities.iter();
        names.any(|name| self.declared(gateway, name).is_some())
    }

    /// A text to send over this channel.
    pub(super) fn text(self, text: &str) -> Value {
        json!({ "channel": self.channel(), "to": TO, "text": { "body": text } })
    }

    /// Sends a text that must be taken; its id.
    pub(super) async fn send_text(self, gateway: &TestGateway, text: &str) -> String {
        let answer = gateway.send(self.text(text)).await;
        assert_eq!(answer.status, 202, "{self:?}: {answer:?}");
        answer.id()
    }

    /// Somebody writes a text; the provider's id of it.
    pub(super) fn somebody_writes(self, gateway: &TestGateway, text: &str) -> String {
        match self {
            Self::Graph => gateway.graph.deliver_text(SENDER, text),
            Self::Dialog360 => {
                let number = &gateway.dialog360().config().numbers[0];
                let text = dialog360::Inbound::text(text);
                gateway.dialog360().receive(number, SENDER, &text)
            }
            Self::Twilio => gateway.twilio().receive(TO, &twilio::Inbound::text(text)),
        }
    }

    /// Puts the template of the canonical messages into the account; its id, where messages name one.
    pub(super) fn add_template(self, gateway: &TestGateway) -> Option<String> {
        const TEXT: &str = "{{1}}, your order {{2}} is on its way.";
        let body = json!([{ "type": "BODY", "text": TEXT }]);
        let template = Template::approved("order_update", "en_US", "UTILITY", body);
        match self {
            Self::Graph => {
                let account = gateway.graph.number().account_id.clone();
                gateway.graph.add_template(&account, template);
                None
            }
            Self::Dialog360 => {
                let account = gateway.dialog360().config().numbers[0].account_id.clone();
                gateway.dialog360().add_template(&account, template);
                None
            }
            Self::Twilio => Some(gateway.twilio().add_content(
                "order_update",
                "en_US",
                json!({ "twilio/text": { "body": TEXT } }),
                json!({ "1": "Ada", "2": "42" }),
                "UTILITY",
            )),
        }
    }

    // --- faults -------------------------------------------------------------------------------

    /// The next well-formed sends fail in this way.
    pub(super) fn fail_next(self, gateway: &TestGateway, count: u32, fault: Fault) {
        match self {
            Self::Graph => gateway.graph.fail_next(count, fault),
            Self::Dialog360 => gateway.dialog360().fail_next(count, fault),
            Self::Twilio => gateway.twilio().fail_next(count, fault),
        }
    }

    /// The channel's credential no longer opens the provider's door.
    pub(super) fn end_credential(self, gateway: &TestGateway) {
        match self {
            Self::Graph => {
                let token = &gateway.credentials.tokens[0];
                gateway.graph.revoke_token(token, 463);
            }
            Self::Dialog360 => {
                let fake = gateway.dialog360();
                let id = fake.channels()[0].id.clone();
                fake.change_channel(&id, |channel| {
                    channel.api_key = Some("renewed_AK".to_owned())
                });
            }
            Self::Twilio => {
                let fake = gateway.twilio();
                let sid = fake.account().sid;
                fake.change_account(&sid, |account| account.auth_token = "another".to_owned());
            }
        }
    }

    /// The fake's complaints so far are what the test wanted.
    pub(super) fn forget_refusals(self, gateway: &TestGateway) {
        match self {
            Self::Graph => gateway.graph.clear_requests(),
            Self::Dialog360 => gateway.dialog360().clear_requests(),
            Self::Twilio => gateway.twilio().clear_requests(),
        }
    }

    /// How many requests the fake refused.
    pub(super) fn refusals(self, gateway: &TestGateway) -> usize {
        match self {
            Self::Graph => gateway.graph.refusals().len(),
            Self::Dialog360 => gateway.dialog360().refusals().len(),
            Self::Twilio => gateway.twilio().refusals().len(),
        }
    }

    // --- what the provider saw ------------------------------------------------------------------

    /// How many well-formed sends of this message arrived, whatever was answered.
    pub(super) fn arrivals(self, gateway: &TestGateway, id: &str) -> usize {
        match self {
            Self::Graph => gateway.arrivals(id),
            Self::Dialog360 => {
                let requests = gateway.dialog360().requests();
                let sends = requests.iter().filter_map(|request| request.send.as_ref());
                sends.filter(|send| is_of(send, id)).count()
            }
            Self::Twilio => {
                let requests = gateway.twilio().requests();
                let sends = requests
                    .iter()
                    .filter_map(|request| request.message.as_ref());
                sends.filter(|message| calls_back_for(message, id)).count()
            }
        }
    }

    /// How many of them had an effect.
    pub(super) fn effects(self, gateway: &TestGateway, id: &str) -> usize {
        match self {
            Self::Graph => gateway.effects(id),
            Self::Dialog360 => {
                let sends = gateway.dialog360().accepted_by_callback_data();
                sends.get(&bare(id)).map_or(0, Vec::len)
            }
            Self::Twilio => {
                let sent = gateway.twilio().sent();
                let ours = sent.iter().filter(|message| calls_back_for(message, id));
                ours.count()
            }
        }
    }

    /// What the Cloud API's fake understood of this message.
    pub(super) fn cloud_send(self, gateway: &TestGateway, id: &str) -> graph::SendRequest {
        let requests = match self {
            Self::Graph => gateway.graph.requests(),
            _ => gateway.dialog360().requests(),
        };
        let mut sends = requests.into_iter().filter_map(|request| request.send);
        let found = sends.find(|send| is_of(send, id));
        found.unwrap_or_else(|| panic!("{self:?} never saw {id}"))
    }

    // --- statuses -----------------------------------------------------------------------------

    /// Which statuses follow what is sent from now on.
    pub(super) fn set_statuses(self, gateway: &TestGateway, plan: StatusPlan) {
        match self {
            Self::Graph => gateway.graph.set_statuses(plan),
            Self::Dialog360 => gateway.dialog360().set_statuses(plan),
            Self::Twilio => gateway.twilio().set_statuses(plan),
        }
    }

    /// The provider reports a status of a message that it took.
    pub(super) fn report(self, gateway: &TestGateway, id: &str, status: &'static str) {
        match self {
            Self::Graph => gateway.report(id, status),
            Self::Dialog360 => {
                let fake = gateway.dialog360();
                let taken = fake.accepted_by_callback_data();
                let taken = &taken[&bare(id)][0];
                let (send, wamid) = (taken.send.as_ref().unwrap(), taken.wamid().unwrap());
                let number = &fake.config().numbers[0];
                let webhook = payload::status(number, send, wamid, status, None);
                fake.deliver(number, webhook);
            }
            Self::Twilio => {
                let sid = twilio_message(gateway, id).sid;
                gateway.twilio().report(&sid, status);
            }
        }
    }
}

/// What Twilio made of this message.
pub(super) fn twilio_message(gateway: &TestGateway, id: &str) -> twilio::Message {
    let mut sent = gateway.twilio().sent().into_iter();
    let found = sent.find(|message| calls_back_for(message, id));
    found.unwrap_or_else(|| panic!("Twilio never took {id}"))
}

fn is_of(send: &graph::SendRequest, id: &str) -> bool {
    send.callback_data.as_deref() == Some(&bare(id))
}

/// Our id goes over the wire in the address of the status callback.
fn calls_back_for(message: &twilio::Message, id: &str) -> bool {
    let wanted = format!("message={}", bare(id));
    let callback = message.status_callback.as_deref();
    callback.is_some_and(|url| url.contains(&wanted))
}
