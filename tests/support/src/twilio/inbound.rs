//! Webhooks of messages that come in, each kind with the parameters that captures of it have.
//!
//! Parameters: <https://www.twilio.com/docs/messaging/guides/webhook-request>. `List*` are widely reported
//! and not published; the user ids and `ChannelMetadata` are known from captures.

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// What a customer sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// `MessageType`.
    pub(super) kind: &'static str,
    pub(super) body: String,
    pub(super) media: Vec<(String, Bytes)>,
    /// Parameters of this kind, in the order of the post.
    pub(super) fields: Vec<(String, String)>,
    pub(super) profile_name: String,
    pub(super) user_id: Option<String>,
    pub(super) hides_phone: bool,
}

impl Inbound {
    fn new(kind: &'static str, body: &str) -> Self {
        Self {
            kind,
            body: body.to_owned(),
            media: Vec::new(),
            fields: Vec::new(),
            profile_name: "Kateřina".to_owned(),
            user_id: None,
            hides_phone: false,
        }
    }

    #[must_use]
    pub fn text(body: &str) -> Self {
        Self::new("text", body)
    }

    /// `image`, `audio`, `video`, `document` or `sticker`; the caption comes as the body.
    #[must_use]
    pub fn medium(
        kind: &'static str,
        content_type: &str,
        bytes: impl Into<Bytes>,
        caption: &str,
    ) -> Self {
        let mut inbound = Self::new(kind, caption);
        inbound.media.push((content_type.to_owned(), bytes.into()));
        inbound
    }

    /// A contact is a medium: a file of vCard.
    #[must_use]
    pub fn contact(vcard: &str) -> Self {
        Self::medium("contacts", "text/vcard", vcard.to_owned(), "")
    }

    #[must_use]
    pub fn location(latitude: &str, longitude: &str) -> Self {
        Self::new("location", "")
            .field("Latitude", latitude)
            .field("Longitude", longitude)
    }

    /// A place with a name and an address.
    #[must_use]
    pub fn place(latitude: &str, longitude: &str, label: &str, address: &str) -> Self {
        Self::location(latitude, longitude)
            .field("Label", label)
            .field("Address", address)
    }

    /// A quick reply of a message within the session.
    #[must_use]
    pub fn quick_reply(title: &str, payload: &str, of_message: &str) -> Self {
        Self::new("interactive", title)
            .field("ButtonText", title)
            .field("ButtonPayload", payload)
            .field("OriginalRepliedMessageSid", of_message)
    }

    /// The button of a template.
    #[must_use]
    pub fn template_button(title: &str, payload: &str, of_message: &str) -> Self {
        Self {
            kind: "button",
            ..Self::quick_reply(title, payload, of_message)
        }
    }

    /// A row of a list.
    #[must_use]
    pub fn list_reply(title: &str, id: &str, description: &str, of_message: &str) -> Self {
        let reply = Self::new("interactive", title)
            .field("ListId", id)
            .field("ListTitle", title)
            .field("OriginalRepliedMessageSid", of_message);
        if description.is_empty() {
            reply
        } else {
            reply.field("ListDescription", description)
        }
    }

    /// What a flow was filled in with. `FlowData` is reported by its users and not published.
    #[must_use]
    pub fn flow_reply(data: &Value, of_message: &str) -> Self {
        Self::new("interactive", "")
            .field("FlowData", &data.to_string())
            .field("OriginalRepliedMessageSid", of_message)
    }

    /// The customer came by an advertisement.
    #[must_use]
    pub fn referred(self, source_type: &str, source_id: &str, headline: &str) -> Self {
        self.field("ReferralNumMedia", "0")
            .field("ReferralSourceType", source_type)
            .field("ReferralSourceId", source_id)
            .field("ReferralSourceUrl", "https://fb.me/2ZoA5mAVX")
            .field("ReferralHeadline", headline)
            .field("ReferralBody", "Flowers for everybody")
            .field("ReferralCtwaClid", "ARAkLkA8rmlFeiCktEJQ")
    }

    /// Quotes a message of ours or of theirs.
    #[must_use]
    pub fn replying_to(self, message_sid: &str, sender: &str) -> Self {
        self.field("OriginalRepliedMessageSid", message_sid)
            .field("OriginalRepliedMessageSender", sender)
    }

    #[must_use]
    pub fn forwarded(self, often: bool) -> Self {
        let forwarded = self.field("Forwarded", "true");
        if often {
            forwarded.field("FrequentlyForwarded", "true")
        } else {
            forwarded
        }
    }

    /// The business-scoped user id of the customer: `US.1234`.
    #[must_use]
    pub fn user_id(mut self, id: &str) -> Self {
        self.user_id = Some(id.to_owned());
        self
    }

    /// The customer shows a user id in the place of the phone number.
    #[must_use]
    pub fn hidden_phone(mut self, id: &str) -> Self {
        self.hides_phone = true;
        self.user_id(id)
    }

    #[must_use]
    pub fn profile_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.profile_name);
        self
    }

    /// Any parameter, also one that nobody has heard of yet.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The JSON text that repeats the context of the message.
    pub(super) fn channel_metadata(&self, wa_id: Option<&str>) -> String {
        let mut context = Map::new();
        context.insert("ProfileName".to_owned(), json!(self.profile_name));
        if let Some(wa_id) = wa_id {
            context.insert("WaId".to_owned(), json!(wa_id));
        }
        for (name, value) in &self.fields {
            if ["ButtonText", "ButtonPayload", "Forwarded"].contains(&name.as_str()) {
                context.insert(name.clone(), json!(value));
            }
        }
        json!({ "type": "whatsapp", "data": { "context": context } }).to_string()
    }
}
