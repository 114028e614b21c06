//! What customers do: they write, send media, and say what they want.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::config::PhoneNumber;
use super::inbound::Inbound;
use super::{Destination, Platform, media, payload};

impl Platform {
    /// Posts a customer's message; its id. Accounts whose webhooks nobody wanted post nothing.
    pub(crate) fn customer_writes(
        self: &Arc<Self>,
        number: &PhoneNumber,
        from: &str,
        message: &Inbound,
    ) -> String {
        let wamid = self.next_wamid(from);
        let body = message.webhook(number, from, &wamid, self.clock.now_s());
        {
            let mut world = self.world();
            world
                .traffic
                .note_inbound(&number.id, from, self.clock.now_ms());
            let is_wanted = world
                .account(&number.account_id)
                .is_none_or(|account| account.is_subscribed);
            if !is_wanted {
                return wamid;
            }
        }
        let destination = Destination {
            account_id: number.account_id.clone(),
            phone_number_id: number.id.clone(),
            field: "messages".to_owned(),
        };
        self.deliver_to(destination, Duration::ZERO, move || {
            payload::to_bytes(&body)
        });
        wamid
    }

    /// Keeps what a customer sent; the members that the webhook shows of it.
    pub(crate) fn receive_medium(
        &self,
        number: &PhoneNumber,
        host: &str,
        content_type: &str,
        bytes: Bytes,
    ) -> Value {
        let now_ms = self.clock.now_ms();
        let mut world = self.world();
        let id = world.media.receive(&number.id, content_type, bytes, now_ms);
        let url = world.media.link(host, &id, now_ms);
        world
            .media
            .find(&id, &number.id, now_ms)
            .map_or(Value::Null, |medium| media::in_webhook(medium, &url))
    }

    /// The customer wants marketing messages, or no longer.
    pub(crate) fn customer_prefers(
        self: &Arc<Self>,
        number: &PhoneNumber,
        who: &str,
        wanted: bool,
    ) {
        self.world().traffic.set_marketing(&number.id, who, wanted);
        let verb = if wanted { "resume" } else { "stop" };
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": number.display_number,
                "phone_number_id": number.id,
            },
            "contacts": [{
                "profile": { "name": "A customer" },
                "wa_id": who,
                "user_id": payload::user_id_of(who),
            }],
            "user_preferences": [{
                "wa_id": who,
                "user_id": payload::user_id_of(who),
                "detail": format!("User requested to {verb} marketing messages"),
                "category": "marketing_messages",
                "value": verb,
                "timestamp": self.clock.now_s(),
            }],
        });
        self.announce(&number.account_id, "user_preferences", value);
    }
}
