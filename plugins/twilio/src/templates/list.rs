//! Contents and their approvals as the gateway's entries.

use serde_json::Value;
use wharf_plugin::document;
use wharf_plugin::prelude::{Context, Error, Exchange, Outcome, Replay};
use wharf_plugin::templates::Entry;

use crate::account::{CONTENT, authorize, is_sid};
use crate::inbound::is_name;
use crate::{ask, definition};

/// A content with ten cards has some 10 KiB.
const PAGE_SIZE: &str = "50";
/// The host's limit for a page, twenty times what is asked for.
const PAGE_MAX: usize = 1000;
/// The host wants a word, and Twilio has none before a template is submitted.
const UNSUBMITTED: &str = "unsubmitted";

/// What stands before the digest in the name of a content that a send made.
const OWN: &str = "wharf-";
/// Hexadecimal digits of that digest.
const OWN_CHARS: usize = 32;

fn is_own(name: &str) -> bool {
    name.strip_prefix(OWN).is_some_and(|digest| {
        digest.len() == OWN_CHARS && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn list_url() -> String {
    format!("https://{CONTENT}/v1/ContentAndApprovals")
}

/// A page of everything, the first without a query.
pub(super) fn page(ctx: &Context, query: Option<&str>) -> Result<Exchange, Error> {
    let exchange =
        Exchange::get("templates.list", list_url()).answer_bytes_max(ask::PAGE_BYTES_MAX);
    let exchange = match query {
        Some(query) => exchange.raw_query(query),
        None => exchange.query_text("PageSize", PAGE_SIZE),
    };
    authorize(ctx, exchange)
}

/// The entries of a page, and the query of the next.
pub(super) fn entries(outcome: Outcome) -> Result<(Vec<Entry>, Option<String>), Error> {
    let answer = ask::answer(outcome, Replay::Safe)?;
    let Some(contents) = answer["contents"].as_array() else {
        return Err(Error::malformed("the list holds no contents", Replay::Safe));
    };
    if contents.len() > PAGE_MAX {
        let what = format!(
            "a page of {} contents, at most {PAGE_MAX} are taken",
            contents.len()
        );
        return Err(Error::malformed(what, Replay::Safe));
    }
    let entries = contents.iter().filter_map(entry).collect();
    let next = ask::next_query(&answer["meta"]["next_page_url"], &list_url())?;
    Ok((entries, next))
}

/// One content. Nothing for those that the plugin makes itself to send buttons and lists: they are no
/// templates, and are never submitted.
pub(super) fn entry(content: &Value) -> Option<Entry> {
    let sid = content["sid"].as_str().filter(|sid| is_sid(sid, "HX"))?;
    // A list has one object; asked for by itself it stands under the channel.
    let approval = &content["approval_requests"];
    let approval = approval.get("whatsapp").unwrap_or(approval);
    let text = |value: &'_ Value| {
        value
            .as_str()
            .filter(|text| is_name(text))
            .map(str::to_owned)
    };
    let friendly_name = text(&content["friendly_name"]);
    if friendly_name.as_deref().is_some_and(is_own) {
        return None;
    }
    Some(Entry {
        id: Some(sid.to_owned()),
        name: text(&approval["name"])
            .or(friendly_name)
            .unwrap_or_else(|| sid.to_owned()),
        language: text(&content["language"]).unwrap_or_else(|| "und".to_owned()),
        category: text(&approval["category"]).unwrap_or_else(|| UNSUBMITTED.to_owned()),
        status: text(&approval["status"]).unwrap_or_else(|| UNSUBMITTED.to_owned()),
        quality: None,
        reason: approval["rejection_reason"]
            .as_str()
            .filter(|reason| !reason.is_empty())
            .map(str::to_owned),
        definition: document(&definition::components(&content["types"]).to_string()),
    })
}
