//! What the guest is told to return, in the JSON of its own types.

use serde_json::{Value, json};

/// `GET` of a path that leads to the answer of this number.
pub(super) fn get(path: &str, next: usize) -> Value {
    json!({
        "label": "get",
        "request": {
            "method": "Get",
            "url": format!("https://api.example.com/v1/{path}"),
            "query": { "Fields": [] },
            "headers": [],
            "body": "Empty",
            "timeout_ms": null,
        },
        "replay": "Safe",
        "sink": { "Buffer": 65_536 },
        "capture": [],
        "memo": null,
        "bucket": null,
        "delay_ms": 0,
        "state": vec![0; next],
    })
}

/// `POST` of nothing, which must not be repeated.
pub(super) fn post(path: &str, next: usize) -> Value {
    let mut exchange = get(path, next);
    exchange["label"] = "post".into();
    exchange["request"]["method"] = "Post".into();
    exchange["replay"] = "Unsafe".into();
    exchange
}

/// The same with the channel's token.
pub(super) fn with_token(mut exchange: Value) -> Value {
    exchange["request"]["headers"] = json!([
        { "name": "authorization", "value": [{ "Text": "Bearer " }, { "Secret": "token" }] }
    ]);
    exchange
}

pub(super) fn remembered(mut exchange: Value, key: &str, scope: &str) -> Value {
    exchange["memo"] = json!({ "key": key, "lifetime_s": 3_600, "scope": scope, "refresh": false });
    exchange
}

pub(super) fn refreshed(mut exchange: Value) -> Value {
    exchange["memo"]["refresh"] = true.into();
    exchange
}

pub(super) fn capturing(mut exchange: Value, pointer: &str, secret: &str) -> Value {
    exchange["capture"] =
        json!([{ "pointer": pointer, "secret": secret, "lifetime": "/expires_in" }]);
    exchange
}

pub(super) fn step(exchange: Value) -> Value {
    json!({ "Ok": { "Exchange": exchange } })
}

pub(super) fn done(result: Value) -> Value {
    json!({ "Ok": { "Done": result } })
}

/// The provider took the message.
pub(super) fn accepted(id: &str) -> Value {
    done(json!({
        "provider_message_id": id, "pace": [], "recipient": null, "pending": false,
    }))
}

/// The provider failed, and the plugin would try again.
pub(super) fn failed() -> Value {
    json!({ "Err": {
        "code": "ProviderUnavailable", "retry": "Backoff", "provider_code": null,
        "trace_id": null, "detail": "down", "remedy": null, "pace": [],
    } })
}
