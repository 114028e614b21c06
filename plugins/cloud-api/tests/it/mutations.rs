//! Bodies that nobody has promised: cut, flipped, doubled, reordered, huge and broken.

use serde_json::{Value, json};
use wharf_plugin::prelude::{Code, Item};

use crate::corpus::{Chance, bodies, parse, parse_bytes};
use crate::rules::check;

/// Enough that each body of the corpus is bent some twenty times each way.
const ROUNDS: usize = 2_500;

#[test]
fn whatever_happens_to_the_bytes_it_is_items_or_one_error() {
    let bodies = bodies();
    let mut chance = Chance::new(1);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..ROUNDS {
        let mut bytes = chance.pick(&bodies).1.to_string().into_bytes();
        for _ in 0..=chance.below(3) {
            bend(&mut bytes, &mut chance);
        }
        match parse_bytes(bytes) {
            Ok(items) => {
                items.iter().for_each(check);
                read += 1;
            }
            Err(error) => {
                assert_eq!(error.code, Code::MalformedResponse);
                refused += 1;
            }
        }
    }
    assert!(
        read > ROUNDS / 20 && refused > ROUNDS / 20,
        "both ends are reached: {read} and {refused}"
    );
}

fn bend(bytes: &mut Vec<u8>, chance: &mut Chance) {
    if bytes.is_empty() {
        return;
    }
    let at = chance.below(bytes.len());
    let end = at + 1 + chance.below(bytes.len() - at);
    match chance.below(7) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << chance.below(8),
        2 => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        3 => drop(bytes.drain(at..end)),
        4 => bytes[at..end].reverse(),
        5 => bytes[at] = 0xff,
        _ => {
            let digits = "9".repeat(chance.below(500));
            bytes.splice(at..at, digits.into_bytes());
        }
    }
}

#[test]
fn a_strange_member_costs_no_atom_and_no_other_item() {
    let bodies = bodies();
    let mut chance = Chance::new(2);
    for _ in 0..ROUNDS {
        let (name, body) = chance.pick(&bodies);
        let before = parse(body);
        if before.is_empty() {
            continue;
        }
        let bent = chance.below(before.len());
        let pointer = before[bent].pointer.as_deref().unwrap();
        let place = descend(body, pointer, &mut chance);
        // A placeholder stands for what no tree can hold, until the body is a text.
        let mut tree = body.clone();
        *tree.pointer_mut(&place).unwrap() = json!("\u{1}place");
        let junk = chance.pick(&junk()).clone();
        let text = tree.to_string().replace(r#""\u0001place""#, &junk);
        let after = parse_bytes(text.into_bytes()).unwrap();
        assert_eq!(after.len(), before.len(), "{name}: {junk:.80} at {place}");
        after.iter().for_each(check);
        for (index, (one, other)) in before.iter().zip(&after).enumerate() {
            assert_eq!(one.pointer, other.pointer, "{name}");
            assert!(
                index == bent || one == other,
                "{name}: {place} bent {index}"
            );
        }
    }
}

/// A random place at or below `pointer`.
fn descend(body: &Value, pointer: &str, chance: &mut Chance) -> String {
    let mut place = pointer.to_owned();
    let mut value = body.pointer(pointer).unwrap();
    loop {
        let below: Vec<(String, &Value)> = match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, at)| (name.clone(), at))
                .collect(),
            Value::Array(list) => list
                .iter()
                .enumerate()
                .map(|(index, at)| (index.to_string(), at))
                .collect(),
            _ => Vec::new(),
        };
        if below.is_empty() || chance.below(4) == 0 {
            return place;
        }
        let (name, next) = chance.pick(&below);
        place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
        value = next;
    }
}

/// JSON texts of every type and of no good.
fn junk() -> Vec<String> {
    let mut junk: Vec<String> = [
        "null",
        "true",
        "0",
        "-1",
        "1e999",
        "-0.0",
        "18446744073709551616",
        "\"\"",
        "\" \"",
        "[]",
        "{}",
        r#""a\nb\u0000""#,
        r#""\ud83d""#,
        r#"{"":""}"#,
        r#"[null]"#,
        r#"{"id":7}"#,
        r#"[[{"a":1e400}]]"#,
        r#"{"$serde_json::private::RawValue":1}"#,
        r#"{"type":"text","text":{"body":"x"}}"#,
        r#"{"\ud800":1}"#,
    ]
    .map(str::to_owned)
    .to_vec();
    junk.push(format!("\"{}\"", "x".repeat(600)));
    junk.push(format!("\"{}\"", "\u{e4}".repeat(130)));
    junk.push("7".repeat(400));
    for depth in [59, 60, 61, 65, 200, 20_000] {
        junk.push("[".repeat(depth) + &"]".repeat(depth));
        junk.push(r#"{"a":"#.repeat(depth) + "1" + &"}".repeat(depth));
    }
    junk
}

#[test]
fn a_large_body_with_many_contacts_is_read_to_its_end() {
    // The smallest messages: far more atoms than Meta posts, on many pages.
    let message = |number: usize| json!({ "from": "1", "id": format!("wamid.{number}"), "type": "text", "text": { "body": "x" } });
    let contact =
        |number: usize| json!({ "wa_id": number.to_string(), "profile": { "name": "n" } });
    let value = json!({
        "contacts": (0..5_000).map(contact).collect::<Vec<_>>(),
        "messages": (0..15_000).map(message).collect::<Vec<_>>(),
    });
    let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] });
    let items: Vec<Item> = parse(&body);
    assert_eq!(items.len(), 15_000);
}

#[test]
fn what_atoms_share_is_not_copied_into_each_of_them_without_limit() {
    let long = "\u{e4}".repeat(100_000);
    let message = |number: usize| json!({ "from": "1", "id": format!("wamid.{number}"), "type": "text", "text": { "body": "x" } });
    let messages: Vec<Value> = (0..200).map(message).collect();
    let messages_value = json!({
        "contacts": [{ "wa_id": "1", "profile": { "name": long, "username": long } }],
        "messages": messages,
    });
    let history_value = json!({
        "history": [{ "metadata": { "phase": long }, "threads": [{ "id": long, "messages": messages }] }],
    });
    for (field, value) in [("messages", messages_value), ("history", history_value)] {
        let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": field, "value": value }] }] });
        let items = parse(&body);
        assert_eq!(items.len(), 200, "{field}");
        let size: usize = items
            .iter()
            .map(|item| format!("{:?}", item.event).len())
            .sum();
        assert!(
            size < 400_000,
            "{field}: {size} bytes of 200 small messages"
        );
    }
}
