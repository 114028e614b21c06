//! The number's public profile: Meta's, on a path without the number's ID.
//! Source: https://docs.360dialog.com/docs/waba-management/set-whatsapp-profile-information

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wharf_plugin::ProfileProvider;
use wharf_plugin::flow::{Flow, one_shot_or};
use wharf_plugin::prelude::*;
use wharf_plugin::profile::{Progress, Request};
use wharf_plugin::types::HttpMethod;

use crate::address::api;
use crate::{Dialog360, failure};

/// Raise the version when a step changes.
const PROFILE: Flow<Step> = Flow::new("profile", 1);
const PATH: &str = "whatsapp_business_profile";
const FIELDS: &str = "about,address,description,email,profile_picture_url,websites,vertical";
/// Texts and how many characters each may have.
const TEXTS: [(&str, usize); 4] = [
    ("about", 139),
    ("address", 256),
    ("description", 512),
    ("email", 128),
];
const WEBSITES_MAX: usize = 2;
const WEBSITE_CHARS_MAX: usize = 256;
const REMEDY: &str = "Correct the profile, then set it again.";

#[derive(Serialize, Deserialize)]
enum Step {
    Get,
    Set,
}

impl ProfileProvider for Dialog360 {
    fn profile_start(_: &Context, request: &Request) -> Result<Progress, Error> {
        Ok(match request {
            Request::Get => get().into(),
            Request::Set(document) => {
                let exchange = api("profile.set", HttpMethod::Post, PATH)
                    .json(checked(document)?)
                    // Setting the same once more changes nothing.
                    .replay(Replay::Safe);
                PROFILE.ask(exchange, &Step::Set).into()
            }
        })
    }

    fn profile_resume(
        _: &Context,
        _: &Request,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        match PROFILE.step(state)? {
            Step::Set => {
                one_shot_or(outcome, Replay::Safe, is_set, refused)?;
                Ok(get().into())
            }
            Step::Get => {
                let profile = one_shot_or(outcome, Replay::Safe, read, refused)?;
                Ok(Progress::Done(profile))
            }
        }
    }
}

fn get() -> Exchange {
    let exchange = api("profile.get", HttpMethod::Get, PATH).query_text("fields", FIELDS);
    PROFILE.ask(exchange, &Step::Get)
}

fn refused(response: &HttpResponse) -> Error {
    let mut error = failure::of(response, Replay::Safe);
    if error.code == Code::InvalidMessage {
        error.remedy = Some(REMEDY.to_owned());
    }
    error
}

/// `{"success":true}`.
fn is_set(response: &HttpResponse) -> Option<()> {
    let answer: Value = response.json()?;
    (answer["success"] == Value::Bool(true)).then_some(())
}

/// `data` holds one profile, in some descriptions a level deeper.
fn read(response: &HttpResponse) -> Option<String> {
    let answer: Value = response.json()?;
    let first = answer["data"].get(0)?;
    let profile = match &first["business_profile"] {
        Value::Object(profile) => profile,
        _ => first.as_object()?,
    };
    let mut profile = profile.clone();
    profile.remove("messaging_product");
    Some(Value::Object(profile).to_string())
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::invalid(detail).remedy(REMEDY)
}

/// The request's document. Members that Meta does not have are refused by name.
fn checked(document: &str) -> Result<String, Error> {
    let mut members: Map<String, Value> =
        serde_json::from_str(document).map_err(|_| invalid("the profile is not a JSON object"))?;
    if members.is_empty() {
        return Err(invalid("the profile names nothing to change"));
    }
    for (name, value) in &members {
        match name.as_str() {
            "websites" => check_websites(value)?,
            "vertical" | "profile_picture_handle" => {
                if value.as_str().is_none_or(str::is_empty) {
                    return Err(invalid(format!("the profile's {name} is no text")));
                }
            }
            "messaging_product" => {}
            name => check_text(name, value)?,
        }
    }
    members.insert("messaging_product".to_owned(), "whatsapp".into());
    Ok(Value::Object(members).to_string())
}

fn check_text(name: &str, value: &Value) -> Result<(), Error> {
    let Some((_, chars_max)) = TEXTS.iter().find(|(known, _)| *known == name) else {
        return Err(invalid(format!(
            "the profile has no member {name:?}; it has about, address, description, email, vertical, websites and profile_picture_handle"
        )));
    };
    let Some(text) = value.as_str() else {
        return Err(invalid(format!("the profile's {name} is no text")));
    };
    let chars = text.chars().count();
    if chars > *chars_max {
        return Err(invalid(format!(
            "the profile's {name} has at most {chars_max} characters, this one has {chars}"
        )));
    }
    if name == "about" && chars == 0 {
        return Err(invalid("the profile's about has at least 1 character"));
    }
    Ok(())
}

fn check_websites(value: &Value) -> Result<(), Error> {
    let Some(websites) = value.as_array() else {
        return Err(invalid("the profile's websites are no list"));
    };
    if websites.len() > WEBSITES_MAX {
        return Err(invalid(format!(
            "a profile has at most {WEBSITES_MAX} websites, this one has {}",
            websites.len()
        )));
    }
    for website in websites {
        let fits = |site: &str| {
            (site.starts_with("https://") || site.starts_with("http://"))
                && site.chars().count() <= WEBSITE_CHARS_MAX
        };
        if !website.as_str().is_some_and(fits) {
            return Err(invalid(format!(
                "a website begins with http:// or https:// and has at most {WEBSITE_CHARS_MAX} characters"
            )));
        }
    }
    Ok(())
}
