//! Statuses: where our messages are.

use serde_json::{Value, json};
use wharf_plugin::inbound::{State, Status};
use wharf_plugin::prelude::*;

use crate::fixture::{RECEIVED_AT, envelope, parse, parse_one, sender};

fn read(status: &Value) -> (String, Status) {
    let item = parse_one(&envelope(&json!({ "statuses": [status] })));
    assert_eq!(item.route, sender());
    assert_eq!(
        item.pointer.as_deref(),
        Some("/entry/0/changes/0/value/statuses/0")
    );
    match item.event {
        Event::Status(status) => (item.dedupe_key, status),
        other => panic!("not a status: {other:?}"),
    }
}

#[test]
fn a_sent_status_with_everything() {
    let (key, status) = read(&json!({
        "id": "wamid.HBgL", "status": "sent", "timestamp": "1789000001",
        "recipient_id": "16505551234", "recipient_user_id": "US.1349",
        "biz_opaque_callback_data": "01J9ZQ5Y3W8V7T6S5R4Q3P2N1M",
        "conversation": { "id": "c1", "expiration_timestamp": "1789090000", "origin": { "type": "service" } },
        "pricing": { "billable": false, "pricing_model": "PMP", "type": "free_customer_service", "category": "service" },
    }));
    assert_eq!(key, "status:wamid.HBgL:sent");
    assert_eq!(status.provider_message_id, "wamid.HBgL");
    assert_eq!((status.state, status.at), (State::Sent, 1_789_000_001_000));
    assert_eq!(
        status.message_id.as_deref(),
        Some("01J9ZQ5Y3W8V7T6S5R4Q3P2N1M")
    );
    assert_eq!(status.conversation_id.as_deref(), Some("c1"));
    let recipient = status.recipient.unwrap();
    assert_eq!(
        (recipient.phone.as_deref(), recipient.user_id.as_deref()),
        (Some("16505551234"), Some("US.1349"))
    );
    let pricing = status.pricing.unwrap();
    assert_eq!(
        (
            pricing.category.as_str(),
            pricing.billable,
            pricing.model.as_deref()
        ),
        ("service", false, Some("PMP"))
    );
    assert_eq!((status.error, status.group), (None, None));
}

#[test]
fn each_state_and_no_other() {
    for (name, state) in [
        ("sent", State::Sent),
        ("delivered", State::Delivered),
        ("read", State::Read),
        ("played", State::Played),
    ] {
        let (key, status) = read(&json!({ "id": "wamid.1", "status": name, "timestamp": "1" }));
        assert_eq!(
            (key, status.state),
            (format!("status:wamid.1:{name}"), state)
        );
        assert_eq!((status.recipient, status.error), (None, None));
    }
    let deleted = json!({ "id": "wamid.1", "status": "deleted", "timestamp": "1" });
    let item = parse_one(&envelope(&json!({ "statuses": [deleted] })));
    assert_eq!(item.event, Event::Other(deleted.to_string()));
    assert!(item.dedupe_key.starts_with("statuses:"));
}

#[test]
fn a_failed_status_has_the_same_classes_as_a_refusal() {
    let (_, status) = read(&json!({
        "id": "wamid.1", "status": "failed", "timestamp": 1_789_000_001,
        "recipient_id": "16505551234",
        "errors": [{
            "code": 131_047, "title": "Re-engagement message", "message": "Re-engagement message",
            "error_data": { "details": "More than 24 hours have passed." }, "href": "https://example.com",
        }],
    }));
    assert_eq!(
        (status.state, status.at),
        (State::Failed, 1_789_000_001_000)
    );
    let error = status.error.unwrap();
    assert_eq!(
        (error.code, error.retry),
        (Code::WindowClosed, Retry::Never)
    );
    assert_eq!(error.provider_code.as_deref(), Some("131047"));
    assert_eq!(
        error.detail,
        "Re-engagement message: More than 24 hours have passed."
    );
    assert!(error.remedy.is_some());
}

#[test]
fn a_failed_status_always_has_an_error() {
    for errors in [json!(null), json!([]), json!("x"), json!([5]), json!([{}])] {
        let (_, status) = read(
            &json!({ "id": "wamid.1", "status": "failed", "timestamp": "1", "errors": errors }),
        );
        let error = status.error.unwrap();
        assert_eq!(
            (error.code, error.detail.as_str()),
            (Code::Other, "Meta gave no reason")
        );
    }
}

#[test]
fn participants_of_a_group_are_atoms_of_their_own() {
    let status = |phone: &str, user: &str| {
        json!({
            "id": "wamid.1", "status": "delivered", "timestamp": "1", "recipient_type": "group", "recipient_id": "group-1",
            "recipient_participant_id": phone, "recipient_participant_user_id": user,
        })
    };
    let body = envelope(
        &json!({ "statuses": [status("1", "US.1"), status("2", "US.2"), status("", "US.3")] }),
    );
    let items = parse(&body);
    let keys: Vec<&str> = items.iter().map(|item| item.dedupe_key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "status:wamid.1:delivered:1:US.1",
            "status:wamid.1:delivered:2:US.2",
            "status:wamid.1:delivered::US.3",
        ]
    );
    for item in &items {
        let Event::Status(status) = &item.event else {
            panic!("a status")
        };
        assert_eq!(status.group.as_deref(), Some("group-1"));
        assert_ne!(
            status
                .recipient
                .as_ref()
                .and_then(|party| party.phone.as_deref()),
            Some("group-1")
        );
    }
}

#[test]
fn who_pays_can_be_told_without_the_member_that_goes_away() {
    for (kind, billable) in [("regular", true), ("free_entry_point", false)] {
        let pricing = json!({ "pricing_model": "PMP", "type": kind, "category": "marketing" });
        let (_, status) = read(
            &json!({ "id": "wamid.1", "status": "sent", "timestamp": "1", "pricing": pricing }),
        );
        assert_eq!(status.pricing.unwrap().billable, billable);
    }
}

#[test]
fn names_come_from_the_contacts() {
    let body = envelope(&json!({
        "contacts": [{ "profile": { "name": "Ada", "username": "ada" }, "user_id": "US.1", "wa_id": "16505551234" }],
        "statuses": [{ "id": "wamid.1", "status": "read", "timestamp": "1", "recipient_user_id": "US.1" }],
    }));
    let Event::Status(status) = parse_one(&body).event else {
        panic!("a status")
    };
    let recipient = status.recipient.unwrap();
    assert_eq!(recipient.phone.as_deref(), Some("16505551234"));
    assert_eq!(
        (recipient.name.as_deref(), recipient.username.as_deref()),
        (Some("Ada"), Some("ada"))
    );
}

#[test]
fn payments_and_statuses_without_id_are_kept_raw() {
    for atom in [
        json!({ "type": "payment", "id": "p1", "status": "captured", "timestamp": "1", "payment": { "reference_id": "r" } }),
        json!({ "status": "sent", "timestamp": "1" }),
        json!({ "id": "wamid.1" }),
        json!(17),
    ] {
        let item = parse_one(&envelope(&json!({ "statuses": [atom] })));
        assert_eq!(item.event, Event::Other(atom.to_string()));
        assert_eq!(item.route, sender());
    }
}

#[test]
fn a_time_that_cannot_be_read_is_when_it_came() {
    for timestamp in [
        json!(null),
        json!(""),
        json!("soon"),
        json!("99999999999999999999"),
        json!(-5),
        json!({}),
    ] {
        let (_, status) =
            read(&json!({ "id": "wamid.1", "status": "sent", "timestamp": timestamp }));
        assert_eq!(status.at, RECEIVED_AT, "{timestamp}");
    }
}
