//! What Meta posts, as the owner of a fake sets it off.

use bytes::Bytes;
use serde_json::Value;

use super::{FakeGraph, Inbound, PhoneNumber, StatusPlan, WebhookRecord, payload, subscription};
use crate::cloud::webhooks::Target;

/// What a receiver answered to one post or challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverAnswer {
    pub status: u16,
    pub body: Bytes,
}

impl FakeGraph {
    /// Posts after this go to `url`, repeated ones too.
    pub fn set_callback_url(&self, url: impl Into<String>) {
        self.shared.subscribe_app(Some(&url.into()), "");
    }

    /// Webhooks and challenges to addresses that begin with `public` go to `local`: a gateway that is
    /// not on the internet under its public address.
    pub fn connect_to(&self, public: impl Into<String>, local: impl Into<String>) {
        self.shared
            .platform
            .webhooks
            .connect_to(public.into(), local.into());
    }

    /// Applies to messages that are accepted from now on.
    pub fn set_statuses(&self, plan: StatusPlan) {
        self.shared.platform.set_statuses(plan);
    }

    /// All webhooks so far, oldest first.
    pub fn webhooks(&self) -> Vec<WebhookRecord> {
        self.shared.platform.webhooks.records()
    }

    /// Webhooks that are planned, under way or refused, and so will be posted again.
    pub fn unacknowledged_webhooks(&self) -> usize {
        self.shared.platform.webhooks.unacknowledged()
    }

    /// A customer writes: posts the message until it is acknowledged, and returns its id.
    pub fn deliver_text(&self, from: &str, text: &str) -> String {
        self.receive(from, &Inbound::text(text))
    }

    /// A customer writes anything to the first number; the message's id. The window is open by it.
    pub fn receive(&self, from: &str, message: &Inbound) -> String {
        self.receive_at(&self.number().clone(), from, message)
    }

    /// A customer writes to any number of ours.
    pub fn receive_at(&self, number: &PhoneNumber, from: &str, message: &Inbound) -> String {
        self.shared.platform.customer_writes(number, from, message)
    }

    /// A customer sends a medium: `image`, `audio`, `video`, `document` or `sticker`.
    pub fn receive_medium(
        &self,
        from: &str,
        kind: &str,
        content_type: &str,
        bytes: impl Into<Bytes>,
        caption: Option<&str>,
    ) -> String {
        let medium = self.keep_medium(content_type, bytes);
        self.receive(from, &Inbound::medium(kind, medium, caption))
    }

    /// The same to any number of ours: kind, type and bytes.
    pub fn receive_medium_at(
        &self,
        number: &PhoneNumber,
        from: &str,
        (kind, content_type, bytes): (&str, &str, Bytes),
        caption: Option<&str>,
    ) -> String {
        let host = &self.shared.config.expected_media_host;
        let medium = self
            .shared
            .platform
            .receive_medium(number, host, content_type, bytes);
        self.receive_at(number, from, &Inbound::medium(kind, medium, caption))
    }

    /// A customer uploads a medium to the first number; what webhooks show of it, for `Inbound::medium`.
    pub fn keep_medium(&self, content_type: &str, bytes: impl Into<Bytes>) -> Value {
        let host = &self.shared.config.expected_media_host;
        let platform = &self.shared.platform;
        platform.receive_medium(self.number(), host, content_type, bytes.into())
    }

    /// Posts a change of any field of the first number's account, see `fields::sample`.
    pub fn announce(&self, field: &str, value: Value) {
        let account_id = &self.number().account_id;
        self.shared.platform.announce(account_id, field, value);
    }

    /// Posts any webhook, signed, until it is acknowledged.
    pub fn deliver(&self, webhook: Value) {
        self.shared.deliver_raw(move || payload::to_bytes(&webhook));
    }

    /// A message id that no other message has.
    pub fn new_wamid(&self, number: &str) -> String {
        self.shared.platform.next_wamid(number)
    }

    /// Posts these bytes once, rightly signed.
    pub async fn post_signed(&self, body: impl Into<Bytes>) -> anyhow::Result<ReceiverAnswer> {
        let body = body.into();
        let signature = self.signature(&body);
        self.post_forged(body, Some(&signature)).await
    }

    /// Posts these bytes once with any value of `X-Hub-Signature-256`, or without one.
    pub async fn post_forged(
        &self,
        body: impl Into<Bytes>,
        signature: Option<&str>,
    ) -> anyhow::Result<ReceiverAnswer> {
        let header = (
            "X-Hub-Signature-256".to_owned(),
            signature.unwrap_or_default().to_owned(),
        );
        let target = Target {
            url: self.shared.required_callback_url()?,
            headers: if signature.is_some() {
                vec![header]
            } else {
                Vec::new()
            },
        };
        let answer = self
            .shared
            .platform
            .webhooks
            .post(target, body.into())
            .await;
        answer.map(ReceiverAnswer::from)
    }

    /// The right signature of these bytes.
    pub fn signature(&self, body: &[u8]) -> String {
        payload::signature(&self.shared.config.app_secret, body)
    }

    /// Asks the receiver to prove that it knows the configured verify token, as saving a callback
    /// URL at Meta does. Fails unless the challenge comes back verbatim.
    pub async fn verify_subscription(&self) -> anyhow::Result<()> {
        let challenge = subscription::CHALLENGE;
        let answer = self
            .challenge(&self.shared.config.verify_token, challenge)
            .await?;
        anyhow::ensure!(
            answer.status == 200 && answer.body == challenge.as_bytes(),
            "the subscription challenge was answered with {} {:?} instead of 200 {challenge:?}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        Ok(())
    }

    /// The subscription challenge with any token.
    pub async fn challenge(&self, token: &str, challenge: &str) -> anyhow::Result<ReceiverAnswer> {
        let url = self.shared.required_callback_url()?;
        self.shared
            .platform
            .webhooks
            .challenge(&url, token, challenge)
            .await
            .map(ReceiverAnswer::from)
    }
}

impl From<crate::http_client::Answer> for ReceiverAnswer {
    fn from(answer: crate::http_client::Answer) -> Self {
        Self {
            status: answer.status.as_u16(),
            body: answer.body,
        }
    }
}
