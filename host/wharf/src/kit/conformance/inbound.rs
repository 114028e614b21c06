//! What a webhook becomes. The seed is the plugin's own golden case, bent in every way.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wharf_cases::Call;

use super::{Found, Skip, Suite, data};

/// How many places of a seed are bent, so that a large one ends too.
const PLACES_MAX: usize = 200;
const CUTS: usize = 32;
/// The end of the year 9999, the last that the gateway shows.
const AT_MS_MAX: u64 = 253_402_300_799_999;

/// A webhook of a golden case with its context.
pub(super) struct Seed {
    pub(super) context: Value,
    pub(super) webhook: Value,
    /// Its body, when that is JSON.
    pub(super) document: Option<Value>,
    body: String,
}

/// One seed for each name of a webhook.
pub(super) fn seeds(suite: &Suite<'_>) -> Result<Vec<Seed>, Skip> {
    let descriptor = suite.component.plugin().descriptor();
    if descriptor.webhooks.is_empty() {
        return Err(Skip("the plugin declares no webhook".to_owned()));
    }
    let mut seeds: Vec<Seed> = Vec::new();
    for case in &suite.cases {
        let Call::Inbound(webhook) = &case.call else {
            continue;
        };
        let has_items = case.expect.as_ref().is_some_and(|expect| {
            expect["items"]
                .as_array()
                .is_some_and(|items| !items.is_empty())
        });
        let body = match &webhook["body"] {
            Value::String(text) => text.clone(),
            document => document.to_string(),
        };
        if has_items
            && !seeds
                .iter()
                .any(|seed| seed.webhook["name"] == webhook["name"])
        {
            seeds.push(Seed {
                context: case.context.clone(),
                document: serde_json::from_str(&body).ok().filter(Value::is_object),
                webhook: webhook.clone(),
                body,
            });
        }
    }
    match seeds.is_empty() {
        true => Err(Skip(
            "no golden case reads a webhook with items; write one, it is the seed of these checks"
                .to_owned(),
        )),
        false => Ok(seeds),
    }
}

impl Seed {
    fn with_body(&self, body: impl Into<Value>) -> Value {
        let mut webhook = self.webhook.clone();
        webhook["body"] = body.into();
        webhook
    }

    fn with_document(&self, document: &Value) -> Value {
        self.with_body(document.to_string())
    }
}

/// Bodies that nobody documents: kept as `other` or refused with a typed error, and never a crash. A JSON
/// object is always kept.
pub(super) fn unknown(suite: &mut Suite<'_>) -> Found {
    let mut problems = Vec::new();
    for seed in seeds(suite)? {
        for (name, body) in data::webhooks().map_err(Skip)? {
            let is_object = serde_json::from_str::<Value>(&body).is_ok_and(|body| body.is_object());
            match suite.parse(&seed.context, &seed.with_body(body), 0) {
                Err(problem) => problems.push(format!("{name}: {problem}")),
                Ok(result) if is_object && seed.document.is_some() => {
                    let items = result["items"].as_array().map_or(0, Vec::len);
                    if items == 0 {
                        problems.push(format!(
                            "{name}: nothing was kept of it; what is not understood is an `other`, got {result}"
                        ));
                    }
                }
                Ok(_) => {}
            }
        }
    }
    Ok(problems)
}

/// The seed cut short at many places, with each member twice, with headers and query doubled.
pub(super) fn bent(suite: &mut Suite<'_>) -> Found {
    let mut problems = Vec::new();
    for seed in seeds(suite)? {
        let mut bodies = Vec::new();
        for part in 0..CUTS {
            let cut = seed.body.len() * part / CUTS;
            let cut = (0..=cut)
                .rev()
                .find(|cut| seed.body.is_char_boundary(*cut))
                .unwrap_or(0);
            bodies.push((
                format!("cut after {cut} bytes"),
                seed.body[..cut].to_owned(),
            ));
        }
        if seed.document.is_some() {
            for member in ["id", "entry", "messages", "statuses", "type", "timestamp"] {
                let doubled =
                    seed.body
                        .replacen('{', &format!("{{\"{member}\":null,\"{member}\":[1],"), 1);
                bodies.push((format!("`{member}` twice"), doubled));
                let everywhere = seed.body.replace(
                    &format!("\"{member}\":"),
                    &format!("\"{member}\":{{}},\"{member}\":"),
                );
                bodies.push((format!("every `{member}` twice"), everywhere));
            }
        } else {
            bodies.push((
                "the whole body twice".to_owned(),
                format!("{0}&{0}", seed.body),
            ));
        }
        for (name, body) in bodies {
            if let Err(problem) = suite.parse(&seed.context, &seed.with_body(body), 0) {
                problems.push(format!("{name}: {problem}"));
            }
        }
        let mut webhook = seed.webhook.clone();
        webhook["headers"] = json!([
            ["x-a", "1"],
            ["x-a", "2"],
            ["content-type", "text/plain"],
            ["content-type", ""]
        ]);
        webhook["query"] = json!([["a", "1"], ["a", "2"], ["", ""]]);
        webhook["method"] = json!("delete");
        if let Err(problem) = suite.parse(&seed.context, &webhook, 0) {
            problems.push(format!("headers and query twice: {problem}"));
        }
    }
    Ok(problems)
}

/// Seconds, milliseconds, microseconds, texts, fractions, nothing, before the epoch, beyond the calendar.
pub(super) fn times(suite: &mut Suite<'_>) -> Found {
    let units = [
        json!(1_790_000_000),
        json!(1_790_000_000_000_u64),
        json!(1_790_000_000_000_000_u64),
        json!("1790000000"),
        json!("1790000000000"),
        json!("1790000000.5"),
        json!(1_790_000_000.5),
        json!("2026-09-21T12:00:00Z"),
        json!("2026-09-21T12:00:00.123+02:00"),
        json!("Mon, 21 Sep 2026 12:00:00 +0000"),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!("18446744073709551616"),
        json!(""),
        json!("soon"),
        Value::Null,
        json!([]),
        json!({}),
    ];
    let mut problems = Vec::new();
    for seed in seeds(suite)? {
        let Some(document) = &seed.document else {
            return Err(Skip("the seed's body is not JSON".to_owned()));
        };
        let times: Vec<_> = leaves(document)
            .into_iter()
            .filter(|at| is_time(document, at))
            .collect();
        for at in times.iter().take(PLACES_MAX) {
            for unit in &units {
                let mut bent = document.clone();
                set(&mut bent, at, unit.clone());
                match suite.parse(&seed.context, &seed.with_document(&bent), 0) {
                    Err(problem) => problems.push(format!("{at} = {unit}: {problem}")),
                    Ok(result) => {
                        problems.extend(late(&result).map(|time| {
                            format!("{at} = {unit}: an item is said to be of {time} ms")
                        }))
                    }
                }
            }
        }
    }
    Ok(problems)
}

/// Every text of the seed in every script, and of another type.
pub(super) fn texts(suite: &mut Suite<'_>) -> Found {
    let mut replacements: Vec<_> = data::texts()
        .map_err(Skip)?
        .into_iter()
        .map(|(_, text)| json!(text))
        .collect();
    replacements.extend([
        json!(""),
        json!("x".repeat(70_000)),
        json!(7),
        json!([]),
        json!({}),
        Value::Null,
    ]);
    let mut problems = Vec::new();
    for seed in seeds(suite)? {
        let Some(document) = &seed.document else {
            return Err(Skip("the seed's body is not JSON".to_owned()));
        };
        for at in leaves(document).iter().take(PLACES_MAX) {
            for replacement in &replacements {
                let mut bent = document.clone();
                set(&mut bent, at, replacement.clone());
                if let Err(problem) = suite.parse(&seed.context, &seed.with_document(&bent), 0) {
                    let shown: String = replacement.to_string().chars().take(40).collect();
                    problems.push(format!("{at} = {shown}: {problem}"));
                }
            }
        }
        let escaped = seed.body.replacen(":\"", ":\"\\ud800", 5);
        if let Err(problem) = suite.parse(&seed.context, &seed.with_body(escaped), 0) {
            problems.push(format!("lone surrogates: {problem}"));
        }
    }
    Ok(problems)
}

/// Each item has a key of its own, the same on every reading and after any skip.
pub(super) fn keys(suite: &mut Suite<'_>) -> Found {
    let mut problems = Vec::new();
    let cases: Vec<_> = suite
        .cases
        .iter()
        .filter_map(|case| match &case.call {
            Call::Inbound(webhook) => {
                Some((case.name.clone(), case.context.clone(), webhook.clone()))
            }
            _ => None,
        })
        .collect();
    if cases.is_empty() {
        seeds(suite)?;
    }
    for (name, context, webhook) in cases {
        let first = suite.parse(&context, &webhook, 0);
        if suite.parse(&context, &webhook, 0) != first {
            problems.push(format!("{name}: two equal calls differ"));
        }
        let mut other = context.clone();
        other["seed"] = json!("another-seed-of-thirty-two-bytes");
        if suite.parse(&other, &webhook, 0) != first {
            problems.push(format!("{name}: another seed gives other items"));
        }
        let Ok(Some(all)) = first.map(|result| result["items"].as_array().cloned()) else {
            continue;
        };
        let unique: BTreeSet<_> = all
            .iter()
            .map(|item| format!("{} {}", item["route"], item["dedupe-key"]))
            .collect();
        if unique.len() != all.len() {
            problems.push(format!(
                "{name}: {} items share {} keys",
                all.len(),
                unique.len()
            ));
        }
        for skip in [1, all.len() / 2, all.len(), all.len() + 5] {
            let Ok(number) = u32::try_from(skip) else {
                continue;
            };
            let rest = suite.parse(&context, &webhook, number);
            let rest = rest
                .ok()
                .and_then(|result| result["items"].as_array().cloned())
                .unwrap_or_default();
            if all.get(skip..).unwrap_or_default() != rest {
                problems.push(format!(
                    "{name}: a skip of {skip} does not give the items after it"
                ));
            }
        }
    }
    Ok(problems)
}

/// A time that no calendar of the gateway has.
fn late(result: &Value) -> Option<u64> {
    let items = result["items"].as_array()?;
    items.iter().find_map(|item| {
        let event = item["event"].as_object()?;
        let at = event.values().next()?["at"].as_u64()?;
        (at > AT_MS_MAX).then_some(at)
    })
}

/// Pointers to everything that is neither list nor object.
fn leaves(document: &Value) -> Vec<String> {
    fn walk(at: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    walk(&format!("{at}/{index}"), element, found);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    walk(&format!("{at}/{name}"), member, found);
                }
            }
            _ => found.push(at.to_owned()),
        }
    }
    let mut found = Vec::new();
    walk("", document, &mut found);
    found
}

fn is_time(document: &Value, at: &str) -> bool {
    const FROM: u64 = 1_000_000_000;
    let named = at.rsplit('/').next().is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        name == "at"
            || name.ends_with("_at")
            || name.contains("time")
            || name.ends_with("_ms")
            || name.contains("date")
    });
    let number = match document.pointer(at) {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    named || number.is_some_and(|number| number >= FROM && at.rsplit('/').next() != Some("id"))
}

fn set(document: &mut Value, at: &str, value: Value) {
    if let Some(place) = document.pointer_mut(at) {
        *place = value;
    }
}
