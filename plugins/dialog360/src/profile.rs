//! The number's public profile: Meta's, on a path without the number's ID.
//! Source: https://docs.360dialog.com/docs/waba-management/set-whatsapp-profile-information

use serde_json::Value;
use wharf_cloud_api::profile;
use wharf_plugin::ProfileProvider;
use wharf_plugin::flow::{Flow, one_shot_or};
use wharf_plugin::prelude::*;
use wharf_plugin::profile::{Progress, Request};
use wharf_plugin::types::HttpMethod;

use crate::address::api;
use crate::{Dialog360, failure};

/// Raise the version when a step changes. True: the profile is being changed, false: read.
const FLOW: Flow<bool> = Flow::new("profile", 1);
const PATH: &str = "whatsapp_business_profile";

impl ProfileProvider for Dialog360 {
    fn profile_start(_: &Context, request: &Request) -> Result<Progress, Error> {
        Ok(match request {
            Request::Get => get().into(),
            Request::Set(members) => {
                let exchange = api("profile.set", HttpMethod::Post, PATH)
                    .json(profile::change(members)?)
                    // Setting the same once more changes nothing.
                    .replay(Replay::Safe);
                FLOW.ask(exchange, &true).into()
            }
        })
    }

    fn profile_resume(
        _: &Context,
        _: &Request,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        if FLOW.step(state)? {
            one_shot_or(outcome, Replay::Safe, is_set, refused)?;
            return Ok(get().into());
        }
        let read = |response: &HttpResponse| profile::read(&response.json::<Value>()?);
        let profile = one_shot_or(outcome, Replay::Safe, read, refused)?;
        Ok(Progress::Done(profile))
    }
}

fn get() -> Exchange {
    let exchange = api("profile.get", HttpMethod::Get, PATH);
    FLOW.ask(exchange.query_text("fields", profile::FIELDS), &false)
}

fn refused(response: &HttpResponse) -> Error {
    let mut error = failure::of(response, Replay::Safe);
    if error.code == Code::InvalidMessage {
        error.remedy = Some("Correct the profile, then set it again.".to_owned());
    }
    error
}

/// `{"success":true}`.
fn is_set(response: &HttpResponse) -> Option<()> {
    let answer: Value = response.json()?;
    (answer["success"] == Value::Bool(true)).then_some(())
}
