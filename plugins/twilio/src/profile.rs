//! The public profile of a number: Twilio's words on one side, the Cloud API's on the other.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use wharf_plugin::ProfileProvider;
use wharf_plugin::flow::Flow;
use wharf_plugin::prelude::{Context, Error, Outcome};
use wharf_plugin::profile::{Progress, Request};

use crate::Twilio;
use crate::senders::{self, Found, Sender};

/// The Cloud API's verticals and Twilio's, sorted by the Cloud API's.
const VERTICALS: [(&str, &str); 21] = [
    ("ALCOHOL", "Alcohol"),
    ("APPAREL", "Clothing and Apparel"),
    ("AUTO", "Automotive"),
    ("BEAUTY", "Beauty, Spa and Salon"),
    ("EDU", "Education"),
    ("ENTERTAIN", "Entertainment"),
    ("EVENT_PLAN", "Event Planning and Service"),
    ("FINANCE", "Finance and Banking"),
    ("GROCERY", "Food and Grocery"),
    ("HEALTH", "Medical and Health"),
    ("HOTEL", "Hotel and Lodging"),
    ("MATRIMONY_SERVICE", "Matrimony Service"),
    ("NONPROFIT", "Non-profit"),
    ("ONLINE_GAMBLING", "Online Gambling"),
    ("OTC_DRUGS", "OTC Drugs"),
    ("OTHER", "Other"),
    ("PHYSICAL_GAMBLING", "Physical Gambling"),
    ("PROF_SERVICES", "Professional Services"),
    ("RESTAURANT", "Restaurant"),
    ("RETAIL", "Shopping and Retail"),
    ("TRAVEL", "Travel and Transportation"),
];
/// Members that are texts, what Twilio calls them, and WhatsApp's limits in characters (the Cloud API's
/// reference of `whatsapp_business_profile`).
const TEXTS: [(&str, &str, usize); 4] = [
    ("about", "about", 139),
    ("address", "address", 256),
    ("description", "description", 512),
    ("profile_picture_url", "logo_url", 2_048),
];
const WEBSITES_MAX: usize = 2;
const WEBSITE_CHARS_MAX: usize = 256;
const EMAIL_CHARS_MAX: usize = 128;

#[derive(Serialize, Deserialize)]
enum Step {
    Find,
    Update,
}

const PROFILE: Flow<Step> = Flow::new("profile", 1);

impl ProfileProvider for Twilio {
    fn profile_start(ctx: &Context, request: &Request) -> Result<Progress, Error> {
        if let Request::Set(document) = request {
            // What is wrong is refused before anything is asked.
            changes(document)?;
        }
        // Also before a change: Twilio wants the name with every one.
        Ok(PROFILE.ask(senders::find(ctx)?, &Step::Find).into())
    }

    fn profile_resume(
        ctx: &Context,
        request: &Request,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        let step = PROFILE.step(state)?;
        let sender = match step {
            Step::Update => return Ok(Progress::Done(shown(&senders::one(outcome)?.profile))),
            Step::Find => match senders::found(ctx, outcome)? {
                Found::Sender(sender) => sender,
                Found::More(exchange) => return Ok(PROFILE.ask(*exchange, &Step::Find).into()),
                Found::Nowhere => return Err(senders::not_registered()),
            },
        };
        match request {
            Request::Get => Ok(Progress::Done(shown(&sender.profile))),
            Request::Set(document) => set(ctx, &sender, changes(document)?),
        }
    }
}

/// The whole profile with the changes in it: what an update leaves out must not be lost.
fn set(ctx: &Context, sender: &Sender, changes: Map<String, Value>) -> Result<Progress, Error> {
    let known = sender.profile.as_object();
    let mut profile: Map<String, Value> = known
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    profile.extend(changes);
    let exchange = senders::update(ctx, &sender.sid, &json!({ "profile": profile }))?;
    Ok(PROFILE.ask(exchange, &Step::Update).into())
}

/// A profile of Twilio's by the Cloud API's names. `name` has none there and keeps its own.
fn shown(profile: &Value) -> String {
    let mut shown = Map::new();
    for (member, theirs, _) in TEXTS {
        if let Some(text) = profile[theirs].as_str() {
            shown.insert(member.to_owned(), text.into());
        }
    }
    if let Some(name) = profile["name"].as_str() {
        shown.insert("name".to_owned(), name.into());
    }
    if let Some(vertical) = profile["vertical"].as_str() {
        let known = VERTICALS.iter().find(|(_, theirs)| *theirs == vertical);
        let vertical = known.map_or(vertical, |(ours, _)| ours);
        shown.insert("vertical".to_owned(), vertical.into());
    }
    let mut emails = listed(&profile["emails"], "email");
    if let Some(email) = emails.next() {
        shown.insert("email".to_owned(), email);
    }
    let websites: Vec<Value> = listed(&profile["websites"], "website").collect();
    if !websites.is_empty() {
        shown.insert("websites".to_owned(), websites.into());
    }
    Value::Object(shown).to_string()
}

/// Elements are objects with a label; older answers have plain texts.
fn listed<'a>(list: &'a Value, member: &'a str) -> impl Iterator<Item = Value> + 'a {
    let elements = list.as_array().into_iter().flatten();
    elements.filter_map(move |element| {
        let text = element.as_str().or_else(|| element[member].as_str())?;
        Some(Value::from(text))
    })
}

/// The members to change, by Twilio's names.
fn changes(document: &str) -> Result<Map<String, Value>, Error> {
    let Ok(Value::Object(members)) = serde_json::from_str(document) else {
        return Err(Error::invalid("a profile is a JSON object"));
    };
    let mut changes = Map::new();
    for (name, value) in &members {
        if name == "messaging_product" {
            continue;
        }
        let (name, value) = change(name, value)?;
        changes.insert(name.to_owned(), value);
    }
    if changes.is_empty() {
        return Err(Error::invalid("the profile names nothing to change"));
    }
    Ok(changes)
}

fn change(name: &str, value: &Value) -> Result<(&'static str, Value), Error> {
    if let Some((_, theirs, chars_max)) = TEXTS.iter().find(|(known, _, _)| *known == name) {
        return Ok((theirs, text(name, value, *chars_max)?.into()));
    }
    match name {
        "email" => {
            let email = text(name, value, EMAIL_CHARS_MAX)?;
            Ok(("emails", json!([{ "email": email, "label": "Email" }])))
        }
        "vertical" => {
            let wanted = text(name, value, EMAIL_CHARS_MAX)?;
            let known = VERTICALS
                .iter()
                .find(|(ours, theirs)| *ours == wanted || *theirs == wanted);
            let (_, theirs) = known.ok_or_else(|| {
                Error::invalid("the profile's `vertical` is none that Twilio has").remedy(
                    "Use one of the Cloud API's verticals; Twilio has no UNDEFINED and no GOVT.",
                )
            })?;
            Ok(("vertical", (*theirs).into()))
        }
        "websites" => websites(value),
        "profile_picture_handle" => Err(Error::unsupported("profile_picture_handle").remedy(
            "Give the picture's public address as profile_picture_url: Twilio fetches it.",
        )),
        _ => Err(Error::invalid(format!(
            "a profile has no member `{}`",
            name.chars().take(64).collect::<String>()
        ))),
    }
}

fn websites(value: &Value) -> Result<(&'static str, Value), Error> {
    let Some(list) = value.as_array() else {
        return Err(Error::invalid("the profile's `websites` is a list"));
    };
    if list.len() > WEBSITES_MAX {
        return Err(Error::invalid(format!(
            "a profile has at most {WEBSITES_MAX} websites, this one has {}",
            list.len()
        )));
    }
    let mut websites = Vec::with_capacity(list.len());
    for website in list {
        let website = text("websites", website, WEBSITE_CHARS_MAX)?;
        websites.push(json!({ "website": website, "label": "Website" }));
    }
    Ok(("websites", websites.into()))
}

fn text<'a>(name: &str, value: &'a Value, chars_max: usize) -> Result<&'a str, Error> {
    let Some(text) = value.as_str() else {
        return Err(Error::invalid(format!("the profile's `{name}` is a text")));
    };
    let chars = text.chars().count();
    if chars > chars_max {
        return Err(Error::invalid(format!(
            "the profile's `{name}` has at most {chars_max} characters, this one has {chars}"
        )));
    }
    Ok(text)
}
