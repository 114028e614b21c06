//! Webhook bodies as Meta posts them, and their signature.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::config::PhoneNumber;
use super::error::GraphError;
use super::message::{Recipient, SendRequest};
use crate::clock;

/// Value of `X-Hub-Signature-256` for these bytes.
#[must_use]
pub fn signature(app_secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// JSON as Meta writes it: ASCII only, `\u` escapes in lower-case hex and `\/` for `/`.
///
/// A receiver that parses and writes the JSON anew before it checks the signature fails on this.
#[must_use]
pub fn to_bytes(value: &Value) -> Vec<u8> {
    let plain = value.to_string();
    let mut escaped = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            // Only strings can hold a slash, so there is no need to know where one starts.
            '/' => escaped.push_str("\\/"),
            c if c.is_ascii() => escaped.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    escaped.into_bytes()
}

/// One entry with one change of field `messages`; `parts` are `messages`, `statuses`, `contacts`.
#[must_use]
pub fn envelope(number: &PhoneNumber, parts: Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": number.display_number,
            "phone_number_id": number.id,
        },
    });
    if let (Some(value), Value::Object(parts)) = (value.as_object_mut(), parts) {
        value.extend(parts);
    }
    change(&number.account_id, "messages", value)
}

/// One entry with one change of any field, as it stands.
#[must_use]
pub fn change(account_id: &str, field: &str, value: Value) -> Value {
    let mut entry = json!({ "id": account_id, "changes": [{ "field": field, "value": value }] });
    if field != "messages" {
        entry["time"] = json!(clock::now_s());
    }
    json!({ "object": "whatsapp_business_account", "entry": [entry] })
}

/// Several webhooks in one post, as Meta batches them: all their entries, in this order.
#[must_use]
pub fn batch(webhooks: &[Value]) -> Value {
    let entries: Vec<Value> = webhooks
        .iter()
        .flat_map(|webhook| webhook["entry"].as_array().into_iter().flatten().cloned())
        .collect();
    json!({ "object": "whatsapp_business_account", "entry": entries })
}

/// The `conversation` that webhooks before v24 have in statuses; on `sent` with its end.
#[must_use]
pub fn with_conversation(mut status_webhook: Value, id: &str, category: &str) -> Value {
    let pointer = "/entry/0/changes/0/value/statuses/0";
    if let Some(status) = status_webhook.pointer_mut(pointer) {
        let mut conversation = json!({ "id": id, "origin": { "type": category } });
        if status["status"] == "sent" {
            let ends_s = clock::now_s() + 24 * 60 * 60;
            conversation["expiration_timestamp"] = json!(ends_s.to_string());
        }
        status["conversation"] = conversation;
    }
    status_webhook
}

/// A text that a customer wrote.
#[must_use]
pub fn inbound_text(number: &PhoneNumber, from: &str, wamid: &str, text: &str) -> Value {
    let user_id = user_id_of(from);
    envelope(
        number,
        json!({
            "contacts": [{ "profile": { "name": "A customer" }, "wa_id": from, "user_id": user_id }],
            "messages": [{
                "from": from,
                "from_user_id": user_id,
                "id": wamid,
                "timestamp": clock::now_s().to_string(),
                "type": "text",
                "text": { "body": text },
            }],
        }),
    )
}

/// One status of a message that was accepted; `failure` goes with status `failed`.
#[must_use]
pub fn status(
    number: &PhoneNumber,
    send: &SendRequest,
    wamid: &str,
    status: &str,
    failure: Option<&GraphError>,
) -> Value {
    let mut atom = json!({
        "id": wamid,
        "status": status,
        "timestamp": clock::now_s().to_string(),
    });
    match &send.recipient {
        Recipient::Number { wa_id, .. } => {
            atom["recipient_id"] = json!(wa_id);
            // Meta leaves the user id out of a failure to send to a number.
            if failure.is_none() {
                atom["recipient_user_id"] = json!(user_id_of(wa_id));
            }
        }
        Recipient::UserId(id) => atom["recipient_user_id"] = json!(id),
        Recipient::Group(id) => {
            atom["recipient_id"] = json!(id);
            atom["recipient_type"] = json!("group");
        }
    }
    if let Some(data) = &send.callback_data {
        atom["biz_opaque_callback_data"] = json!(data);
    }
    if matches!(status, "sent" | "delivered") {
        atom["pricing"] = pricing(send.category.as_deref());
    }
    if let Some(failure) = failure {
        atom["errors"] = json!([failure.in_webhook()]);
    }
    envelope(number, json!({ "statuses": [atom] }))
}

/// Templates cost what their category costs; answers to a customer are free.
fn pricing(category: Option<&str>) -> Value {
    json!({
        "billable": category.is_some(),
        "pricing_model": "PMP",
        "type": if category.is_some() { "regular" } else { "free_customer_service" },
        "category": category.unwrap_or("SERVICE").to_ascii_lowercase(),
    })
}

/// The answer to a send that was accepted.
pub(crate) fn accepted(send: &SendRequest, wamid: &str) -> Value {
    let contact = match &send.recipient {
        Recipient::Number { input, wa_id } => {
            json!({ "input": input, "wa_id": wa_id, "user_id": user_id_of(wa_id) })
        }
        Recipient::UserId(id) => json!({ "input": id, "user_id": id }),
        Recipient::Group(id) => json!({ "input": id }),
    };
    let mut message = json!({ "id": wamid });
    if send.category.is_some() {
        message["message_status"] = json!("accepted");
    }
    if let Recipient::Group(id) = &send.recipient {
        message["group_id"] = json!(id);
    }
    json!({
        "messaging_product": "whatsapp",
        "contacts": [contact],
        "messages": [message],
    })
}

/// The same number always has the same business-scoped user id.
pub(crate) fn user_id_of(wa_id: &str) -> String {
    format!("US.9{wa_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn signs_like_the_published_vectors() {
        let empty = br#"{"object":"whatsapp_business_account","entry":[]}"#;
        assert_eq!(
            signature(KEY, empty),
            "sha256=eefab58106e73358686845848feb95c56372e7391b3dc050b6a31c8c5f347ece"
        );
        let escaped = br#"{"object":"whatsapp_business_account","entry":[{"id":"0","changes":[{"field":"messages","value":{"messages":[{"text":{"body":"\u00e4\u00f6\u00e5\/\ud83d\ude00"}}]}}]}]}"#;
        assert_eq!(
            signature(KEY, escaped),
            "sha256=f647e3644df019b4f0e600fda8dfd78ed521fcbc86c7daa616f957e58479bbab"
        );
    }

    #[test]
    fn writes_ascii_that_reads_back_the_same() {
        let value = json!({ "body": "äöå/😀 \"quoted\" \\ \n" });
        let bytes = to_bytes(&value);
        assert!(bytes.is_ascii());
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains(r"\u00e4\u00f6\u00e5\/\ud83d\ude00"), "{text}");
        assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
    }
}
