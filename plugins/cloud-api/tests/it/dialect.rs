//! What a provider can say of the webhooks that it passes on.

use serde_json::{Value, json};
use wharf_cloud_api::webhook::{self, Dialect, SenderId};
use wharf_plugin::prelude::{Event, Item, Route};

use crate::corpus::webhook as post;

const BY_NUMBER: Dialect<'static> = Dialect {
    sender: SenderId::DisplayPhoneNumber,
    own: None,
};

fn read(body: &Value, dialect: &Dialect<'_>) -> Vec<Item> {
    let webhook = post(body.to_string().into_bytes());
    webhook::parse(&webhook, 0, dialect).unwrap().items
}

fn body(field: &str, value: &Value) -> Value {
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "77", "changes": [{ "field": field, "value": value }] }] })
}

fn route(body: &Value, dialect: &Dialect<'_>) -> Route {
    read(body, dialect).remove(0).route
}

#[test]
fn a_number_is_named_by_its_id_or_by_itself() {
    let value = json!({
        "metadata": { "display_phone_number": "+1 (555) 078-3881", "phone_number_id": "1" },
        "statuses": [{ "id": "wamid.1", "status": "sent" }],
    });
    let body = body("messages", &value);
    assert_eq!(route(&body, &Dialect::META), Route::Sender("1".to_owned()));
    assert_eq!(
        route(&body, &BY_NUMBER),
        Route::Sender("15550783881".to_owned())
    );
}

#[test]
fn news_of_a_number_reach_it_where_numbers_name_themselves() {
    let body = body(
        "phone_number_name_update",
        &json!({ "display_phone_number": "15550783881", "decision": "APPROVED" }),
    );
    assert_eq!(
        route(&body, &Dialect::META),
        Route::Account("77".to_owned())
    );
    assert_eq!(
        route(&body, &BY_NUMBER),
        Route::Sender("15550783881".to_owned())
    );
}

#[test]
fn the_webhooks_own_number_gets_what_names_none() {
    let own = Dialect {
        own: Some("4915112345678"),
        ..Dialect::META
    };
    let to_own = Route::Sender("4915112345678".to_owned());
    for nameless in [
        body("account_review_update", &json!({ "decision": "APPROVED" })),
        body(
            "messages",
            &json!({ "statuses": [{ "id": "wamid.1", "status": "sent" }] }),
        ),
        json!({ "object": "whatsapp_business_account", "entry": [{ "id": "77" }] }),
    ] {
        assert_eq!(route(&nameless, &own), to_own, "{nameless}");
    }
    let named = json!({ "metadata": { "phone_number_id": "1" }, "errors": [{ "code": 1 }] });
    assert_eq!(
        route(&body("messages", &named), &own),
        Route::Sender("1".to_owned())
    );
}

#[test]
fn a_value_without_its_envelope_is_read() {
    let own = Dialect {
        own: Some("4915112345678"),
        ..BY_NUMBER
    };
    let flat = json!({
        "contacts": [{ "profile": { "name": "Ada" }, "wa_id": "1" }],
        "messages": [{ "from": "1", "id": "wamid.1", "timestamp": "1", "type": "text", "text": { "body": "Hi" } }],
        "statuses": [{ "id": "wamid.2", "status": "read", "timestamp": "1" }],
    });
    let items = read(&flat, &own);
    let pointers: Vec<&str> = items
        .iter()
        .filter_map(|item| item.pointer.as_deref())
        .collect();
    assert_eq!(pointers, ["/messages/0", "/statuses/0"]);
    assert!(
        matches!(&items[0].event, Event::Message(message) if message.sender.name.as_deref() == Some("Ada"))
    );
    assert_eq!(items[0].route, Route::Sender("4915112345678".to_owned()));
}
