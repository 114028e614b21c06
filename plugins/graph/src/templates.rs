//! The account's templates: listed to the end, created with their example media, edited, deleted.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wharf_cloud_api::templates::{self, Draft, FIELDS};
use wharf_plugin::TemplateProvider;
use wharf_plugin::flow::Flow;
use wharf_plugin::prelude::{Code, Context, Error, Exchange, Outcome, Replay, Retry};
use wharf_plugin::templates::{Create, Entry, Progress, Request};

use crate::call::{Calls, id_setting, is_id, read, succeeded};
use crate::{Graph, upload};

/// Raise the version when a step changes.
const FLOW: Flow<Step> = Flow::new("templates", 1);
/// Templates a page. The largest has some 10 KiB, and the account up to 6,000.
const PAGE_TEMPLATES: &str = "100";
const PAGE_BYTES_MAX: u32 = 1_536 * 1024;
/// Handles of examples are carried in the state, which has 16 KiB.
const HANDLES_BYTES_MAX: usize = 14 * 1024;
/// A cursor is opaque and some hundred characters.
const CURSOR_BYTES_MAX: usize = 4_096;

/// What the next outcome belongs to.
#[derive(Serialize, Deserialize)]
enum Step {
    Page {
        after: String,
    },
    /// Before an edit: what is there now.
    Before,
    Open(Uploads),
    Send(Uploads),
    Post(Uploads),
    /// After an edit: what is there now.
    After,
    Delete,
}

/// How far the example media are, and the category that an edited template has now.
#[derive(Default, Serialize, Deserialize)]
struct Uploads {
    handles: Vec<String>,
    category_now: String,
}

impl TemplateProvider for Graph {
    fn templates_start(ctx: &Context, request: &Request) -> Result<Progress, Error> {
        let calls = Calls::of(ctx)?;
        match request {
            Request::List => page(ctx, &calls, ""),
            Request::Create(draft) => {
                Draft::read(draft)?;
                next_example(ctx, &calls, request, Uploads::default())
            }
            Request::Edit((id, draft)) => {
                Draft::read(draft)?;
                checked(id)?;
                find(ctx, &calls, draft, &Step::Before)
            }
            Request::Delete((name, id)) => delete(ctx, &calls, name, id.as_deref()),
        }
    }

    fn templates_resume(
        ctx: &Context,
        request: &Request,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        let calls = Calls::of(ctx)?;
        match (FLOW.step(state)?, request) {
            (Step::Page { after }, _) => listed(ctx, &calls, &after, outcome),
            (Step::Before, Request::Edit((id, draft))) => {
                let category_now = before(id, draft, outcome)?;
                let uploads = Uploads {
                    category_now,
                    ..Uploads::default()
                };
                next_example(ctx, &calls, request, uploads)
            }
            (Step::Open(uploads), _) => {
                let session = upload::opened(outcome)?;
                let (_, media) = example(request, &uploads)?;
                let exchange = upload::send(&calls, &session, media)?;
                Ok(FLOW.ask(exchange, &Step::Send(uploads)).into())
            }
            (Step::Send(mut uploads), _) => {
                uploads.handles.push(upload::sent(outcome)?);
                let bytes: usize = uploads.handles.iter().map(String::len).sum();
                if bytes > HANDLES_BYTES_MAX {
                    return Err(Error::invalid(
                        "the template has more example media than can be held at once",
                    )
                    .remedy("Create it with fewer example media."));
                }
                next_example(ctx, &calls, request, uploads)
            }
            (Step::Post(uploads), Request::Create(draft)) => created(draft, &uploads, outcome),
            (Step::Post(_), Request::Edit((_, draft))) => {
                succeeded(outcome, Replay::Unsafe).map_err(of_template)?;
                find(ctx, &calls, draft, &Step::After)
            }
            (Step::After, Request::Edit((id, draft))) => after(id, draft, outcome),
            (Step::Delete, _) => {
                succeeded(outcome, Replay::Safe).map_err(of_template)?;
                Ok(Progress::Done(Vec::new()))
            }
            _ => Err(Error::new(
                Code::Misconfigured,
                Retry::Never,
                "the state belongs to another request",
            )),
        }
    }
}

fn page(ctx: &Context, calls: &Calls, after: &str) -> Result<Progress, Error> {
    Ok(page_exchange(ctx, calls, after)?.into())
}

fn page_exchange(ctx: &Context, calls: &Calls, after: &str) -> Result<Exchange, Error> {
    let mut exchange =
        of_account(ctx, calls, "templates.list")?.query_text("limit", PAGE_TEMPLATES);
    if !after.is_empty() {
        exchange = exchange.query_text("after", after);
    }
    let step = Step::Page {
        after: after.to_owned(),
    };
    Ok(FLOW.ask(exchange, &step))
}

fn of_account(ctx: &Context, calls: &Calls, label: &str) -> Result<Exchange, Error> {
    let path = format!("{}/message_templates", id_setting(ctx, "waba_id")?);
    let exchange = calls.get(label, &path).query_text("fields", FIELDS);
    Ok(exchange.answer_bytes_max(PAGE_BYTES_MAX))
}

fn listed(ctx: &Context, calls: &Calls, after: &str, outcome: Outcome) -> Result<Progress, Error> {
    let answer: Value = read(outcome, Replay::Safe, |response| response.json())?;
    let entries = entries(&answer)?;
    match next_cursor(&answer) {
        None => Ok(Progress::Done(entries)),
        // The same page again would never end.
        Some(cursor) if cursor == after => Ok(Progress::Done(entries)),
        Some(cursor) => Ok(Progress::Page((
            entries,
            page_exchange(ctx, calls, cursor)?,
        ))),
    }
}

fn entries(answer: &Value) -> Result<Vec<Entry>, Error> {
    let Some(data) = answer["data"].as_array() else {
        return Err(Error::malformed(
            "the list of templates has no `data`",
            Replay::Safe,
        ));
    };
    templates::entries(data, templates::entry)
}

/// Meta names a next page only where there is one.
fn next_cursor(answer: &Value) -> Option<&str> {
    answer["paging"]["next"].as_str()?;
    answer["paging"]["cursors"]["after"]
        .as_str()
        .filter(|cursor| (1..=CURSOR_BYTES_MAX).contains(&cursor.len()))
}

fn checked(id: &str) -> Result<&str, Error> {
    if is_id(id) {
        return Ok(id);
    }
    Err(
        Error::invalid("a template's ID has digits only; this one is none")
            .remedy("Use the template's ID as the list gives it."),
    )
}

/// The templates of the draft's name, of which one is meant.
fn find(ctx: &Context, calls: &Calls, draft: &Create, step: &Step) -> Result<Progress, Error> {
    let exchange = of_account(ctx, calls, "templates.find")?
        .query_text("name", draft.name.as_str())
        .query_text("limit", PAGE_TEMPLATES);
    Ok(FLOW.ask(exchange, step).into())
}

/// The category that the template has now.
fn before(id: &str, draft: &Create, outcome: Outcome) -> Result<String, Error> {
    let answer: Value = read(outcome, Replay::Safe, |response| response.json())?;
    let found = entries(&answer)?
        .into_iter()
        .find(|entry| entry.id.as_deref() == Some(id));
    let Some(found) = found else {
        return Err(Error::new(
            Code::TemplateUnknown,
            Retry::Never,
            format!(
                "the account has no template `{}` with the ID {id}",
                draft.name
            ),
        )
        .remedy("List the templates again, and edit the one that is meant by its ID and name."));
    };
    if found.name != draft.name || found.language != draft.language {
        return Err(Error::invalid(format!(
            "the template {id} is `{}` in {}; a template's name and language cannot be changed",
            found.name, found.language
        ))
        .remedy("Create another template for another name or language."));
    }
    Ok(found.category)
}

fn after(id: &str, draft: &Create, outcome: Outcome) -> Result<Progress, Error> {
    let answer: Value = read(outcome, Replay::Safe, |response| response.json())?;
    let found = entries(&answer)?
        .into_iter()
        .find(|entry| entry.id.as_deref() == Some(id));
    // The edit was taken; a list that does not show it yet is no failure of it.
    let entry = match found {
        Some(entry) => entry,
        None => {
            let mut entry = Draft::read(draft)?.created(draft, &Value::Null);
            entry.id = Some(id.to_owned());
            entry
        }
    };
    Ok(Progress::Done(vec![entry]))
}

/// Uploads the next example, or posts the template once all have their handles.
fn next_example(
    ctx: &Context,
    calls: &Calls,
    request: &Request,
    uploads: Uploads,
) -> Result<Progress, Error> {
    let exchange = match example(request, &uploads) {
        Ok((_, media)) => {
            let exchange = upload::open(calls, id_setting(ctx, "app_id")?, media);
            FLOW.ask(exchange, &Step::Open(uploads))
        }
        Err(_) => post(ctx, calls, request, uploads)?,
    };
    Ok(exchange.into())
}

/// The example whose turn it is.
fn example<'r>(
    request: &'r Request,
    uploads: &Uploads,
) -> Result<&'r (String, wharf_plugin::types::MediaRef), Error> {
    let draft = match request {
        Request::Create(draft) | Request::Edit((_, draft)) => Some(draft),
        Request::List | Request::Delete(_) => None,
    };
    draft
        .and_then(|draft| draft.examples.get(uploads.handles.len()))
        .ok_or_else(|| {
            Error::new(
                Code::Misconfigured,
                Retry::Never,
                "the state counts more examples than the template has",
            )
        })
}

fn post(
    ctx: &Context,
    calls: &Calls,
    request: &Request,
    uploads: Uploads,
) -> Result<Exchange, Error> {
    let (path, label, document) = match request {
        Request::Edit((id, draft)) => {
            let document = filled(draft, &uploads)?.change(&uploads.category_now);
            (checked(id)?.to_owned(), "templates.edit", document)
        }
        Request::Create(draft) => {
            let path = format!("{}/message_templates", id_setting(ctx, "waba_id")?);
            (
                path,
                "templates.create",
                filled(draft, &uploads)?.creation(draft),
            )
        }
        Request::List | Request::Delete(_) => {
            return Err(Error::new(
                Code::Misconfigured,
                Retry::Never,
                "the state belongs to another request",
            ));
        }
    };
    let exchange = calls.post(label, &path).json(document);
    Ok(FLOW.ask(exchange, &Step::Post(uploads)))
}

/// The draft with its handles in place.
fn filled(draft: &Create, uploads: &Uploads) -> Result<Draft, Error> {
    let mut read = Draft::read(draft)?;
    for ((pointer, _), handle) in draft.examples.iter().zip(&uploads.handles) {
        read.put_example(pointer, handle)?;
    }
    Ok(read)
}

fn created(draft: &Create, uploads: &Uploads, outcome: Outcome) -> Result<Progress, Error> {
    let read_draft = filled(draft, uploads)?;
    let entry = read(outcome, Replay::Unsafe, |response| {
        let answer: Value = response.json()?;
        let entry = read_draft.created(draft, &answer);
        entry.id.is_some().then_some(entry)
    })
    .map_err(of_template)?;
    Ok(Progress::Done(vec![entry]))
}

fn delete(ctx: &Context, calls: &Calls, name: &str, id: Option<&str>) -> Result<Progress, Error> {
    let path = format!("{}/message_templates", id_setting(ctx, "waba_id")?);
    let mut exchange = calls.delete("templates.delete", &path);
    if let Some(id) = id {
        exchange = exchange.query_text("hsm_id", checked(id)?);
    }
    let exchange = exchange.query_text("name", templates::checked_name(name)?);
    Ok(FLOW.ask(exchange, &Step::Delete).into())
}

/// The table speaks of messages; here it is the template that is wrong, or a lost answer that a list
/// settles.
fn of_template(mut error: Error) -> Error {
    match (error.code, error.retry) {
        (Code::InvalidMessage, _) => {
            error.remedy = Some("Correct the template; the detail says why.".to_owned());
        }
        (_, Retry::Uncertain) => {
            error.remedy = Some(
                "List the templates to see whether it was done, and try again if not.".to_owned(),
            );
        }
        _ => {}
    }
    error
}
