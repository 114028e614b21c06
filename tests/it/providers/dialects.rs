//! What each provider answers and posts, as its documentation has it.

use serde_json::{Value, json};
use wharf_core::provider::{Body, Exchange, HttpResponse, StatusState};

use crate::harness::{SENDER, TO};

/// The words of one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sandbox,
    /// Meta's Cloud API, as the Graph API or 360dialog speak it.
    Cloud(&'static str),
    Twilio,
}

/// What somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Text,
    /// With a caption.
    Image,
    Location,
    /// The first of two reply buttons.
    Button,
}

pub(super) fn of(plugin: &str) -> Option<Dialect> {
    match plugin {
        "sandbox" => Some(Dialect::Sandbox),
        "graph" => Some(Dialect::Cloud("graph")),
        "dialog360" => Some(Dialect::Cloud("dialog360")),
        "twilio" => Some(Dialect::Twilio),
        _ => None,
    }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const PHONE_NUMBER_ID: &str = "106540352242922";
const WABA_ID: &str = "102290129340398";
const ACCOUNT_SID: &str = "AC00000000000000000000000000000001";
const TWILIO_NUMBER: &str = "+14155238886";
const CONTENT_SID: &str = "HX0123456789abcdef0123456789abcdef";

impl Dialect {
    pub(super) fn settings(&self) -> Vec<(String, String)> {
        let pairs: &[(&str, &str)] = match self {
            Self::Sandbox => &[("sender", "demo")],
            Self::Cloud(_) => &[("phone_number_id", PHONE_NUMBER_ID), ("waba_id", WABA_ID)],
            Self::Twilio => &[("account_sid", ACCOUNT_SID), ("number", TWILIO_NUMBER)],
        };
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    pub(super) fn sender(&self) -> String {
        let sender = match self {
            Self::Sandbox => "demo",
            Self::Cloud(_) => PHONE_NUMBER_ID,
            Self::Twilio => TWILIO_NUMBER,
        };
        sender.to_owned()
    }

    /// The provider's id of what we send.
    pub(super) fn outbound_id(&self) -> String {
        let id = match self {
            Self::Sandbox => "sbx_1",
            Self::Cloud(_) => "wamid.HBgNNDkxNTExMjM0NTY3OBUCABEYEjNF",
            Self::Twilio => "SM00000000000000000000000000000002",
        };
        id.to_owned()
    }

    /// The provider's id of what somebody writes.
    pub(super) fn inbound_id(&self) -> String {
        let id = match self {
            Self::Sandbox => "sbx_2",
            Self::Cloud(_) => "wamid.HBgNNDkxNTExMjM0NTY3OBUCABIYFjNF",
            Self::Twilio => "SM00000000000000000000000000000003",
        };
        id.to_owned()
    }

    /// A success, as this request gets it.
    pub(super) fn answer(&self, exchange: &Exchange) -> HttpResponse {
        let url = exchange.request.url.as_str();
        let said = match &exchange.request.body {
            Body::Json(json) => json.document.as_str(),
            _ => "",
        };
        let (status, body) = match self {
            Self::Sandbox => (200, json!({ "id": self.outbound_id() })),
            Self::Cloud(_) if url.ends_with("/media") => (200, json!({ "id": "1037543291543636" })),
            Self::Cloud(_) if is_receipt(said) => (200, json!({ "success": true })),
            Self::Cloud(_) => (
                200,
                json!({
                    "messaging_product": "whatsapp",
                    "contacts": [{ "input": TO, "wa_id": SENDER }],
                    "messages": [{ "id": self.outbound_id() }],
                }),
            ),
            Self::Twilio => twilio_answer(url, &self.outbound_id()),
        };
        HttpResponse {
            status,
            headers: vec![("content-type".to_owned(), JSON.to_owned())],
            body: body.to_string().into_bytes(),
        }
    }

    /// The webhook that reports on what we sent: its type and body.
    pub(super) fn status(&self, state: StatusState) -> (String, Vec<u8>) {
        let name = json!(state);
        let id = self.outbound_id();
        match self {
            Self::Sandbox => {
                let status = json!({ "id": id, "status": name, "at_ms": 1_790_000_000_000_u64 });
                as_json(&json!({ "sender": "demo", "statuses": [status], "messages": [] }))
            }
            Self::Cloud(_) => {
                let mut status = json!({
                    "id": id, "status": name, "timestamp": "1790000000", "recipient_id": SENDER,
                });
                if state == StatusState::Failed {
                    status["errors"] = json!([{
                        "code": 131_026, "title": "Message undeliverable",
                        "error_data": { "details": "Message Undeliverable." },
                    }]);
                }
                as_json(&envelope(&json!({ "statuses": [status] })))
            }
            Self::Twilio => {
                let status = name.as_str().unwrap();
                let from = format!("whatsapp:{TWILIO_NUMBER}");
                let to = format!("whatsapp:{TO}");
                let mut fields = vec![
                    ("MessageSid", id.as_str()),
                    ("SmsSid", id.as_str()),
                    ("MessageStatus", status),
                    ("SmsStatus", status),
                    ("AccountSid", ACCOUNT_SID),
                    ("ApiVersion", "2010-04-01"),
                    ("From", &from),
                    ("To", &to),
                    ("ChannelPrefix", "whatsapp"),
                ];
                if state == StatusState::Failed {
                    fields.push(("ErrorCode", "63024"));
                }
                as_form(&fields)
            }
        }
    }

    /// The webhook that brings what somebody writes; none where the provider cannot.
    pub(super) fn says(&self, said: Said) -> Option<(String, Vec<u8>)> {
        match self {
            Self::Sandbox if said != Said::Text => None,
            Self::Sandbox => {
                let message = json!({
                    "id": self.inbound_id(), "from": TO, "at_ms": 1_790_000_000_000_u64, "text": "Grüße 😀",
                });
                Some(as_json(
                    &json!({ "sender": "demo", "statuses": [], "messages": [message] }),
                ))
            }
            Self::Cloud(_) => {
                let mut message = cloud_content(said);
                message["id"] = self.inbound_id().into();
                message["from"] = SENDER.into();
                message["timestamp"] = "1790000000".into();
                let contact = json!({ "profile": { "name": "Ada" }, "wa_id": SENDER });
                Some(as_json(&envelope(
                    &json!({ "contacts": [contact], "messages": [message] }),
                )))
            }
            Self::Twilio => Some(twilio_message(said, &self.inbound_id())),
        }
    }
}

fn is_receipt(document: &str) -> bool {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    document["status"] == "read"
}

fn as_json(body: &Value) -> (String, Vec<u8>) {
    (JSON.to_owned(), body.to_string().into_bytes())
}

fn as_form(fields: &[(&str, &str)]) -> (String, Vec<u8>) {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    (FORM.to_owned(), form.finish().into_bytes())
}

fn envelope(parts: &Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550783881", "phone_number_id": PHONE_NUMBER_ID },
    });
    value
        .as_object_mut()
        .unwrap()
        .extend(parts.as_object().unwrap().clone());
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": WABA_ID, "changes": [{ "field": "messages", "value": value }] }],
    })
}

fn cloud_content(said: Said) -> Value {
    match said {
        Said::Text => json!({ "type": "text", "text": { "body": "Grüße 😀" } }),
        Said::Image => json!({ "type": "image", "image": {
            "id": "1003383421387256", "mime_type": "image/jpeg", "caption": "Look",
            "sha256": "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=",
        } }),
        Said::Location => {
            json!({ "type": "location", "location": { "latitude": 48.2, "longitude": 11.5 } })
        }
        Said::Button => json!({ "type": "interactive", "interactive": {
            "type": "button_reply", "button_reply": { "id": "yes-1", "title": "Yes" },
        } }),
    }
}

fn twilio_answer(url: &str, sid: &str) -> (u16, Value) {
    if url.contains("/Indicators/Typing") {
        return (200, json!({ "success": true }));
    }
    if url.contains("/Content") {
        let body = "Hello {{1}}, your order {{2}} is on its way.";
        return (
            201,
            json!({
                "sid": CONTENT_SID, "account_sid": ACCOUNT_SID, "friendly_name": "order_update",
                "language": "en_US", "types": { "twilio/text": { "body": body } },
                "variables": { "1": "Ada", "2": "42" },
            }),
        );
    }
    (
        201,
        json!({
            "sid": sid, "status": "queued", "account_sid": ACCOUNT_SID, "error_code": null,
            "error_message": null, "to": format!("whatsapp:{TO}"), "num_media": "0",
            "from": format!("whatsapp:{TWILIO_NUMBER}"), "num_segments": "1",
        }),
    )
}

fn twilio_message(said: Said, sid: &str) -> (String, Vec<u8>) {
    let (from, to) = (
        format!("whatsapp:{TO}"),
        format!("whatsapp:{TWILIO_NUMBER}"),
    );
    let picture = format!(
        "https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sid}/Media/ME00000000000000000000000000000004"
    );
    let mut fields = vec![
        ("MessageSid", sid),
        ("SmsSid", sid),
        ("SmsMessageSid", sid),
        ("AccountSid", ACCOUNT_SID),
        ("SmsStatus", "received"),
        ("ApiVersion", "2010-04-01"),
        ("From", &from),
        ("To", &to),
        ("WaId", SENDER),
        ("ProfileName", "Ada"),
        ("NumSegments", "1"),
    ];
    let own: &[(&str, &str)] = match said {
        Said::Text => &[
            ("MessageType", "text"),
            ("NumMedia", "0"),
            ("Body", "Grüße 😀"),
        ],
        Said::Image => &[
            ("MessageType", "image"),
            ("NumMedia", "1"),
            ("Body", "Look"),
            ("MediaContentType0", "image/jpeg"),
            ("MediaUrl0", &picture),
        ],
        Said::Location => &[
            ("MessageType", "location"),
            ("NumMedia", "0"),
            ("Body", ""),
            ("Latitude", "48.2"),
            ("Longitude", "11.5"),
        ],
        Said::Button => &[
            ("MessageType", "interactive"),
            ("NumMedia", "0"),
            ("Body", "Yes"),
            ("ButtonText", "Yes"),
            ("ButtonPayload", "yes-1"),
        ],
    };
    fields.extend_from_slice(own);
    as_form(&fields)
}
