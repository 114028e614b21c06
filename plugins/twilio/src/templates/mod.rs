//! Templates are contents of the Content API with an approval by WhatsApp.
//! Facts: <https://www.twilio.com/docs/content/content-api-resources> and Twilio's OpenAPI document.

mod draft;
mod list;
mod placeholder;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wharf_plugin::TemplateProvider;
use wharf_plugin::flow::Flow;
use wharf_plugin::prelude::{Code, Context, Error, Exchange, Outcome, Replay, Retry};
use wharf_plugin::templates::{Create, Entry, Progress, Request};
use wharf_plugin::types::HttpMethod;

use crate::Twilio;
use crate::account::{CONTENT, authorize, is_sid};
use crate::ask;

/// Meta's limit on a template's name.
const NAME_CHARS_MAX: usize = 512;
const CATEGORIES: [&str; 3] = ["AUTHENTICATION", "MARKETING", "UTILITY"];

#[derive(Serialize, Deserialize)]
enum Step {
    /// A page of everything.
    List,
    /// A content is made or changed.
    Content,
    /// The content with this SID is submitted.
    Approval(String),
    /// A page is searched for the languages of a name; these are known.
    Search(Vec<String>),
    /// Of these the first is being deleted.
    Delete(Vec<String>),
}

const TEMPLATES: Flow<Step> = Flow::new("templates", 1);
/// A name has one content a language: WhatsApp knows some seventy.
const LANGUAGES_MAX: usize = 128;

impl TemplateProvider for Twilio {
    fn templates_start(ctx: &Context, request: &Request) -> Result<Progress, Error> {
        let (exchange, step) = match request {
            Request::List => (list::page(ctx, None)?, Step::List),
            Request::Create(draft) => {
                let url = format!("https://{CONTENT}/v1/Content");
                let document = document(draft)?;
                let exchange = Exchange::post_json("templates.create", url, document.to_string());
                (authorize(ctx, exchange)?, Step::Content)
            }
            Request::Edit((id, draft)) => {
                let document = document(draft)?;
                let exchange = Exchange::new("templates.edit", HttpMethod::Put, content_url(id)?)
                    .json(document.to_string())
                    .replay(Replay::Safe);
                (authorize(ctx, exchange)?, Step::Content)
            }
            Request::Delete((_, Some(id))) => {
                let ids = vec![id.clone()];
                (delete(ctx, id)?, Step::Delete(ids))
            }
            Request::Delete((_, None)) => (list::page(ctx, None)?, Step::Search(Vec::new())),
        };
        Ok(TEMPLATES.ask(exchange, &step).into())
    }

    fn templates_resume(
        ctx: &Context,
        request: &Request,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        match (TEMPLATES.step(state)?, request) {
            (Step::List, _) => listed(ctx, outcome),
            (Step::Content, Request::Create(draft)) => submit(ctx, draft, outcome, Replay::Unsafe),
            (Step::Content, Request::Edit((_, draft))) => submit(ctx, draft, outcome, Replay::Safe),
            (Step::Approval(sid), Request::Create(draft) | Request::Edit((_, draft))) => {
                submitted(&sid, draft, outcome)
            }
            (Step::Search(known), Request::Delete((name, _))) => search(ctx, name, known, outcome),
            (Step::Delete(ids), _) => {
                ask::deleted(outcome)?;
                next_delete(ctx, ids.into_iter().skip(1).collect())
            }
            _ => Err(Error::new(
                Code::Misconfigured,
                Retry::Never,
                "the state belongs to another request",
            )),
        }
    }
}

fn listed(ctx: &Context, outcome: Outcome) -> Result<Progress, Error> {
    let (entries, next) = list::entries(outcome)?;
    Ok(match next {
        Some(query) => {
            let exchange = list::page(ctx, Some(&query))?;
            Progress::Page((entries, TEMPLATES.ask(exchange, &Step::List)))
        }
        None => Progress::Done(entries),
    })
}

/// The content's document, or what Twilio would refuse of it.
fn document(draft: &Create) -> Result<Value, Error> {
    check_name(&draft.name)?;
    category(draft)?;
    if let Some((pointer, _)) = draft.examples.first() {
        return Err(Error::invalid(format!(
            "the example at `{pointer}` is a stored file, and Twilio keeps an address that it fetches at every send"
        ))
        .remedy("Put a lasting public https address of the file into the header's example."));
    }
    let content = draft::content(draft)?;
    Ok(json!({
        "friendly_name": draft.name,
        "language": draft.language,
        "variables": content.variables,
        "types": { content.kind: content.document },
    }))
}

fn check_name(name: &str) -> Result<(), Error> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.bytes().all(fits) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "a template's name has 1 to {NAME_CHARS_MAX} lower-case letters, digits and underscores"
    )))
}

fn category(draft: &Create) -> Result<String, Error> {
    let category = draft.category.to_ascii_uppercase();
    if CATEGORIES.contains(&category.as_str()) {
        return Ok(category);
    }
    Err(Error::invalid(
        "a template's category is UTILITY, MARKETING or AUTHENTICATION",
    ))
}

/// The content is there; WhatsApp is asked for its approval.
fn submit(
    ctx: &Context,
    draft: &Create,
    outcome: Outcome,
    replay: Replay,
) -> Result<Progress, Error> {
    let content = ask::answer(outcome, replay)?;
    let sid = content["sid"].as_str().filter(|sid| is_sid(sid, "HX"));
    let Some(sid) = sid else {
        return Err(Error::malformed("the answer names no content", replay));
    };
    let url = format!("{}/ApprovalRequests/whatsapp", content_url(sid)?);
    let document = json!({ "name": draft.name, "category": category(draft)? });
    let exchange = Exchange::post_json("templates.submit", url, document.to_string());
    let exchange = authorize(ctx, exchange)?;
    Ok(TEMPLATES
        .ask(exchange, &Step::Approval(sid.to_owned()))
        .into())
}

fn submitted(sid: &str, draft: &Create, outcome: Outcome) -> Result<Progress, Error> {
    let approval = ask::answer(outcome, Replay::Unsafe).map_err(|error| unsubmitted(sid, error))?;
    if !approval["status"].is_string() {
        return Err(unsubmitted(
            sid,
            Error::malformed("the answer is no approval request", Replay::Unsafe),
        ));
    }
    let content = draft::content(draft)?;
    let types = json!({ content.kind: content.document });
    let content = json!({
        "sid": sid, "friendly_name": draft.name, "language": draft.language,
        "types": types, "approval_requests": approval,
    });
    let entry: Option<Entry> = list::entry(&content);
    entry
        .map(|entry| Progress::Done(vec![entry]))
        .ok_or_else(|| Error::malformed("the answer is no approval request", Replay::Unsafe))
}

/// What is left behind is named, for the next try to begin with.
fn unsubmitted(sid: &str, mut error: Error) -> Error {
    error.detail = format!(
        "the content {sid} was made, but not submitted: {}",
        error.detail
    );
    error.remedy = Some(match error.remedy {
        Some(remedy) => {
            format!("{remedy} Then edit the template {sid}, which submits it again, or delete it.")
        }
        None => format!("Edit the template {sid}, which submits it again, or delete it."),
    });
    error
}

fn search(
    ctx: &Context,
    name: &str,
    mut known: Vec<String>,
    outcome: Outcome,
) -> Result<Progress, Error> {
    let (entries, next) = list::entries(outcome)?;
    let named = entries.into_iter().filter(|entry| entry.name == name);
    known.extend(named.filter_map(|entry| entry.id));
    known.truncate(LANGUAGES_MAX);
    match next {
        Some(query) => {
            let exchange = list::page(ctx, Some(&query))?;
            Ok(TEMPLATES.ask(exchange, &Step::Search(known)).into())
        }
        None if known.is_empty() => Err(Error::new(
            Code::TemplateUnknown,
            Retry::Never,
            "the account has no template of that name",
        )
        .remedy("List the templates for the names that there are.")),
        None => next_delete(ctx, known),
    }
}

fn next_delete(ctx: &Context, ids: Vec<String>) -> Result<Progress, Error> {
    let Some(id) = ids.first() else {
        return Ok(Progress::Done(Vec::new()));
    };
    let exchange = delete(ctx, id)?;
    Ok(TEMPLATES.ask(exchange, &Step::Delete(ids)).into())
}

fn delete(ctx: &Context, id: &str) -> Result<Exchange, Error> {
    authorize(ctx, Exchange::delete("templates.delete", content_url(id)?))
}

fn content_url(sid: &str) -> Result<String, Error> {
    if is_sid(sid, "HX") {
        return Ok(format!("https://{CONTENT}/v1/Content/{sid}"));
    }
    Err(Error::invalid(
        "a template's id is HX and 32 hexadecimal digits",
    ))
}
