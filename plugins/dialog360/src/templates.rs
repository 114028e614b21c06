//! Templates of the number's account, as 360dialog lists them: paged by an offset, deleted by their name.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wharf_cloud_api::templates::{self, Draft, checked_name};
use wharf_plugin::TemplateProvider;
use wharf_plugin::flow::{Flow, one_shot_or};
use wharf_plugin::prelude::*;
use wharf_plugin::templates::{Create, Entry, Progress, Request};
use wharf_plugin::types::HttpMethod;

use crate::address::api;
use crate::{Dialog360, failure};

/// Raise the version when a step changes.
const LIST: Flow<Listing> = Flow::new("templates", 1);
/// Templates a page: the largest has some 10 KiB.
const PAGE_TEMPLATES: u32 = 100;
const PAGE_BYTES_MAX: u32 = 2 * 1024 * 1024;
/// Meta allows 6,000; beyond this the list is one that never ends.
const TEMPLATES_MAX: u32 = 20_000;
/// How long the link to an example works: 360dialog hands it on to Meta, who fetches it for the review.
const EXAMPLE_LIFETIME_S: u32 = 24 * 60 * 60;
/// The host's limit for a template's words.
const ID_BYTES_MAX: usize = 255;

const PATH: &str = "v1/configs/templates";

#[derive(Serialize, Deserialize)]
struct Listing {
    offset: u32,
}

impl TemplateProvider for Dialog360 {
    fn templates_start(_: &Context, request: &Request) -> Result<Progress, Error> {
        Ok(match request {
            Request::List => page_from(0).into(),
            Request::Create(draft) => create(draft)?.into(),
            Request::Edit(_) => return Err(cannot("edits templates", EDIT_REMEDY)),
            Request::Delete((_, Some(_))) => {
                return Err(cannot(
                    "deletes a single language of a template",
                    DELETE_REMEDY,
                ));
            }
            Request::Delete((name, None)) => {
                let path = format!("{PATH}/{}", checked_name(name)?);
                api("templates.delete", HttpMethod::Delete, &path)
                    .replay(Replay::Safe)
                    .into()
            }
        })
    }

    fn templates_resume(
        _: &Context,
        request: &Request,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        match request {
            Request::List => listed(LIST.step(state)?.offset, outcome),
            Request::Create(draft) => {
                let entry = one_shot_or(
                    outcome,
                    Replay::Unsafe,
                    |response| created(draft, response),
                    |response| of_template(response, Replay::Unsafe),
                )?;
                Ok(Progress::Done(vec![entry]))
            }
            Request::Delete(_) => {
                deleted(outcome)?;
                Ok(Progress::Done(Vec::new()))
            }
            Request::Edit(_) => Err(cannot("edits templates", EDIT_REMEDY)),
        }
    }
}

const EDIT_REMEDY: &str = "Edit the template in the 360dialog Hub or in WhatsApp Manager, or create one with another name.";
const DELETE_REMEDY: &str =
    "Delete the template with all its languages, or the one language in WhatsApp Manager.";

fn cannot(what: &str, remedy: &str) -> Error {
    Error::new(
        Code::Unsupported,
        Retry::Never,
        format!("no call of 360dialog's messaging API {what}"),
    )
    .remedy(remedy)
}

fn page_from(offset: u32) -> Exchange {
    let exchange = api("templates.list", HttpMethod::Get, PATH)
        .query_text("limit", PAGE_TEMPLATES.to_string())
        .query_text("offset", offset.to_string())
        .answer_bytes_max(PAGE_BYTES_MAX);
    LIST.ask(exchange, &Listing { offset })
}

#[derive(Deserialize)]
struct Page {
    waba_templates: Vec<Value>,
    total: Option<u32>,
}

fn listed(offset: u32, outcome: Outcome) -> Result<Progress, Error> {
    let page: Page = one_shot_or(
        outcome,
        Replay::Safe,
        |response| response.json::<Page>(),
        |response| failure::of(response, Replay::Safe),
    )?;
    let count = u32::try_from(page.waba_templates.len()).unwrap_or(u32::MAX);
    let next = offset.saturating_add(count);
    // Without a total, a page that is not full is the last.
    let is_last = match page.total {
        Some(total) => next >= total,
        None => count < PAGE_TEMPLATES,
    };
    let entries = templates::entries(&page.waba_templates, entry)?;
    if count == 0 || is_last || next >= TEMPLATES_MAX {
        return Ok(Progress::Done(entries));
    }
    Ok(Progress::Page((entries, page_from(next))))
}

/// As Meta lists them, but for the ID: 360dialog has one of its own beside Meta's, which webhooks carry.
fn entry(template: &Value) -> Option<Entry> {
    let mut entry = templates::entry(template)?;
    if let Some(id) = metas_id(template) {
        entry.id = Some(id);
    }
    Some(entry)
}

fn metas_id(template: &Value) -> Option<String> {
    let id = template["external_id"].as_str()?;
    let is_one = (1..=ID_BYTES_MAX).contains(&id.len()) && !id.chars().any(char::is_control);
    is_one.then(|| id.to_owned())
}

/// Examples are given as links, which 360dialog hands on: it has no upload that gives Meta's handles.
fn create(draft: &Create) -> Result<Exchange, Error> {
    let body = Draft::read(draft)?.creation(draft);
    let mut document: Value = serde_json::from_str(&body)
        .map_err(|_| Error::invalid("the template's definition is not JSON"))?;
    // The draft's pointers begin in its definition, which may be the components alone.
    let base = match draft.definition.trim_start().starts_with('[') {
        true => "/components",
        false => "",
    };
    let mut links = Vec::with_capacity(draft.examples.len());
    for (pointer, media) in &draft.examples {
        let Some(place) = opened(&mut document, &format!("{base}{pointer}")) else {
            return Err(Error::invalid(format!(
                "the place of an example, {pointer}, is none where a link can stand"
            ))
            .remedy("Name the end of the list `header_handle` of a header's `example`."));
        };
        links.push((place, piece::media_link(media, EXAMPLE_LIFETIME_S)));
    }
    let mut exchange = api("templates.create", HttpMethod::Post, PATH).json(document.to_string());
    for (place, link) in links {
        exchange = exchange.insert(&place, vec![link]);
    }
    Ok(exchange)
}

/// Makes room at a pointer, with the levels above it, and says where the value is to be inserted: a member
/// that is not there, or the end of a list.
fn opened(document: &mut Value, pointer: &str) -> Option<String> {
    if !templates::put(document, pointer, Value::Null) {
        return None;
    }
    let (above, last) = pointer.rsplit_once('/')?;
    match document.pointer_mut(above)? {
        Value::Object(members) => {
            members.remove(&last.replace("~1", "/").replace("~0", "~"));
            Some(pointer.to_owned())
        }
        Value::Array(elements) => {
            let index = match last {
                "-" => elements.len().checked_sub(1)?,
                digits => digits.parse().ok()?,
            };
            (index + 1 == elements.len()).then(|| elements.pop())?;
            Some(format!("{above}/-"))
        }
        _ => None,
    }
}

fn created(draft: &Create, response: &HttpResponse) -> Option<Entry> {
    let answer: Value = response.json().filter(Value::is_object)?;
    let mut entry = Draft::read(draft).ok()?.created(draft, &answer);
    if let Some(id) = metas_id(&answer) {
        entry.id = Some(id);
    }
    Some(entry)
}

/// A template that is not there is deleted; so a repeated request ends as the first.
fn deleted(outcome: Outcome) -> Result<(), Error> {
    if matches!(&outcome, Outcome::Response(response) if response.status == 404) {
        return Ok(());
    }
    one_shot_or(
        outcome,
        Replay::Safe,
        |_| Some(()),
        |response| of_template(response, Replay::Safe),
    )
}

/// A refusal whose words are about messages; here it is the template that is wrong.
fn of_template(response: &HttpResponse, replay: Replay) -> Error {
    let mut error = failure::of(response, replay);
    if error.code == Code::InvalidMessage {
        error.remedy = Some("Correct the template; the detail says why.".to_owned());
    }
    error
}
