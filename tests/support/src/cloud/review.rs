//! The moderation of templates: what is decided, and the webhook that says so.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::config::Review;
use super::{Destination, Platform, Template, payload};

/// What Meta decides about a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Approve,
    /// With one of Meta's reasons: `INVALID_FORMAT`, `PROMOTIONAL`, ...
    Reject(String),
    /// For its quality; sends are refused with 132015.
    Pause,
    /// For good; sends are refused with 132016.
    Disable,
}

impl Decision {
    /// The status of the template, the event of the webhook and its reason.
    fn words(&self) -> (&'static str, &'static str, &str) {
        match self {
            Self::Approve => ("APPROVED", "APPROVED", "NONE"),
            Self::Reject(reason) => ("REJECTED", "REJECTED", reason),
            Self::Pause => ("PAUSED", "PAUSED", "NONE"),
            Self::Disable => ("DISABLED", "DISABLED", "NONE"),
        }
    }
}

impl Platform {
    /// Begins the review that the settings ask for.
    pub(crate) fn review_later(self: &Arc<Self>, template_id: &str) {
        let Review::ApprovedAfter(delay) = self.settings.review else {
            return;
        };
        let (platform, id) = (Arc::downgrade(self), template_id.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            if let Some(platform) = platform.upgrade() {
                platform.decide_template(&id, &Decision::Approve);
            }
        });
    }

    /// Changes the status of a template and posts what happened; the template as it is now.
    pub(crate) fn decide_template(
        self: &Arc<Self>,
        template_id: &str,
        decision: &Decision,
    ) -> Option<Template> {
        let (status, event, reason) = decision.words();
        let template = {
            let mut world = self.world();
            let template = world.template_mut(template_id)?;
            status.clone_into(&mut template.status);
            template.reason = (status == "REJECTED").then(|| reason.to_owned());
            template.clone()
        };
        let value = json!({
            "event": event,
            "message_template_id": template.id.parse::<u64>().unwrap_or_default(),
            "message_template_name": template.name,
            "message_template_language": template.language,
            "message_template_category": template.category,
            "reason": reason,
        });
        self.announce(
            &template.account_id,
            "message_template_status_update",
            value,
        );
        Some(template)
    }

    /// Posts a change of an account.
    pub(crate) fn announce(
        self: &Arc<Self>,
        account_id: &str,
        field: &str,
        value: serde_json::Value,
    ) {
        let destination = Destination {
            account_id: account_id.to_owned(),
            phone_number_id: value["metadata"]["phone_number_id"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            field: field.to_owned(),
        };
        let body = payload::change(account_id, field, value);
        self.deliver_to(destination, Duration::ZERO, move || {
            payload::to_bytes(&body)
        });
    }
}
