//! What the owner of a number does in Twilio's console: webhooks, approved templates; and a status on order.

use std::time::Duration;

use serde_json::{Value, json};

use super::approval::Approval;
use super::content::Content;
use super::{FakeTwilio, delivery, new_sid};

impl FakeTwilio {
    /// Sets where messages to a number and statuses of what it sends go; nothing for a number that is not
    /// in the books.
    pub fn set_webhook(&self, number: &str, url: &str) {
        let mut books = self.shared.books();
        if let Some(sender) = books.senders.iter_mut().find(|it| it.number == number) {
            sender.webhook["callback_url"] = json!(url);
            sender.webhook["status_callback_url"] = json!(url);
        }
    }

    /// Puts an approved content of one type into the main account; its sid.
    pub fn add_content(
        &self,
        name: &str,
        language: &str,
        types: Value,
        variables: Value,
        category: &str,
    ) -> String {
        let now_ms = self.shared.clock.now_ms();
        let content_type = types
            .as_object()
            .and_then(|types| types.keys().next())
            .map(|name| name.trim_start_matches("twilio/").to_owned());
        let content = Content {
            sid: new_sid("HX"),
            account_sid: self.shared.config.accounts[0].sid.clone(),
            friendly_name: name.to_owned(),
            language: language.to_owned(),
            variables,
            types,
            approval: Some(Approval {
                name: name.to_owned(),
                category: category.to_owned(),
                content_type: content_type.unwrap_or_default(),
                status: "approved".to_owned(),
                rejection_reason: String::new(),
                approved_at_ms: None,
            }),
            created_ms: now_ms,
            updated_ms: now_ms,
        };
        let sid = content.sid.clone();
        self.shared.books().contents.push(content);
        sid
    }

    /// The channel reports a status of a message of ours now: `sent`, `delivered` or `read`.
    pub fn report(&self, sid: &str, status: &'static str) {
        delivery::play(&self.shared, sid, status, None, Duration::ZERO, 1);
    }
}
