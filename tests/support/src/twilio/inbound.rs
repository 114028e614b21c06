//! Webhooks of messages that come in, each kind with the parameters that captures of it have.
//!
//! Parameters: <https://www.twilio.com/docs/messaging/guides/webhook-request>. `List*` are widely reported
//! and not published; the user ids and `ChannelMetadata` are known from captures.

use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::address::Address;
use super::media::Medium;
use super::message::Message;
use super::sender::Sender;
use super::webhooks::Webhook;
use super::{FakeTwilio, Shared, new_sid};

/// What a customer sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// `MessageType`.
    kind: &'static str,
    body: String,
    media: Vec<(String, Bytes)>,
    /// Parameters of this kind, in the order of the post.
    fields: Vec<(String, String)>,
    profile_name: String,
    user_id: Option<String>,
    hides_phone: bool,
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
    fn channel_metadata(&self, wa_id: Option<&str>) -> String {
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

impl FakeTwilio {
    /// The customer `from` (`+15551234567`) writes to the first sender; the message's sid.
    pub fn receive(&self, from: &str, inbound: &Inbound) -> String {
        let number = self.sender().number.clone();
        self.receive_at(&number, from, inbound)
    }

    /// The same at any sender.
    pub fn receive_at(&self, number: &str, from: &str, inbound: &Inbound) -> String {
        let (sid, sender, form) = self.take_in(number, from, inbound);
        let webhook = sender.and_then(|sender| webhook_to(&sender, form));
        self.shared.webhooks.deliver(Duration::ZERO, || webhook);
        sid
    }

    /// The message is in the books, but its webhook got lost; its sid.
    pub fn receive_silently(&self, from: &str, inbound: &Inbound) -> String {
        let number = self.sender().number.clone();
        self.take_in(&number, from, inbound).0
    }

    /// The parameters of a message's webhook, which is not posted; the message is in the books.
    pub fn form_of(&self, from: &str, inbound: &Inbound) -> Vec<(String, String)> {
        let number = self.sender().number.clone();
        self.take_in(&number, from, inbound).2
    }

    /// Posts a form to any URL, signed with the main account's token, until the policy gives up.
    pub fn deliver(&self, url: &str, form: Vec<(String, String)>) {
        let webhook = Webhook {
            url: url.to_owned(),
            fallback_url: None,
            account_sid: self.account().sid,
            form,
        };
        let deliver = move || Some(webhook);
        self.shared.webhooks.deliver(Duration::ZERO, deliver);
    }

    /// Posts a form once with any signature in the place of the right one; the status of the answer.
    pub async fn post_forged(
        &self,
        url: &str,
        form: &[(String, String)],
        signature: &str,
    ) -> anyhow::Result<StatusCode> {
        let answer = self
            .shared
            .webhooks
            .post(url, form, signature, "forged")
            .await?;
        Ok(answer.status)
    }

    /// Posts JSON once, as the products do that send no forms: the URL carries the hash of the body, and the
    /// URL alone is signed; the status of the answer.
    pub async fn post_json(&self, url: &str, body: &Value) -> anyhow::Result<StatusCode> {
        let body = body.to_string();
        let hash = hex::encode(Sha256::digest(body.as_bytes()));
        let joint = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{joint}bodySHA256={hash}");
        let signature = self.signature(&url, &[]);
        let webhooks = &self.shared.webhooks;
        let answer = webhooks.post_json(&url, body, &signature).await?;
        Ok(answer.status)
    }

    /// The right value of `X-Twilio-Signature` with the main account's token.
    pub fn signature(&self, url: &str, form: &[(String, String)]) -> String {
        super::signature::sign(&self.account().auth_token, url, form)
    }

    /// Writes a message into the books; its sid, the sender that has it, and its parameters.
    fn take_in(
        &self,
        number: &str,
        from: &str,
        inbound: &Inbound,
    ) -> (String, Option<Sender>, Vec<(String, String)>) {
        let shared = &self.shared;
        let now_ms = shared.clock.now_ms();
        let mut books = shared.books();
        let sender = books.senders.iter().find(|it| it.number == number).cloned();
        let account_sid = match &sender {
            Some(sender) => sender.account_sid.clone(),
            None => shared.config.accounts[0].sid.clone(),
        };
        let phone = Address::Phone(from.to_owned());
        let person = match &inbound.user_id {
            Some(id) if inbound.hides_phone => Address::UserId(id.clone()),
            _ => phone.clone(),
        };
        let prefix = if inbound.media.is_empty() { "SM" } else { "MM" };
        let sid = new_sid(prefix);
        for (content_type, bytes) in &inbound.media {
            books.media.push(Medium {
                sid: new_sid("ME"),
                message_sid: sid.clone(),
                account_sid: account_sid.clone(),
                content_type: content_type.clone(),
                bytes: bytes.clone(),
                created_ms: now_ms,
                links: Vec::new(),
            });
        }
        let media: Vec<_> = books
            .media
            .iter()
            .filter(|it| it.message_sid == sid)
            .cloned()
            .collect();
        books.note_inbound(number, &phone, now_ms);
        if let Some(id) = &inbound.user_id {
            books.note_inbound(number, &Address::UserId(id.clone()), now_ms);
        }
        books.add_message(record(inbound, &sid, &account_sid, &person, number, now_ms));
        let form = form(
            shared,
            inbound,
            &sid,
            &account_sid,
            (&person, &phone),
            number,
            &media,
        );
        (sid, sender, form)
    }
}

fn webhook_to(sender: &Sender, form: Vec<(String, String)>) -> Option<Webhook> {
    Some(Webhook {
        url: sender.url("callback_url")?,
        fallback_url: sender.url("fallback_url"),
        account_sid: sender.account_sid.clone(),
        form,
    })
}

fn record(
    inbound: &Inbound,
    sid: &str,
    account_sid: &str,
    person: &Address,
    number: &str,
    now_ms: u64,
) -> Message {
    Message {
        sid: sid.to_owned(),
        account_sid: account_sid.to_owned(),
        from: Some(person.clone()),
        to: Address::Phone(number.to_owned()),
        body: inbound.body.clone(),
        direction: "inbound",
        status: "received".to_owned(),
        error_code: None,
        service_sid: None,
        content: None,
        content_sid: None,
        media_urls: Vec::new(),
        place: None,
        status_callback: None,
        media_count: inbound.media.len(),
        created_ms: now_ms,
        updated_ms: now_ms,
        sent_ms: Some(now_ms),
    }
}

fn form(
    shared: &Shared,
    inbound: &Inbound,
    sid: &str,
    account_sid: &str,
    (person, phone): (&Address, &Address),
    number: &str,
    media: &[Medium],
) -> Vec<(String, String)> {
    let wa_id = (!inbound.hides_phone).then(|| phone.key().trim_start_matches('+'));
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
    for (index, medium) in media.iter().enumerate() {
        add(&format!("MediaContentType{index}"), &medium.content_type);
        add(
            &format!("MediaUrl{index}"),
            &medium.url(&shared.config.api_host),
        );
    }
    add("SmsMessageSid", sid);
    add("NumMedia", &media.len().to_string());
    add("ProfileName", &inbound.profile_name);
    add("MessageType", inbound.kind);
    add("SmsSid", sid);
    if let Some(wa_id) = wa_id {
        add("WaId", wa_id);
    }
    add("SmsStatus", "received");
    add("Body", &inbound.body);
    add("To", &format!("whatsapp:{number}"));
    add("NumSegments", "1");
    add("MessageSid", sid);
    add("AccountSid", account_sid);
    add("From", &person.to_string());
    add("ApiVersion", "2010-04-01");
    if let Some(id) = &inbound.user_id {
        add("ExternalUserId", &format!("whatsapp:{id}"));
    }
    for (name, value) in &inbound.fields {
        add(name, value);
    }
    add("ChannelMetadata", &inbound.channel_metadata(wa_id));
    pairs
}
