//! A content's `types` as the Cloud API's template components. Places keep Twilio's variables (`{{1}}`,
//! `{{name}}`), so that a parameter's place says which variable it fills: the templates that are listed and
//! the templates that are sent read the same form.

use serde_json::{Value, json};

/// The components of the richest type that WhatsApp takes.
pub(crate) fn components(types: &Value) -> Value {
    let body = types["twilio/text"]["body"].as_str();
    json!([{ "type": "BODY", "text": body }])
}
