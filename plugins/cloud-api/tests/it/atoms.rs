//! Atoms in, items out: none is lost when bodies are joined, reordered or repeated, and an atom keeps its
//! key wherever the provider puts it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::corpus::{Chance, bodies, parse};

/// Members of a value that hold one atom each element, whatever the field.
const LISTS: [&str; 12] = [
    "messages",
    "statuses",
    "errors",
    "user_actions",
    "message_echoes",
    "calls",
    "user_preferences",
    "state_sync",
    "groups",
    "automatic_events",
    "user_id_update",
    "history",
];

/// How many atoms a body of the corpus holds, counted without the parser.
fn count(body: &Value) -> usize {
    let changes = body["entry"].as_array().unwrap().iter().flat_map(|entry| {
        let changes = entry["changes"].as_array().unwrap();
        changes.iter()
    });
    changes.map(|change| count_value(&change["value"])).sum()
}

fn count_value(value: &Value) -> usize {
    let element = |list: &str, element: &Value| {
        if list != "history" {
            return 1;
        }
        let threads = element["threads"].as_array().into_iter().flatten();
        let messages = threads.map(|thread| thread["messages"].as_array().unwrap().len());
        let errors = element["errors"].as_array().map_or(0, Vec::len);
        (messages.sum::<usize>() + errors).max(1)
    };
    let lists = LISTS
        .iter()
        .filter_map(|list| Some((list, value[list].as_array()?)));
    let atoms: usize = lists
        .map(|(list, elements)| {
            let atoms = elements.iter().map(|one| element(list, one));
            atoms.sum::<usize>()
        })
        .sum();
    // A value without a list is one atom.
    atoms.max(1)
}

fn joined<'a>(bodies: impl Iterator<Item = &'a Value>) -> Value {
    let entries: Vec<Value> = bodies
        .flat_map(|body| body["entry"].as_array().unwrap().clone())
        .collect();
    json!({ "object": "whatsapp_business_account", "entry": entries })
}

/// Keys with their events, however often each is there.
fn keys(body: &Value) -> BTreeMap<(String, String), usize> {
    let mut keys = BTreeMap::new();
    for item in parse(body) {
        let key = (
            item.dedupe_key,
            format!("{:?} {:?}", item.route, item.event),
        );
        *keys.entry(key).or_default() += 1;
    }
    keys
}

#[test]
fn each_body_gives_an_item_for_each_atom() {
    for (name, body) in bodies() {
        assert_eq!(parse(&body).len(), count(&body), "{name}");
    }
}

#[test]
fn bodies_in_one_post_are_what_they_are_apart_in_any_order_and_repeated() {
    let bodies: Vec<Value> = bodies().into_iter().map(|(_, body)| body).collect();
    let mut chance = Chance::new(3);
    for _ in 0..20 {
        let mut chosen: Vec<&Value> = (0..30).map(|_| chance.pick(&bodies)).collect();
        let body = joined(chosen.iter().copied());
        let items = parse(&body);
        let apart: usize = chosen.iter().map(|body| count(body)).sum();
        assert_eq!(items.len(), apart);
        let together = keys(&body);
        let mut sum: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (key, times) in chosen.iter().flat_map(|body| keys(body)) {
            *sum.entry(key).or_default() += times;
        }
        assert_eq!(together, sum);
        chance.shuffle(&mut chosen);
        assert_eq!(keys(&joined(chosen.iter().copied())), together);
        let doubled = joined(chosen.iter().chain(&chosen).copied());
        assert_eq!(parse(&doubled).len(), 2 * apart);
        let same: BTreeSet<_> = keys(&doubled).into_keys().collect();
        assert_eq!(same, together.into_keys().collect());
    }
}

#[test]
fn an_atom_keeps_its_key_when_it_comes_alone_or_the_list_is_turned() {
    let mut seen = 0;
    for (name, body) in bodies() {
        let whole: BTreeSet<String> = parse(&body)
            .into_iter()
            .map(|item| item.dedupe_key)
            .collect();
        for entry in 0..body["entry"].as_array().unwrap().len() {
            let changes = body["entry"][entry]["changes"].as_array().unwrap().len();
            for change in 0..changes {
                for list in LISTS {
                    let pointer = format!("/entry/{entry}/changes/{change}/value/{list}");
                    let Some(Value::Array(elements)) = body.pointer(&pointer).cloned() else {
                        continue;
                    };
                    let mut turned = body.clone();
                    turned
                        .pointer_mut(&pointer)
                        .unwrap()
                        .as_array_mut()
                        .unwrap()
                        .reverse();
                    let keys = parse(&turned).into_iter().map(|item| item.dedupe_key);
                    assert_eq!(keys.collect::<BTreeSet<_>>(), whole, "{name}");
                    for element in elements {
                        let mut alone = body.clone();
                        *alone.pointer_mut(&pointer).unwrap() = json!([element]);
                        for item in parse(&alone) {
                            assert!(
                                whole.contains(&item.dedupe_key),
                                "{name}: {}",
                                item.dedupe_key
                            );
                            seen += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(seen > 60, "the corpus has lists");
}

#[test]
fn different_atoms_have_different_keys() {
    // Each list has elements that differ in one member only, and as little as possible.
    let statuses = ["sent", "delivered", "read", "played", "failed"];
    let mut atoms: Vec<(&str, &str, Value)> = Vec::new();
    for id in ["wamid.1", "wamid.2", "wamid.1:delivered"] {
        for status in statuses {
            atoms.push((
                "messages",
                "statuses",
                json!({ "id": id, "status": status }),
            ));
        }
        atoms.push(("messages", "messages", json!({ "id": id, "type": "text" })));
        atoms.push((
            "smb_message_echoes",
            "message_echoes",
            json!({ "id": id, "type": "text" }),
        ));
        for kind in ["media_placeholder", "image"] {
            atoms.push(("history", "messages", json!({ "id": id, "type": kind })));
        }
        for event in ["connect", "terminate"] {
            atoms.push(("calls", "calls", json!({ "id": id, "event": event })));
        }
    }
    for who in ["1", "2"] {
        atoms.push(("messages", "statuses", json!({ "id": "wamid.1", "status": "read", "recipient_type": "group", "recipient_participant_id": who })));
        atoms.push(("messages", "statuses", json!({ "id": "wamid.1", "status": "read", "recipient_type": "group", "recipient_participant_user_id": who })));
        for value in ["stop", "resume"] {
            for timestamp in [1, 2] {
                atoms.push(("user_preferences", "user_preferences", json!({ "wa_id": who, "category": "c", "value": value, "timestamp": timestamp })));
            }
        }
    }
    for code in [131_000, 131_031] {
        atoms.push(("messages", "errors", json!({ "code": code })));
    }
    let mut keys = BTreeSet::new();
    for (field, list, atom) in &atoms {
        let value = json!({ "metadata": { "phone_number_id": "1" }, *list: [atom] });
        let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": field, "value": value }] }] });
        for item in parse(&body) {
            assert!(
                keys.insert(item.dedupe_key.clone()),
                "{field} {list} {atom}: {}",
                item.dedupe_key
            );
        }
    }
    assert_eq!(keys.len(), atoms.len());
}

#[test]
fn the_same_notice_at_another_time_is_another() {
    let at = |time: u64| json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "time": time, "changes": [{ "field": "account_update", "value": { "event": "ACCOUNT_DELETED" } }] }] });
    assert_ne!(parse(&at(1))[0].dedupe_key, parse(&at(2))[0].dedupe_key);
    assert_eq!(parse(&at(1)), parse(&at(1)));
}
