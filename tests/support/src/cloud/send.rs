//! What becomes of a message that was read: the books' objections, its acceptance, its statuses.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::config::{PhoneNumber, Reported};
use super::error::GraphError;
use super::journal::Verdict;
use super::message::{Recipient, SendRequest};
use super::{Destination, Platform, World, media, payload, shape, template_match};

/// What the books say about a message: it may go, and perhaps fails on its way.
pub(crate) struct Admission {
    failure: Option<GraphError>,
}

impl Platform {
    /// Holds a message against number, media and templates: mistakes of its sender.
    pub(crate) fn admit(&self, send: &mut SendRequest) -> Result<Admission, GraphError> {
        let world = self.world();
        let number = world
            .number(&send.phone_number_id)
            .ok_or_else(|| GraphError::unknown_object(&send.phone_number_id, "POST"))?;
        if !number.registered {
            return Err(GraphError::of_code(133_010));
        }
        if let Recipient::Group(group) = &send.recipient
            && !number.groups.contains(group)
        {
            return Err(GraphError::of_code(131_041));
        }
        let account_id = number.base.account_id.clone();
        let failure = self.check_media(&world, send)?;
        if send.kind == "template" {
            send.category = Some(find_template(&world, &account_id, send)?);
        }
        Ok(Admission { failure })
    }

    /// Media that are not there are refused; media of a wrong type fail on their way.
    fn check_media(
        &self,
        world: &World,
        send: &SendRequest,
    ) -> Result<Option<GraphError>, GraphError> {
        let mut named = Vec::new();
        collect_media(&send.kind, &send.content, &mut named);
        for (kind, object) in named {
            let Some(id) = shape::text(object, "/id") else {
                continue;
            };
            let found = world
                .media
                .find(id, &send.phone_number_id, self.clock.now_ms());
            let Some(medium) = found else {
                return Err(GraphError::parameter(format_args!(
                    "Param {kind}['id'] is not a valid whatsapp business account media attachment ID"
                )));
            };
            if !media::fits(&medium.content_type, kind, object["voice"] == true) {
                let details = format!(
                    "a medium of type {} cannot be sent as {kind}",
                    medium.content_type
                );
                return Ok(Some(GraphError::with_details(131_053, details)));
            }
        }
        Ok(None)
    }

    /// What becomes of an admitted message, before anything is written.
    pub(crate) fn decide(&self, send: &SendRequest, admission: &mut Admission) -> Verdict {
        let fault = self.faults().strike(send.recipient.key());
        if let Some(fault) = &fault
            && fault.prevents()
        {
            return Verdict::Faulted(fault.clone());
        }
        if let Some(error) = self.limit(send, admission) {
            return Verdict::Limited(error);
        }
        Verdict::Accepted {
            wamid: self.next_wamid(send.recipient.key()),
            spoiled: fault,
        }
    }

    fn limit(&self, send: &SendRequest, admission: &mut Admission) -> Option<GraphError> {
        let limits = &self.settings.limits;
        let now_ms = self.clock.now_ms();
        if let Some(allowed) = &limits.allowed_recipients
            && !allowed.iter().any(|who| who == send.recipient.key())
        {
            return Some(GraphError::of_code(131_030));
        }
        let mut world = self.world();
        if let Err(error) = world.traffic.take(send, limits, now_ms) {
            return Some(error);
        }
        if let Some(error) = world.traffic.objection(send, limits, now_ms) {
            admission.failure = Some(error);
        }
        match limits.reported {
            Reported::InAnswer => admission.failure.take(),
            Reported::InStatus => None,
        }
    }

    /// Plans the statuses of an accepted message.
    pub(crate) fn play_statuses(
        self: &Arc<Self>,
        number: &PhoneNumber,
        send: &SendRequest,
        wamid: &str,
        admission: Admission,
    ) {
        let destination = Destination {
            account_id: number.account_id.clone(),
            phone_number_id: number.id.clone(),
            field: "messages".to_owned(),
        };
        if !self.is_wanted(&destination) {
            return;
        }
        let plan = self.statuses();
        let ordered = self.delivery_failure(send.recipient.key());
        let failure = ordered.map(GraphError::of_code).or(admission.failure);
        for (status, delay) in plan.steps(send) {
            let (status, failure) = match (&failure, status) {
                (Some(_), "read" | "played") => continue,
                (Some(failure), "delivered") => ("failed", Some(failure.clone())),
                _ => (status, None),
            };
            for _ in 0..plan.copies {
                let (number, send) = (number.clone(), send.clone());
                let (wamid, failure) = (wamid.to_owned(), failure.clone());
                self.deliver_to(destination.clone(), delay, move || {
                    let body = payload::status(&number, &send, &wamid, status, failure.as_ref());
                    payload::to_bytes(&body)
                });
            }
        }
    }

    /// Whether there is a receiver, and the account's webhooks were asked for.
    pub(crate) fn is_wanted(&self, destination: &Destination) -> bool {
        let is_subscribed = self
            .world()
            .account(&destination.account_id)
            .is_none_or(|account| account.is_subscribed);
        is_subscribed
            && self
                .router()
                .is_some_and(|router| router(destination, b"").is_ok())
    }

    /// Posts a webhook after a while, until it is acknowledged.
    pub(crate) fn deliver_to(
        self: &Arc<Self>,
        destination: Destination,
        delay: Duration,
        body: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) {
        let platform = Arc::downgrade(self);
        let resolve = Arc::new(move |body: &[u8]| {
            let router = platform.upgrade().and_then(|platform| platform.router());
            let router = router.ok_or_else(|| anyhow::anyhow!("this fake has no receiver"))?;
            router(&destination, body)
        });
        self.webhooks.deliver(delay, resolve, body);
    }
}

/// Every medium that a message names, with the kind it is named as.
fn collect_media<'a>(kind: &'a str, value: &'a Value, found: &mut Vec<(&'a str, &'a Value)>) {
    const KINDS: &[&str] = &["image", "audio", "video", "document", "sticker"];
    if KINDS.contains(&kind) && value.is_object() {
        found.push((kind, value));
        return;
    }
    match value {
        Value::Object(members) => {
            // What flows and forms are filled with is the business's own.
            let free = ["data", "flow_action_data", "values"];
            for (name, value) in members.iter().filter(|member| !free.contains(&&**member.0)) {
                collect_media(name, value, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect_media("", item, found);
            }
        }
        _ => {}
    }
}

/// The category of the template that a send names, once it fits.
fn find_template(
    world: &World,
    account_id: &str,
    send: &SendRequest,
) -> Result<String, GraphError> {
    let name = shape::text(&send.content, "/name").unwrap_or_default();
    let language = shape::text(&send.content, "/language/code").unwrap_or_default();
    let found = world.templates.iter().find(|template| {
        template.account_id == account_id && template.name == name && template.language == language
    });
    let Some(template) = found else {
        let details = format!("template name ({name}) does not exist in {language}");
        return Err(GraphError::with_details(132_001, details));
    };
    match template.status.as_str() {
        "APPROVED" => {}
        "PAUSED" => return Err(GraphError::of_code(132_015)),
        "DISABLED" => return Err(GraphError::of_code(132_016)),
        other => {
            let details = format!("template name ({name}) is {other} in {language}");
            return Err(GraphError::with_details(132_001, details));
        }
    }
    let to_user_id = matches!(send.recipient, Recipient::UserId(_));
    if to_user_id && template.category == "AUTHENTICATION" {
        return Err(GraphError::of_code(131_062));
    }
    if send.is_marketing && template.category != "MARKETING" {
        return Err(GraphError::of_code(134_100));
    }
    template_match::match_template(&send.content, template)?;
    Ok(template.category.clone())
}
