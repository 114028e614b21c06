//! Exchanges with the Content API (<https://www.twilio.com/docs/content/content-api-resources>): create what an
//! interactive message needs, find a template by its name, read one by its id. Each is remembered for the
//! account, whose contents no other account can send.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};
use wharf_plugin::flow::one_shot_or;
use wharf_plugin::prelude::*;
use wharf_plugin::types::Level;

use crate::account::{self, CONTENT, is_sid};
use crate::failure;
use crate::interactive::Draft;

/// Contents do not expire; what Twilio no longer knows is made anew when it says so.
const CREATED_S: u32 = 180 * 86_400;
/// A template found by its name, or read: as long as a change of it may go unnoticed.
const FOUND_S: u32 = 600;
/// Ad-hoc contents are never submitted for approval, so their language decides nothing.
const LANGUAGE: &str = "en";
/// A quarter of Twilio's largest page, 1 to 3 KiB a content: reading 1 MiB takes some 25 ms of the 100 a call has.
const PAGE_SIZE: &str = "250";
const PAGE_BYTES_MAX: u32 = 1024 * 1024;
/// What the host takes as a query.
const QUERY_BYTES_MAX: usize = 8 * 1024;
/// How many pages a name is looked for on: a message has six exchanges, and two searches must fit.
pub(crate) const PAGES_MAX: u8 = 2;

/// Creates the content that a draft needs. Two of them harm nobody, so it may be repeated.
pub(crate) fn create(ctx: &Context, draft: &Draft, fresh: bool) -> Result<Exchange, Error> {
    let mut document = json!({
        "language": LANGUAGE,
        "types": draft.types,
    });
    if draft.variables.len() > 0 {
        document["variables"] = draft.variables.samples();
    }
    create_document(ctx, document, fresh)
}

/// The same for a whole content. Its name carries the digest of the rest.
pub(crate) fn create_document(
    ctx: &Context,
    mut document: Json,
    fresh: bool,
) -> Result<Exchange, Error> {
    let digest = fingerprint(&["content", &document.to_string()]);
    if document.get("friendly_name").is_none() {
        document["friendly_name"] = format!("wharf-{digest}").into();
    }
    let exchange = Exchange::post_json(
        "content.create",
        format!("https://{CONTENT}/v1/Content"),
        document.to_string(),
    )
    .replay(Replay::Safe);
    remembered(
        ctx,
        exchange,
        &format!("content:{digest}"),
        CREATED_S,
        fresh,
    )
}

/// Reads one content.
pub(crate) fn read(ctx: &Context, sid: &str, fresh: bool) -> Result<Exchange, Error> {
    let exchange = Exchange::get(
        "content.read",
        format!("https://{CONTENT}/v1/Content/{sid}"),
    );
    remembered(ctx, exchange, &format!("read:{sid}"), FOUND_S, fresh)
}

/// A page of the contents with their approvals. `query`: of the page before; none: the first.
pub(crate) fn list(ctx: &Context, query: Option<&str>, fresh: bool) -> Result<Exchange, Error> {
    let url = format!("https://{CONTENT}/v1/ContentAndApprovals");
    let exchange = Exchange::get("content.list", url).answer_bytes_max(PAGE_BYTES_MAX);
    let exchange = match query {
        Some(query) => exchange.raw_query(query),
        None => exchange.query_text("PageSize", PAGE_SIZE),
    };
    let key = format!("list:{}", fingerprint(&[query.unwrap_or_default()]));
    remembered(ctx, exchange, &key, FOUND_S, fresh)
}

fn remembered(
    ctx: &Context,
    exchange: Exchange,
    key: &str,
    lifetime_s: u32,
    fresh: bool,
) -> Result<Exchange, Error> {
    let key = format!("{}:{key}", account::account_sid(ctx)?);
    let exchange = exchange.memo(Level::Account, key, lifetime_s);
    let exchange = account::authorize(ctx, exchange)?;
    Ok(if fresh {
        exchange.refresh_memo()
    } else {
        exchange
    })
}

#[derive(Deserialize)]
struct Content<'a> {
    sid: String,
    #[serde(default)]
    friendly_name: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(borrow, default)]
    types: Option<&'a RawValue>,
    #[serde(borrow, default)]
    approval_requests: Option<&'a RawValue>,
}

/// A content's id and its types.
pub(crate) struct Found {
    pub(crate) sid: String,
    pub(crate) types: Json,
}

/// What creating or reading a content gave.
pub(crate) fn created(outcome: Outcome) -> Result<Found, Error> {
    answered(outcome, |response| {
        let content: Content<'_> = serde_json::from_slice(&response.body).ok()?;
        found(&content)
    })
}

/// A page of contents, searched for a template.
pub(crate) struct Page {
    pub(crate) found: Option<Found>,
    /// The query of the next page.
    pub(crate) next: Option<String>,
}

#[derive(Deserialize)]
struct Listed<T> {
    contents: Vec<T>,
    #[serde(default)]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    next_page_url: Option<String>,
}

/// Looks for a template on a page: by the name it was approved under, else by the content's own name.
pub(crate) fn searched(outcome: Outcome, name: &str, language: &str) -> Result<Page, Error> {
    answered(outcome, |response| {
        let listed = page(&response.body)?;
        let mut best: Option<(u8, &Content<'_>)> = None;
        for content in &listed.contents {
            let rank = rank(content, name, language);
            if rank > best.map_or(0, |(rank, _)| rank) && is_sid(&content.sid, "HX") {
                best = Some((rank, content));
            }
        }
        let next = listed.meta.and_then(|meta| meta.next_page_url);
        Some(Page {
            found: best.and_then(|(_, content)| found(content)),
            next: next.as_deref().and_then(next_query).map(str::to_owned),
        })
    })
}

/// The contents of a page, read at once. Where one of them is strange, each is read on its own, so that it
/// hides none beside it.
fn page(body: &[u8]) -> Option<Listed<Content<'_>>> {
    // Checked as a whole, which is much faster than string by string.
    let body = std::str::from_utf8(body).ok()?;
    if let Ok(listed) = serde_json::from_str(body) {
        return Some(listed);
    }
    let listed: Listed<&RawValue> = serde_json::from_str(body).ok()?;
    let contents = listed.contents.into_iter().map(RawValue::get);
    Some(Listed {
        contents: contents
            .filter_map(|content| serde_json::from_str(content).ok())
            .collect(),
        meta: listed.meta,
    })
}

/// 3: the approved template; 2: one of that name that is not approved; 1: the content of that name; 0: none.
fn rank(content: &Content<'_>, name: &str, language: &str) -> u8 {
    if !same_language(content.language.as_deref().unwrap_or_default(), language) {
        return 0;
    }
    let approval: Json = content
        .approval_requests
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    // Beside each other in lists, under the channel's name in the approval's own resource.
    let approval = match &approval["whatsapp"] {
        Json::Null => &approval,
        whatsapp => whatsapp,
    };
    match approval["name"].as_str() == Some(name) {
        true if approval["status"] == "approved" => 3,
        true => 2,
        false if content.friendly_name.as_deref() == Some(name) => 1,
        false => 0,
    }
}

/// `en_US` and `en-us` are one language, `en` is another.
fn same_language(one: &str, two: &str) -> bool {
    let plain = |text: &str| text.replace('-', "_").to_ascii_lowercase();
    plain(one) == plain(two)
}

fn found(content: &Content<'_>) -> Option<Found> {
    is_sid(&content.sid, "HX").then(|| Found {
        sid: content.sid.clone(),
        types: content
            .types
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default(),
    })
}

/// The query of a paging link; a link to anywhere else ends the list.
fn next_query(url: &str) -> Option<&str> {
    let query = url
        .strip_prefix("https://")?
        .strip_prefix(CONTENT)?
        .strip_prefix("/v1/ContentAndApprovals?")?;
    let fits = !query.is_empty()
        && query.len() <= QUERY_BYTES_MAX
        && query.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(query)
}

fn answered<T>(
    outcome: Outcome,
    read: impl FnOnce(&HttpResponse) -> Option<T>,
) -> Result<T, Error> {
    one_shot_or(outcome, Replay::Safe, read, |response| {
        failure::from_response(response, Replay::Safe)
    })
}
