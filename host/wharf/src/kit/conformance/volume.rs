//! As much at once as a provider may post, read as the gateway reads it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use wharf_core::provider::{CallContext, HttpMethod, WebhookRequest};

use super::inbound::seeds;
use super::{Found, Skip, Suite};
use crate::kit::policy;

/// Meta posts up to 3 MB at once with 1,000 updates.
const BODY_BYTES: usize = 3 * 1024 * 1024;
const CHANGES: usize = 1_000;
const PAGES_MAX: usize = 64;

pub(super) fn large(suite: &mut Suite<'_>) -> Found {
    let mut problems = Vec::new();
    let mut read = 0;
    for seed in seeds(suite)? {
        let Some(document) = &seed.document else {
            continue;
        };
        let name = seed.webhook["name"].as_str().unwrap_or("main").to_owned();
        let max = suite
            .component
            .plugin()
            .descriptor()
            .webhooks
            .iter()
            .find(|webhook| webhook.name == name)
            .map_or(0, |webhook| {
                usize::try_from(webhook.max_body).unwrap_or(usize::MAX)
            });
        let Some(body) = multiplied(document, BODY_BYTES.min(max)) else {
            continue;
        };
        read += 1;
        let webhook = WebhookRequest {
            name: name.clone(),
            method: HttpMethod::Post,
            query: Vec::new(),
            headers: Vec::new(),
            body: body.into_bytes(),
            received_at_ms: seed.context["now"].as_u64().unwrap_or_default(),
        };
        let context = CallContext {
            settings: policy::settings(&seed.context),
            now_ms: webhook.received_at_ms,
            seed: [7; 32],
            locale: None,
        };
        match pages(suite, &context, &webhook) {
            Ok((items, keys)) if items == keys && items >= CHANGES => {}
            Ok((items, keys)) => problems.push(format!(
                "`{name}`: {CHANGES} changes gave {items} items with {keys} keys"
            )),
            Err(problem) => problems.push(format!("`{name}`: {problem}")),
        }
    }
    match read {
        0 => Err(Skip(
            "no seed holds a list in JSON that could be made longer".to_owned(),
        )),
        _ => Ok(problems),
    }
}

/// How many items all pages have, and how many different keys.
fn pages(
    suite: &mut Suite<'_>,
    context: &CallContext,
    webhook: &WebhookRequest,
) -> Result<(usize, usize), String> {
    let (mut items, mut keys, mut skip) = (0, BTreeSet::new(), 0);
    for _ in 0..PAGES_MAX {
        let parsed = suite
            .component
            .parse(context, webhook, skip)
            .map_err(|error| error.to_string())?;
        items += parsed.items.len();
        keys.extend(
            parsed
                .items
                .iter()
                .map(|item| format!("{:?} {}", item.route, item.dedupe_key)),
        );
        match parsed.next {
            None => return Ok((items, keys.len())),
            Some(next) => skip = next,
        }
    }
    Err(format!("it wants more than {PAGES_MAX} pages"))
}

/// The seed with its outermost list [`CHANGES`] elements long and padded to `size`. Ids are made different,
/// or the changes would be one.
fn multiplied(document: &Value, size: usize) -> Option<String> {
    let at = outermost_list(document, "")?;
    let elements = document.pointer(&at)?.as_array()?.clone();
    let pad = size / CHANGES;
    let mut many = Vec::with_capacity(CHANGES);
    for number in 0..CHANGES {
        let mut element = elements.get(number % elements.len())?.clone();
        differ(&mut element, number);
        let room = pad.saturating_sub(element.to_string().len() + 64);
        if let Value::Object(members) = &mut element {
            members.insert("conformance_padding".to_owned(), json!("p".repeat(room)));
        }
        many.push(element);
    }
    let mut large = document.clone();
    *large.pointer_mut(&at)? = Value::Array(many);
    let text = large.to_string();
    (text.len() <= size).then_some(text)
}

/// The list of objects nearest to the root.
fn outermost_list(value: &Value, at: &str) -> Option<String> {
    let Value::Object(members) = value else {
        return None;
    };
    let is_list = |value: &Value| {
        value
            .as_array()
            .is_some_and(|list| list.first().is_some_and(Value::is_object))
    };
    let own = members.iter().find(|(_, member)| is_list(member));
    if let Some((name, _)) = own {
        return Some(format!("{at}/{name}"));
    }
    members
        .iter()
        .find_map(|(name, member)| outermost_list(member, &format!("{at}/{name}")))
}

/// Every id inside gets the number behind it; routes must stay what they are, and hold digits or names.
fn differ(value: &mut Value, number: usize) {
    match value {
        Value::Object(members) => differ_members(members, number),
        Value::Array(elements) => elements
            .iter_mut()
            .for_each(|element| differ(element, number)),
        _ => {}
    }
}

fn differ_members(members: &mut Map<String, Value>, number: usize) {
    for (name, member) in members {
        match member {
            Value::String(id)
                if matches!(name.as_str(), "id" | "mid" | "message_id" | "sid" | "uuid") =>
            {
                id.push_str(&number.to_string());
            }
            other => differ(other, number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_grows_to_what_a_provider_posts() {
        let seed = json!({ "entry": [{ "id": "1", "changes": [{ "value": { "messages": [{ "id": "m" }] } }] }] });
        let large = multiplied(&seed, BODY_BYTES).expect("it has a list");
        assert!(large.len() > BODY_BYTES * 9 / 10 && large.len() <= BODY_BYTES);
        let large: Value = serde_json::from_str(&large).expect("it is JSON");
        let entries = large["entry"].as_array().expect("a list");
        assert_eq!(entries.len(), CHANGES);
        assert_eq!(
            entries[999]["changes"][0]["value"]["messages"][0]["id"],
            "m999"
        );
        assert!(multiplied(&json!({ "a": 1 }), BODY_BYTES).is_none());
    }
}
