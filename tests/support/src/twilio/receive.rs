//! How a customer's message gets into the books and to its receiver.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::address::Address;
use super::inbound::Inbound;
use super::media::Medium;
use super::message::Message;
use super::sender::Sender;
use super::webhooks::Webhook;
use super::{FakeTwilio, Shared, new_sid, signature};

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
        signature::sign(&self.account().auth_token, url, form)
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
