//! Where 360dialog tells the partner of customers and channels: one address for the whole app.

use wharf_plugin::flow::one_shot_or;
use wharf_plugin::onboarding::{Finished, Next, Progress, Verdict};
use wharf_plugin::prelude::*;
use wharf_plugin::types::HttpMethod;

use super::work::{FLOW, Step};
use super::{finding, progress, signup};
use crate::address::hub;
use crate::{descriptor, failure};

pub(super) fn start(ctx: &Context) -> Result<Progress, Error> {
    let exchange = hub(
        "onboarding.partner-webhook",
        HttpMethod::Post,
        signup::partner(ctx)?,
        "webhook_url",
    )
    .insert(
        "/webhook_url",
        vec![piece::webhook_url(descriptor::PARTNER)],
    )
    .replay(Replay::Safe);
    let exchange = FLOW.ask(exchange, &Step::PartnerWebhook);
    Ok(progress(Vec::new(), Next::Exchange(exchange)))
}

pub(super) fn set(outcome: Outcome) -> Result<Progress, Error> {
    one_shot_or(
        outcome,
        Replay::Safe,
        |_| Some(()),
        |response| failure::of_hub(response, Replay::Safe),
    )?;
    let mut set = finding(
        "webhook",
        Verdict::Ok,
        "The partner's webhooks come to this gateway",
        "They are believed only with the platform secret's signature.",
    );
    set.remedy = Some(
        "Generate the platform secret in the Partner Hub under Integration and put it into the app's secrets."
            .to_owned(),
    );
    let finished = Finished {
        settings: Vec::new(),
        channels: Vec::new(),
    };
    Ok(progress(vec![set], Next::Done(finished)))
}
