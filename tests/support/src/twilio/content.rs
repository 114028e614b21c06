//! The Content API: what templates and interactive messages are made of.

use serde_json::{Value, json};

use super::approval::{self, Approval};
use super::error::TwilioError;
use super::paging::{self, Page};
use super::parameters;
use super::serve::Reply;
use super::shapes::{self, Field, Kind, may};
use super::{Shared, content_types, date, new_sid, variables};
use crate::cloud::serve::Request;
use crate::cloud::strict_json;

/// `ContentCreateRequest` of `twilio_content_v1.json`; missing languages and types have codes of their own.
const CREATE: &[Field] = &[
    may("friendly_name", Kind::Text(0)),
    may("variables", Kind::TextMap),
    may("language", Kind::Text(0)),
    // Looked at by `content_types`.
    may("types", Kind::Object(&[])),
];

/// A content of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    pub sid: String,
    pub account_sid: String,
    pub friendly_name: String,
    pub language: String,
    pub variables: Value,
    pub types: Value,
    pub approval: Option<Approval>,
    pub created_ms: u64,
    pub updated_ms: u64,
}

impl Content {
    /// Names of its types.
    pub(super) fn type_names(&self) -> impl Iterator<Item = &str> {
        let types = self.types.as_object().into_iter().flatten();
        types.map(|(name, _)| name.as_str())
    }

    pub(super) fn is_approved(&self) -> bool {
        self.approval
            .as_ref()
            .is_some_and(|approval| approval.status == "approved")
    }

    fn shown(&self, host: &str) -> Value {
        let url = format!("https://{host}/v1/Content/{}", self.sid);
        let mut shown = self.shown_core();
        shown["url"] = json!(url);
        shown["links"] = json!({
            "approval_create": format!("{url}/ApprovalRequests/whatsapp"),
            "approval_fetch": format!("{url}/ApprovalRequests"),
        });
        shown
    }

    /// As `ContentAndApprovals` has it.
    fn shown_with_approval(&self) -> Value {
        let mut shown = self.shown_core();
        shown["approval_requests"] = approval::shown(self.approval.as_ref());
        shown
    }

    fn shown_core(&self) -> Value {
        json!({
            "sid": self.sid,
            "account_sid": self.account_sid,
            "friendly_name": self.friendly_name,
            "language": self.language,
            "variables": self.variables,
            "types": self.types,
            "date_created": date::iso8601(self.created_ms),
            "date_updated": date::iso8601(self.updated_ms),
        })
    }
}

pub(super) fn name_of(method: &str, path: &str) -> &'static str {
    let parts: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
    match (method, parts.as_slice()) {
        ("POST", ["Content"]) => "content.create",
        ("GET", ["Content"]) => "content.list",
        ("GET", ["ContentAndApprovals"]) => "content.list_approvals",
        ("GET", ["Content", _]) => "content.fetch",
        ("PUT", ["Content", _]) => "content.update",
        ("DELETE", ["Content", _]) => "content.delete",
        ("POST", ["Content", _, "ApprovalRequests", "whatsapp"]) => "content.approve",
        ("GET", ["Content", _, "ApprovalRequests"]) => "content.approval",
        _ => "",
    }
}

pub(super) fn call(
    shared: &Shared,
    request: &Request,
    name: &str,
    account: &str,
) -> Result<Reply, TwilioError> {
    let sid = request.path.split('/').nth(3).unwrap_or_default();
    match name {
        "content.create" => create(shared, request, account),
        "content.list" | "content.list_approvals" => list(shared, request, name, account),
        "content.fetch" => {
            parameters::query(request, parameters::NONE)?;
            let books = shared.books();
            let content = books.content(account, sid)?;
            Ok(Reply::ok(content.shown(&shared.config.content_host)))
        }
        "content.update" => update(shared, request, account, sid),
        "content.delete" => {
            let mut books = shared.books();
            books.content(account, sid)?;
            books.forget_content(sid);
            Ok(Reply::NoContent)
        }
        "content.approve" => approval::submit(shared, request, account, sid),
        "content.approval" => approval::fetch(shared, account, sid),
        _ => Err(TwilioError::not_found(&request.path)),
    }
}

fn create(shared: &Shared, request: &Request, account: &str) -> Result<Reply, TwilioError> {
    let body = json_body(request)?;
    let language = checked(&body, true)?;
    let now_ms = shared.clock.now_ms();
    let content = Content {
        sid: new_sid("HX"),
        account_sid: account.to_owned(),
        friendly_name: text(&body, "friendly_name"),
        language,
        variables: object(&body["variables"]),
        types: body["types"].clone(),
        approval: None,
        created_ms: now_ms,
        updated_ms: now_ms,
    };
    let shown = content.shown(&shared.config.content_host);
    shared.books().contents.push(content);
    Ok(Reply::created(shown))
}

fn update(
    shared: &Shared,
    request: &Request,
    account: &str,
    sid: &str,
) -> Result<Reply, TwilioError> {
    let body = json_body(request)?;
    shared.books().content(account, sid)?;
    let language = checked(&body, false)?;
    let now_ms = shared.clock.now_ms();
    let mut books = shared.books();
    let content = books.content_mut(sid)?;
    if content.approval.is_some() {
        return Err(TwilioError::invalid(
            "a content that was submitted for approval cannot be changed",
        ));
    }
    if body["friendly_name"].is_string() {
        content.friendly_name = text(&body, "friendly_name");
    }
    if !language.is_empty() {
        content.language = language;
    }
    if body["variables"].is_object() {
        content.variables = body["variables"].clone();
    }
    content.types = body["types"].clone();
    content.updated_ms = now_ms;
    Ok(Reply::ok(content.shown(&shared.config.content_host)))
}

/// Everything that is the same of a creation and a change; the language.
fn checked(body: &Value, needs_language: bool) -> Result<String, TwilioError> {
    // `types` is looked at below, with codes of its own.
    let mut head = body.clone();
    if let Some(head) = head.as_object_mut() {
        head.remove("types");
    }
    shapes::check(&head, CREATE, "the body")?;
    let language = text(body, "language");
    if language.is_empty() && needs_language {
        return Err(TwilioError::of_code(92_003));
    }
    if !language.is_empty() && !is_language(&language) {
        return Err(TwilioError::because(92_004, &language));
    }
    content_types::check(&body["types"])?;
    variables::check(&body["types"], &body["variables"])?;
    Ok(language)
}

/// `en`, `en_US`, `fil`: as Meta's templates have them.
fn is_language(text: &str) -> bool {
    let (language, region) = text.split_once('_').unwrap_or((text, "US"));
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && (2..=3).contains(&region.len())
        && region.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn list(
    shared: &Shared,
    request: &Request,
    name: &str,
    account: &str,
) -> Result<Reply, TwilioError> {
    let query = parameters::query(request, parameters::PAGING)?;
    let host = &shared.config.content_host;
    let mut books = shared.books();
    books.review(shared.clock.now_ms());
    let of_account = books.contents.iter().rev();
    let all: Vec<_> = of_account
        .filter(|content| content.account_sid == account)
        .map(|content| {
            let shown = if name == "content.list" {
                content.shown(host)
            } else {
                content.shown_with_approval()
            };
            (content.sid.clone(), shown)
        })
        .collect();
    let page = Page::of(&query, &all)?;
    let url = format!("https://{host}{}", request.path);
    Ok(Reply::ok(paging::by_meta(&url, "contents", &query, &page)))
}

/// The body as a JSON object, said with Twilio's errors.
pub(super) fn json_body(request: &Request) -> Result<Value, TwilioError> {
    parameters::query(request, parameters::NONE)?;
    let content_type = request.header("content-type").unwrap_or("absent");
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(TwilioError {
            status: 415,
            ..TwilioError::invalid(format_args!(
                "Content-Type must be application/json, not {content_type}"
            ))
        });
    }
    let body = strict_json::parse(&request.body).map_err(TwilioError::invalid)?;
    if body.is_object() {
        Ok(body)
    } else {
        Err(TwilioError::invalid("the body must be a JSON object"))
    }
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_default().to_owned()
}

fn object(value: &Value) -> Value {
    if value.is_object() {
        value.clone()
    } else {
        json!({})
    }
}
