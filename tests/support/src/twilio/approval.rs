//! The approval of a content as a WhatsApp template, and the review that decides about it.
//!
//! Statuses are an open set; the rules of a submission are those of
//! <https://www.twilio.com/docs/content/using-variables-with-content-api>.

use serde_json::{Value, json};

use super::content::{Content, json_body};
use super::error::TwilioError;
use super::serve::Reply;
use super::shapes::{self, Field, Kind, must};
use super::{Shared, variables};
use crate::cloud::Review;
use crate::cloud::serve::Request;

const SUBMISSION: &[Field] = &[
    must("name", Kind::Text(512)),
    must(
        "category",
        Kind::OneOf(&["UTILITY", "MARKETING", "AUTHENTICATION"]),
    ),
];
/// Only ever sent within a session.
const NEVER_APPROVED: &[&str] = &["twilio/list-picker", "twilio/location"];

/// A submission and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub name: String,
    pub category: String,
    pub content_type: String,
    /// `received`, `pending`, `approved`, `rejected`, `paused` or `disabled`.
    pub status: String,
    pub rejection_reason: String,
    /// When a review that needs nobody approves it.
    pub(super) approved_at_ms: Option<u64>,
}

/// As answers have it; without a submission, too.
pub(super) fn shown(approval: Option<&Approval>) -> Value {
    let Some(approval) = approval else {
        return json!({
            "type": "whatsapp", "name": "", "category": "", "content_type": "",
            "status": "unsubmitted", "rejection_reason": "", "allow_category_change": true,
        });
    };
    json!({
        "type": "whatsapp",
        "name": approval.name,
        "category": approval.category,
        "content_type": approval.content_type,
        "status": approval.status,
        "rejection_reason": approval.rejection_reason,
        "allow_category_change": true,
    })
}

pub(super) fn submit(
    shared: &Shared,
    request: &Request,
    account: &str,
    sid: &str,
) -> Result<Reply, TwilioError> {
    let body = json_body(request)?;
    shapes::check(&body, SUBMISSION, "the body")?;
    let name = body["name"].as_str().unwrap_or_default().to_owned();
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_word) {
        return Err(TwilioError::invalid(
            "name has to be lower-case letters, digits and underscores",
        ));
    }
    let now_ms = shared.clock.now_ms();
    let mut books = shared.books();
    let content = books.content(account, sid)?;
    if content.approval.is_some() {
        return Err(TwilioError::invalid("this content was submitted already"));
    }
    if books
        .burned_names
        .contains(&(account.to_owned(), name.clone()))
    {
        return Err(TwilioError::invalid(format_args!(
            "the name '{name}' belonged to a template that was rejected or deleted"
        )));
    }
    let content_type = submittable(content)?;
    let approval = Approval {
        name,
        category: body["category"].as_str().unwrap_or_default().to_owned(),
        content_type,
        status: "received".to_owned(),
        rejection_reason: String::new(),
        approved_at_ms: match shared.config.review {
            Review::ByHand => None,
            Review::ApprovedAfter(delay) => {
                Some(now_ms + u64::try_from(delay.as_millis()).unwrap_or(u64::MAX / 2))
            }
        },
    };
    let mut answer = shown(Some(&approval));
    books.content_mut(sid)?.approval = Some(approval);
    // The answer to a submission says so still, and has no type: the published example.
    answer["status"] = json!("unsubmitted");
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("type");
    }
    Ok(Reply::created(answer))
}

/// The type that is reviewed; refused when the content cannot become a template.
fn submittable(content: &Content) -> Result<String, TwilioError> {
    if let Some(name) = content
        .type_names()
        .find(|name| NEVER_APPROVED.contains(name))
    {
        return Err(TwilioError::because(
            92_008,
            format_args!("{name} cannot be submitted for approval"),
        ));
    }
    let names = variables::names_in(&content.types);
    for name in &names {
        if content.variables[name]
            .as_str()
            .unwrap_or_default()
            .is_empty()
        {
            return Err(TwilioError::invalid(format_args!(
                "variable '{name}' has no sample"
            )));
        }
    }
    let mut numbers: Vec<usize> = names.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    if !numbers.iter().copied().eq(1..=numbers.len()) {
        return Err(TwilioError::invalid(
            "numbered variables have to be 1, 2, 3 and so on",
        ));
    }
    for body in variables::bodies(&content.types) {
        let text = body.trim();
        if text.starts_with("{{") || text.ends_with("}}") || text.contains("}}{{") {
            return Err(TwilioError::invalid(
                "a body begins and ends with text, and has text between two variables",
            ));
        }
    }
    Ok(content.type_names().next().unwrap_or_default().to_owned())
}

pub(super) fn fetch(shared: &Shared, account: &str, sid: &str) -> Result<Reply, TwilioError> {
    let now_ms = shared.clock.now_ms();
    let mut books = shared.books();
    books.content(account, sid)?;
    books.review(now_ms);
    let content = books.content(account, sid)?;
    let url = format!(
        "https://{}/v1/Content/{sid}/ApprovalRequests",
        shared.config.content_host
    );
    Ok(Reply::ok(json!({
        "sid": sid,
        "account_sid": account,
        "whatsapp": shown(content.approval.as_ref()),
        "url": url,
    })))
}
