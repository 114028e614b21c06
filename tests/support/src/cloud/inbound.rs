//! Messages of customers, one constructor for each kind that a webhook may bring.

use serde_json::{Map, Value, json};

use super::config::PhoneNumber;
use super::payload;

/// A message that a customer writes; who and when is said when it is delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct Inbound {
    kind: String,
    /// The object that is named after the kind, if the kind has one.
    content: Option<Value>,
    /// Further members of the message.
    members: Map<String, Value>,
    name: String,
    username: Option<String>,
    hides_number: bool,
    has_contact: bool,
}

impl Inbound {
    /// Any kind, also one that nobody knows.
    #[must_use]
    pub fn of_kind(kind: &str, content: Value) -> Self {
        Self {
            kind: kind.to_owned(),
            content: Some(content),
            members: Map::new(),
            name: "A customer".to_owned(),
            username: None,
            hides_number: false,
            has_contact: true,
        }
    }

    #[must_use]
    pub fn text(body: &str) -> Self {
        Self::of_kind("text", json!({ "body": body }))
    }

    /// `image`, `audio`, `video`, `document` or `sticker`, from the medium's own members.
    #[must_use]
    pub fn medium(kind: &str, medium: Value, caption: Option<&str>) -> Self {
        let mut medium = medium;
        if let Some(caption) = caption {
            medium["caption"] = json!(caption);
        }
        match kind {
            // A recording from the chat is Ogg; any other sound is a file that was attached.
            "audio" => {
                let mime_type = medium["mime_type"].as_str().unwrap_or_default();
                medium["voice"] = json!(mime_type.starts_with("audio/ogg"));
            }
            "sticker" => medium["animated"] = json!(false),
            _ => {}
        }
        Self::of_kind(kind, medium)
    }

    /// The medium has this name, as documents do.
    #[must_use]
    pub fn named(mut self, filename: &str) -> Self {
        if let Some(content) = &mut self.content {
            content["filename"] = json!(filename);
        }
        self
    }

    #[must_use]
    pub fn location(latitude: f64, longitude: f64, name: &str, address: &str) -> Self {
        Self::of_kind(
            "location",
            json!({ "latitude": latitude, "longitude": longitude, "name": name, "address": address }),
        )
    }

    #[must_use]
    pub fn contact(formatted_name: &str, phone: &str) -> Self {
        Self::of_kind(
            "contacts",
            json!([{
                "name": { "formatted_name": formatted_name, "first_name": formatted_name },
                "phones": [{ "phone": phone, "type": "CELL" }],
                "origin": "other",
            }]),
        )
    }

    /// An empty emoji takes the reaction back.
    #[must_use]
    pub fn reaction(message_id: &str, emoji: &str) -> Self {
        Self::of_kind(
            "reaction",
            json!({ "message_id": message_id, "emoji": emoji }),
        )
    }

    #[must_use]
    pub fn button_reply(id: &str, title: &str) -> Self {
        Self::interactive("button_reply", json!({ "id": id, "title": title }))
    }

    #[must_use]
    pub fn list_reply(id: &str, title: &str, description: &str) -> Self {
        Self::interactive(
            "list_reply",
            json!({ "id": id, "title": title, "description": description }),
        )
    }

    /// What a flow was filled with; the response is JSON in a string.
    #[must_use]
    pub fn flow_reply(response: &Value) -> Self {
        Self::interactive(
            "nfm_reply",
            json!({ "name": "flow", "body": "Sent", "response_json": response.to_string() }),
        )
    }

    #[must_use]
    pub fn call_permission_reply(accepted: bool) -> Self {
        let response = if accepted { "accept" } else { "reject" };
        Self::interactive(
            "call_permission_reply",
            json!({ "response": response, "is_permanent": false, "response_source": "user_action" }),
        )
    }

    fn interactive(kind: &str, reply: Value) -> Self {
        let mut content = json!({ "type": kind });
        content[kind] = reply;
        Self::of_kind("interactive", content)
    }

    /// The quick reply button of a template.
    #[must_use]
    pub fn template_button(payload: &str, text: &str) -> Self {
        Self::of_kind("button", json!({ "payload": payload, "text": text }))
    }

    #[must_use]
    pub fn order(catalog_id: &str, text: &str, product: &str, quantity: u32) -> Self {
        Self::of_kind(
            "order",
            json!({
                "catalog_id": catalog_id,
                "text": text,
                "product_items": [{
                    "product_retailer_id": product,
                    "quantity": quantity,
                    "item_price": 23.99,
                    "currency": "USD",
                }],
            }),
        )
    }

    /// The customer has another number now. Such a webhook has no `contacts`.
    #[must_use]
    pub fn number_changed(new: &str) -> Self {
        let system = json!({
            "body": "A customer changed their phone number",
            "wa_id": new,
            "user_id": payload::user_id_of(new),
            "type": "user_changed_number",
        });
        Self {
            has_contact: false,
            ..Self::of_kind("system", system)
        }
    }

    /// The customer has another device; `hash` is what sends may insist on.
    #[must_use]
    pub fn identity_changed(hash: &str, at_ms: u64) -> Self {
        let system = json!({
            "body": "A customer's security code changed",
            "type": "customer_identity_changed",
        });
        Self::of_kind("system", system).with(
            "identity",
            json!({ "acknowledged": false, "created_timestamp": at_ms / 1000, "hash": hash }),
        )
    }

    /// What the API does not bring, for example `poll_creation`.
    #[must_use]
    pub fn unsupported(kind: &str) -> Self {
        let errors = json!([{
            "code": 131_051,
            "title": "Message type unknown",
            "message": "Message type unknown",
            "error_data": { "details": "Message type is currently not supported." },
        }]);
        Self::of_kind("unsupported", json!({ "type": kind })).with("errors", errors)
    }

    /// A message that was changed afterwards (numbers in the Business app only).
    #[must_use]
    pub fn edit(original: &str, body: &str) -> Self {
        Self::of_kind(
            "edit",
            json!({
                "original_message_id": original,
                "message": { "type": "text", "text": { "body": body } },
            }),
        )
    }

    /// A message that was deleted for everyone (numbers in the Business app only).
    #[must_use]
    pub fn revoke(original: &str) -> Self {
        Self::of_kind("revoke", json!({ "original_message_id": original }))
    }

    /// Answers a message of ours.
    #[must_use]
    pub fn reply_to(self, from: &str, message_id: &str) -> Self {
        self.with("context", json!({ "from": from, "id": message_id }))
    }

    #[must_use]
    pub fn forwarded(self) -> Self {
        self.with("context", json!({ "forwarded": true }))
    }

    /// Asks about a product of the catalog.
    #[must_use]
    pub fn about_product(self, catalog_id: &str, product: &str) -> Self {
        let product = json!({ "catalog_id": catalog_id, "product_retailer_id": product });
        self.with("context", json!({ "referred_product": product }))
    }

    /// Comes from an advertisement.
    #[must_use]
    pub fn from_advertisement(self) -> Self {
        self.with(
            "referral",
            json!({
                "source_url": "https://fb.me/3cr4Wqqkv",
                "source_id": "120226305854810726",
                "source_type": "ad",
                "body": "Summer succulents are here!",
                "headline": "Chat with us",
                "media_type": "image",
                "image_url": "https://scontent.xx.fbcdn.net/v/t45.1.jpg",
                "ctwa_clid": "Aff-n8ZTODiE79d22KtAwQKj9e_mIEOOj27vDVwFjN80dp4_0NiNhEgpGo0AHemvuSoifXaytfTzcchptiErTKCqTrJ5nW1h7IHYeYymGb5K5J5iTROpBhWAGaIAeUzHL50",
                "welcome_message": { "text": "Hi there! Let us know how we can help!" },
            }),
        )
    }

    #[must_use]
    pub fn in_group(self, group_id: &str) -> Self {
        self.with("group_id", json!(group_id))
    }

    /// The customer is known by a username: there is no phone number in the webhook.
    #[must_use]
    pub fn from_username(mut self, username: &str) -> Self {
        self.username = Some(username.to_owned());
        self.hides_number = true;
        self
    }

    /// A further member of the message.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// The whole webhook. `from` is the customer's number also where it stays hidden.
    #[must_use]
    pub fn webhook(&self, number: &PhoneNumber, from: &str, wamid: &str, at_s: u64) -> Value {
        let user_id = payload::user_id_of(from);
        let mut message = json!({
            "from_user_id": user_id,
            "id": wamid,
            "timestamp": at_s.to_string(),
            "type": self.kind,
        });
        let mut contact = json!({ "profile": { "name": self.name }, "user_id": user_id });
        if let Some(username) = &self.username {
            contact["profile"]["username"] = json!(username);
        }
        if !self.hides_number {
            message["from"] = json!(from);
            contact["wa_id"] = json!(from);
        }
        if let Some(content) = &self.content {
            message[self.kind.as_str()] = content.clone();
        }
        for (name, value) in &self.members {
            message[name.as_str()] = value.clone();
        }
        let mut parts = json!({ "messages": [message] });
        if self.has_contact {
            parts["contacts"] = json!([contact]);
        }
        payload::envelope(number, parts)
    }
}
