//! The number's public profile.

use serde_json::Value;
use wharf_cloud_api::profile;
use wharf_plugin::ProfileProvider;
use wharf_plugin::flow::Flow;
use wharf_plugin::prelude::{Code, Context, Error, Exchange, Outcome, Replay};
use wharf_plugin::profile::{Progress, Request};

use crate::Graph;
use crate::call::{Calls, id_setting, read, succeeded};

/// Raise the version when a step changes. True: the profile is being changed, false: read.
const FLOW: Flow<bool> = Flow::new("profile", 1);

impl ProfileProvider for Graph {
    fn profile_start(ctx: &Context, request: &Request) -> Result<Progress, Error> {
        match request {
            Request::Get => get(ctx),
            Request::Set(members) => {
                let document = profile::change(members)?;
                // The same profile a second time is the same profile.
                let exchange = Calls::of(ctx)?
                    .post("profile.set", &path(ctx)?)
                    .json(document)
                    .replay(Replay::Safe);
                Ok(FLOW.ask(exchange, &true).into())
            }
        }
    }

    fn profile_resume(
        ctx: &Context,
        _: &Request,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        if FLOW.step(state)? {
            succeeded(outcome, Replay::Safe).map_err(of_profile)?;
            return get(ctx);
        }
        let profile = read(outcome, Replay::Safe, |response| {
            profile::read(&response.json::<Value>()?)
        })?;
        Ok(Progress::Done(profile))
    }
}

fn get(ctx: &Context) -> Result<Progress, Error> {
    let exchange: Exchange = Calls::of(ctx)?
        .get("profile.get", &path(ctx)?)
        .query_text("fields", profile::FIELDS);
    Ok(FLOW.ask(exchange, &false).into())
}

fn path(ctx: &Context) -> Result<String, Error> {
    Ok(format!(
        "{}/whatsapp_business_profile",
        id_setting(ctx, "phone_number_id")?
    ))
}

/// The table speaks of messages; here it is the profile that is wrong.
fn of_profile(mut error: Error) -> Error {
    if error.code == Code::InvalidMessage {
        error.remedy = Some("Correct the profile; the detail says why.".to_owned());
    }
    error
}
