//! Templates of the number's account, as 360dialog lists them: paged by an offset, deleted by their name.

use serde::{Deserialize, Serialize};
use serde_json::Value;
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
/// Of names, https://docs.360dialog.com/docs/messaging-api/api-reference/templates
const NAME_CHARS_MAX: usize = 512;
/// How long the link to an example works: 360dialog hands it on to Meta, who fetches it for the review.
const EXAMPLE_LIFETIME_S: u32 = 24 * 60 * 60;
/// Members of a definition that stand beside the components in a request.
const BESIDE: [&str; 4] = [
    "allow_category_change",
    "parameter_format",
    "message_send_ttl_seconds",
    "cta_url_link_tracking_opted_out",
];

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
    let entries = page.waba_templates.iter().filter_map(entry).collect();
    if count == 0 || is_last || next >= TEMPLATES_MAX {
        return Ok(Progress::Done(entries));
    }
    Ok(Progress::Page((entries, page_from(next))))
}

/// None for what has no name: nothing could be sent with it.
fn entry(template: &Value) -> Option<Entry> {
    let text = |name: &str| text_of(&template[name]);
    let quality = match &template["quality_score"] {
        Value::Object(score) => score.get("score").and_then(text_of),
        word => text_of(word),
    };
    Some(Entry {
        // Meta's own ID, which webhooks carry; 360dialog's where there is none.
        id: text("external_id").or_else(|| text("id")),
        name: text("name")?,
        language: text("language")?,
        category: text("category").unwrap_or_else(|| "UNKNOWN".to_owned()),
        status: text("status").unwrap_or_else(|| "UNKNOWN".to_owned()),
        quality,
        reason: text("rejected_reason").filter(|reason| !reason.eq_ignore_ascii_case("none")),
        definition: match &template["components"] {
            Value::Null => "[]".to_owned(),
            components => components.to_string(),
        },
    })
}

/// A text, or a number's digits; empty is none.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
    .filter(|text| !text.is_empty())
}

fn create(draft: &Create) -> Result<Exchange, Error> {
    let definition: Value = serde_json::from_str(&draft.definition)
        .map_err(|_| invalid("the template's definition is not JSON"))?;
    // The components alone, or an object that has them beside other members.
    let mut document = serde_json::Map::new();
    let components = match &definition {
        Value::Array(_) => definition.clone(),
        Value::Object(members) => {
            for name in BESIDE {
                if let Some(value) = members.get(name) {
                    document.insert(name.to_owned(), value.clone());
                }
            }
            members.get("components").cloned().unwrap_or_default()
        }
        _ => Value::Null,
    };
    if components.as_array().is_none_or(Vec::is_empty) {
        return Err(invalid("the template has no components"));
    }
    document.insert("name".to_owned(), checked_name(&draft.name)?.into());
    document.insert("language".to_owned(), checked_language(draft)?.into());
    document.insert("category".to_owned(), checked_category(draft)?.into());
    document.insert("components".to_owned(), components);
    let prefix = if definition.is_array() {
        "/components"
    } else {
        ""
    };
    let body = Value::Object(document).to_string();
    let mut exchange = api("templates.create", HttpMethod::Post, PATH).json(body);
    for (pointer, media) in &draft.examples {
        let link = vec![piece::media_link(media, EXAMPLE_LIFETIME_S)];
        exchange = exchange.insert(&format!("{prefix}{pointer}"), link);
    }
    Ok(exchange)
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::invalid(detail).remedy("Correct the template, then create it again.")
}

fn checked_name(name: &str) -> Result<&str, Error> {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(fits) {
        return Err(invalid(format!(
            "a template's name has 1 to {NAME_CHARS_MAX} lower-case letters, digits and underscores; this one has {} characters",
            name.chars().count()
        )));
    }
    Ok(name)
}

/// As in `en` or `pt_BR`.
fn checked_language(draft: &Create) -> Result<&str, Error> {
    let code = draft.language.as_str();
    let fits = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    if !(2..=10).contains(&code.len()) || !code.bytes().all(fits) {
        return Err(invalid("the template's language is no code like en_US"));
    }
    Ok(code)
}

fn checked_category(draft: &Create) -> Result<String, Error> {
    let category = draft.category.to_uppercase();
    match category.as_str() {
        "MARKETING" | "UTILITY" | "AUTHENTICATION" => Ok(category),
        _ => Err(invalid(
            "the template's category is none of MARKETING, UTILITY and AUTHENTICATION",
        )),
    }
}

/// The answer's words where it has them, the request's where it has not.
fn created(draft: &Create, response: &HttpResponse) -> Option<Entry> {
    let answer: Value = response.json().filter(Value::is_object)?;
    let text = |name: &str| text_of(&answer[name]);
    Some(Entry {
        id: text("external_id").or_else(|| text("id")),
        name: text("name").unwrap_or_else(|| draft.name.clone()),
        language: text("language").unwrap_or_else(|| draft.language.clone()),
        category: text("category").unwrap_or_else(|| draft.category.to_uppercase()),
        status: text("status").unwrap_or_else(|| "PENDING".to_owned()),
        quality: None,
        reason: text("rejected_reason").filter(|reason| !reason.eq_ignore_ascii_case("none")),
        definition: match &answer["components"] {
            Value::Array(components) => Value::Array(components.clone()).to_string(),
            _ => draft.definition.clone(),
        },
    })
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
