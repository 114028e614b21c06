//! Messages, answers and webhooks to build tests from.

use serde_json::{Value, json};
use wharf_plugin::messages::Text;
use wharf_plugin::prelude::*;
use wharf_plugin::types::HttpMethod;
use wharf_plugin_graph::Graph;

pub(crate) const RECEIVED_AT: u64 = 1_790_000_000_000;
pub(crate) const PHONE_NUMBER_ID: &str = "106540352242922";
pub(crate) const WABA_ID: &str = "102290129340398";

pub(crate) fn context(settings: &[(&str, &str)]) -> Context {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Context {
        settings: settings.iter().map(owned).collect(),
        now: RECEIVED_AT,
        seed: vec![7; 32],
        locale: None,
    }
}

pub(crate) fn text_message(body: &str) -> Message {
    Message {
        id: "01J9ZQ5Y3W8V7T6S5R4Q3P2N1M".to_owned(),
        to: Address::Phone("16505551234".to_owned()),
        sender: PHONE_NUMBER_ID.to_owned(),
        content: Content::Text(Text {
            body: body.to_owned(),
            preview_url: false,
        }),
        reply_to: None,
        options: String::new(),
    }
}

pub(crate) fn response(status: u16, body: &str) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.as_bytes().to_vec(),
    }
}

pub(crate) fn resume(outcome: Outcome) -> Result<Progress, Error> {
    Graph::resume(&context(&[]), &text_message("Hello"), &[], outcome)
}

/// The error an answer leads to.
pub(crate) fn refused(response: HttpResponse) -> Error {
    resume(Outcome::Response(response)).unwrap_err()
}

pub(crate) fn webhook(body: impl Into<Vec<u8>>) -> Webhook {
    Webhook {
        name: "main".to_owned(),
        method: HttpMethod::Post,
        query: Vec::new(),
        headers: Vec::new(),
        body: body.into(),
        received_at: RECEIVED_AT,
    }
}

/// One change of the field `messages` of one number.
pub(crate) fn envelope(parts: &Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550783881", "phone_number_id": PHONE_NUMBER_ID },
    });
    value
        .as_object_mut()
        .unwrap()
        .extend(parts.as_object().unwrap().clone());
    body(&json!([{ "id": WABA_ID, "changes": [{ "field": "messages", "value": value }] }]))
}

pub(crate) fn body(entries: &Value) -> Value {
    json!({ "object": "whatsapp_business_account", "entry": entries })
}

/// All items of a body, over all pages.
pub(crate) fn parse(body: &Value) -> Vec<Item> {
    parse_bytes(body.to_string().as_bytes()).unwrap()
}

pub(crate) fn parse_bytes(body: &[u8]) -> Result<Vec<Item>, Error> {
    let webhook = webhook(body);
    let mut items = Vec::new();
    let mut skip = 0;
    loop {
        let parsed = Graph::parse(&context(&[]), &webhook, skip)?;
        assert!(
            parsed.items.len() <= 2_000,
            "a page has at most 2,000 items"
        );
        items.extend(parsed.items);
        match parsed.next {
            Some(next) => skip = next,
            None => return Ok(items),
        }
    }
}

/// The only item of a body.
pub(crate) fn parse_one(body: &Value) -> Item {
    let mut items = parse(body);
    assert_eq!(items.len(), 1, "{items:?}");
    items.remove(0)
}

pub(crate) fn sender() -> Route {
    Route::Sender(PHONE_NUMBER_ID.to_owned())
}
