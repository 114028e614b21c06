//! What 360dialog posts: to channels with the headers that they asked for, to the partner signed.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Channel, onboarding, payload};
use super::{
    FakeDialog360, Inbound, PhoneNumber, Shared, StatusPlan, WebhookConfig, WebhookRecord,
};
use crate::cloud::webhooks::Target;
use crate::cloud::{Destination, Platform};

/// The destination of what concerns the partner and no channel.
const PARTNER_FIELD: &str = "partner";

impl FakeDialog360 {
    /// Webhooks to addresses that begin with `public` go to `local`: a gateway that is not on the
    /// internet under its public address.
    pub fn connect_to(&self, public: impl Into<String>, local: impl Into<String>) {
        self.shared
            .platform
            .webhooks
            .connect_to(public.into(), local.into());
    }

    /// Sets the webhook of a channel, as its owner would in the hub.
    pub fn set_webhook(&self, channel_id: &str, webhook: WebhookConfig) {
        self.change_channel(channel_id, |channel| channel.webhook = Some(webhook));
    }

    /// Where events of the partner go.
    pub fn set_partner_webhook(&self, url: impl Into<String>) {
        self.shared.books().partner_webhook_url = Some(url.into());
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

    /// A customer writes anything to a number; the message's id.
    pub fn receive(&self, number: &PhoneNumber, from: &str, message: &Inbound) -> String {
        self.shared.platform.customer_writes(number, from, message)
    }

    /// A customer sends a medium: `image`, `audio`, `video`, `document` or `sticker`.
    pub fn receive_medium(
        &self,
        number: &PhoneNumber,
        from: &str,
        (kind, content_type): (&str, &str),
        bytes: impl Into<Bytes>,
        caption: Option<&str>,
    ) -> String {
        let medium = self.keep_medium(number, content_type, bytes);
        self.receive(number, from, &Inbound::medium(kind, medium, caption))
    }

    /// A customer uploads a medium to a number; what webhooks show of it, for `Inbound::medium`.
    pub fn keep_medium(
        &self,
        number: &PhoneNumber,
        content_type: &str,
        bytes: impl Into<Bytes>,
    ) -> Value {
        let host = &self.shared.config.link_host;
        let platform = &self.shared.platform;
        platform.receive_medium(number, host, content_type, bytes.into())
    }

    /// Posts a change of any field of a number's account.
    pub fn announce(&self, number: &PhoneNumber, field: &str, value: Value) {
        // Channels have webhooks of their own, so that each event belongs to a number.
        let destination = Destination {
            account_id: number.account_id.clone(),
            phone_number_id: number.id.clone(),
            field: field.to_owned(),
        };
        let body = payload::change(&number.account_id, field, value);
        self.shared
            .platform
            .deliver_to(destination, Duration::ZERO, move || {
                payload::to_bytes(&body)
            });
    }

    /// Posts any webhook of a number, with the headers of its channel, until it is acknowledged.
    pub fn deliver(&self, number: &PhoneNumber, webhook: Value) {
        let body = move || payload::to_bytes(&webhook);
        let platform = &self.shared.platform;
        platform.deliver_to(destination(number, "messages"), Duration::ZERO, body);
    }

    /// Posts these bytes once to a number's webhook with any headers in the place of the right ones;
    /// the status of the answer.
    pub async fn post_forged(
        &self,
        number: &PhoneNumber,
        body: impl Into<Bytes>,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<u16> {
        let right = self
            .shared
            .receiver_of(&destination(number, "messages"), b"")?;
        let target = Target {
            url: right.url,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let answer = self
            .shared
            .platform
            .webhooks
            .post(target, body.into())
            .await?;
        Ok(answer.status.as_u16())
    }

    /// Posts an event about a channel to the partner, signed, if the partner has a webhook.
    pub fn announce_partner(&self, event: &str, channel_id: &str) {
        if self.shared.books().partner_webhook_url.is_none() {
            return;
        }
        let data = self
            .shared
            .books()
            .by_id(channel_id)
            .map_or(Value::Null, |channel| channel.shown());
        let body = json!({ "id": Platform::secret("EV"), "event": event, "data": data });
        let destination = Destination {
            account_id: String::new(),
            phone_number_id: String::new(),
            field: PARTNER_FIELD.to_owned(),
        };
        self.shared
            .platform
            .deliver_to(destination, Duration::ZERO, move || {
                body.to_string().into_bytes()
            });
    }

    /// The right value of `x-360dialog-signature`.
    pub fn signature(&self, body: &[u8]) -> String {
        onboarding::sign_body(&self.shared.config.partner.platform_secret, body)
    }
}

fn destination(number: &PhoneNumber, field: &str) -> Destination {
    Destination {
        account_id: number.account_id.clone(),
        phone_number_id: number.id.clone(),
        field: field.to_owned(),
    }
}

impl Shared {
    /// The channel's own webhook, else its account's; what concerns the partner goes to the partner.
    pub(super) fn receiver_of(
        &self,
        destination: &Destination,
        body: &[u8],
    ) -> anyhow::Result<Target> {
        let books = self.books();
        let signature = || {
            let secret = &self.config.partner.platform_secret;
            let value = onboarding::sign_body(secret, body);
            ("x-360dialog-signature".to_owned(), value)
        };
        if destination.field == PARTNER_FIELD {
            let url = books.partner_webhook_url.clone();
            return Ok(Target {
                url: url.context("the partner has no webhook")?,
                headers: vec![signature()],
            });
        }
        let of_channel = books
            .by_number(&destination.phone_number_id)
            .and_then(|channel| channel.webhook.as_ref());
        // An event of a whole account reaches it through any of its channels.
        let of_any = || {
            let of_account = |channel: &&Channel| channel.account_id == destination.account_id;
            books
                .channels
                .iter()
                .filter(of_account)
                .find_map(|channel| channel.webhook.as_ref())
        };
        let webhook = of_channel
            .or_else(|| books.account_webhooks.get(&destination.account_id))
            .or_else(of_any)
            .context("the channel has no webhook")?;
        let mut headers: Vec<(String, String)> = webhook
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if self.config.signs_channel_webhooks {
            headers.push(signature());
        }
        Ok(Target {
            url: webhook.url.clone(),
            headers,
        })
    }
}
