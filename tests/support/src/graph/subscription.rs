//! Where webhooks go: the app's callback URL, and what accounts and numbers override it with.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::{Shared, lock};
use crate::cloud::serve::Request;
use crate::cloud::webhooks::Target;
use crate::cloud::{Destination, GraphError, payload, shape};

pub(super) const CHALLENGE: &str = "1158201444";

/// Fields that an override may divert; all others go to the app's callback URL always.
const OVERRIDABLE: &[&str] = &[
    "messages",
    "message_echoes",
    "calls",
    "consumer_profile",
    "messaging_handovers",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
    "smb_message_echoes",
    "smb_app_state_sync",
    "history",
    "account_settings_update",
];

/// The app's own subscription.
#[derive(Debug, Default)]
pub(super) struct Subscription {
    callback_url: Option<String>,
    /// Empty for all.
    fields: Vec<String>,
}

impl Subscription {
    pub(super) fn to(callback_url: Option<String>) -> Self {
        Self {
            callback_url,
            fields: Vec::new(),
        }
    }
}

/// Tells the platform where its webhooks go.
pub(super) fn route(shared: &Arc<Shared>) {
    let weak = Arc::downgrade(shared);
    shared.platform.route_by(Arc::new(move |destination, body| {
        let shared = weak.upgrade().context("the fake Graph API has ended")?;
        let url = shared.receiver_of(destination)?;
        let signature = payload::signature(&shared.config.app_secret, body);
        Ok(Target {
            url,
            headers: vec![("X-Hub-Signature-256".to_owned(), signature)],
        })
    }));
}

impl Shared {
    pub(super) fn callback_url(&self) -> Option<String> {
        lock(&self.subscription).callback_url.clone()
    }

    pub(super) fn required_callback_url(&self) -> anyhow::Result<String> {
        self.callback_url()
            .context("this fake Graph API has no callback URL")
    }

    pub(super) fn subscribed_fields(&self) -> Vec<String> {
        lock(&self.subscription).fields.clone()
    }

    pub(super) fn subscribe_app(&self, callback_url: Option<&str>, fields: &str) {
        *lock(&self.subscription) = Subscription {
            callback_url: callback_url.map(str::to_owned),
            fields: fields
                .split(',')
                .filter(|field| !field.is_empty())
                .map(str::to_owned)
                .collect(),
        };
    }

    /// Phone before account before app.
    fn receiver_of(&self, destination: &Destination) -> anyhow::Result<String> {
        if OVERRIDABLE.contains(&&*destination.field) {
            let world = self.platform.world();
            let of_number = world
                .number(&destination.phone_number_id)
                .and_then(|number| number.callback.clone());
            let of_account = || {
                let account = world.account(&destination.account_id)?;
                account.callback.clone()
            };
            if let Some(url) = of_number.or_else(of_account) {
                return Ok(url);
            }
        }
        self.required_callback_url()
    }

    /// Posts bytes to the app's callback URL.
    pub(super) fn deliver_raw(&self, body: impl FnOnce() -> Vec<u8> + Send + 'static) {
        let destination = Destination {
            account_id: String::new(),
            phone_number_id: String::new(),
            field: String::new(),
        };
        self.platform.deliver_to(destination, Duration::ZERO, body);
    }

    /// Asks the receiver that a call names to prove itself, before the call has its effect.
    pub(super) async fn prove_receiver(&self, request: &Request) -> Option<Result<(), GraphError>> {
        if request.method != "POST" {
            return None;
        }
        let body = request.parameters().ok()?;
        let (url, token) = [
            ("/override_callback_uri", "/verify_token"),
            (
                "/webhook_configuration/override_callback_uri",
                "/webhook_configuration/verify_token",
            ),
            ("/callback_url", "/verify_token"),
        ]
        .into_iter()
        .find_map(|(url, token)| Some((shape::text(&body, url)?, shape::text(&body, token))))?;
        if url.is_empty() {
            return None;
        }
        let Some(token) = token else {
            return Some(Err(GraphError::parameter(
                "The parameter verify_token is required.",
            )));
        };
        let answer = self
            .platform
            .webhooks
            .challenge(url, token, CHALLENGE)
            .await;
        Some(match answer {
            Ok(answer) if answer.status == 200 && answer.body == CHALLENGE.as_bytes() => Ok(()),
            Ok(answer) => Err(unproven(&format!("HTTP Status Code = {}", answer.status))),
            Err(error) => Err(unproven(&format!("{error:#}"))),
        })
    }
}

fn unproven(why: &str) -> GraphError {
    GraphError {
        message: format!("(#2200) Callback verification failed with the following errors: {why}"),
        ..GraphError::of_code(2200)
    }
}
