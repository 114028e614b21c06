//! What of an answer's body stays with the host: captured tokens, withheld ones, known secrets.
//!
//! Works on status and bytes; where captured values go is the caller's business.

use secrecy::SecretString;
use serde_json::Value;
use wharf_core::provider::Capture;

use crate::answer::Captured;
use crate::redact::Redactor;

/// Members whose string values no guest gets from a 2xx, captured or not.
pub(crate) const TOKEN_MEMBERS: [&str; 4] =
    ["access_token", "refresh_token", "api_key", "auth_token"];
const CAPTURED: &str = "[captured]";
const WITHHELD: &str = "[withheld]";

/// Why an answer's body was kept from the guest. After a 2xx the outcome is then `failed(other)`,
/// which counts as ambiguous: the provider did act. After any other status the body is empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    #[error("the answer has no value to capture at {pointer:?}; its body was withheld")]
    CaptureMissing { pointer: String },
    #[error("the answer names a token but is not JSON; its body was withheld")]
    TokensUnreadable,
    #[error("the answer names a token or holds a secret; it was not stored")]
    TokensInMedia,
    #[error("the answer is compressed, which nobody asked for; its body was withheld")]
    Encoded,
}

#[derive(Default)]
pub(crate) struct Clean {
    pub(crate) body: Vec<u8>,
    pub(crate) captured: Vec<Captured>,
}

/// Lifts, withholds and redacts. Bodies with nothing to hide come back byte for byte.
pub(crate) fn clean(
    success: bool,
    body: &[u8],
    captures: &[Capture],
    redactor: &mut Redactor,
) -> Result<Clean, Withheld> {
    let names_token = success && names_token(body);
    // An escape may hide a name or a secret from a search over bytes.
    let escaped = memchr::memchr2(b'\\', b'%', body).is_some();
    if captures.is_empty() && !names_token && !escaped {
        return Ok(Clean {
            body: redactor.bytes(body).into_owned(),
            captured: Vec::new(),
        });
    }
    let Ok(mut document) = serde_json::from_slice::<Value>(body) else {
        return match captures.first() {
            Some(capture) if success => Err(missing(capture)),
            _ if names_token || success && is_token_form(body) => Err(Withheld::TokensUnreadable),
            _ => Ok(Clean {
                body: redactor.bytes(body).into_owned(),
                captured: Vec::new(),
            }),
        };
    };
    let (captured, mut changed) = match success {
        true => (
            lift(&mut document, captures, redactor)?,
            !captures.is_empty(),
        ),
        false => (Vec::new(), blank(&mut document, captures)),
    };
    // Of a member that is there twice, only the last was looked at: what was read is written anew.
    changed |= names_token | (success && withhold_tokens(&mut document));
    changed |= redactor.json(&mut document);
    let body = match changed {
        true => serde_json::to_vec(&document).expect("a JSON value serialises"),
        false => body.to_vec(),
    };
    Ok(Clean {
        body: redactor.bytes(&body).into_owned(),
        captured,
    })
}

fn names_token(body: &[u8]) -> bool {
    TOKEN_MEMBERS
        .iter()
        .any(|name| memchr::memmem::find(body, name.as_bytes()).is_some())
}

/// A form may write any letter of a name as an escape.
fn is_token_form(body: &[u8]) -> bool {
    url::form_urlencoded::parse(body).any(|(name, _)| TOKEN_MEMBERS.contains(&&*name))
}

fn missing(capture: &Capture) -> Withheld {
    Withheld::CaptureMissing {
        pointer: capture.pointer.clone(),
    }
}

fn lift(
    document: &mut Value,
    captures: &[Capture],
    redactor: &mut Redactor,
) -> Result<Vec<Captured>, Withheld> {
    let mut captured = Vec::with_capacity(captures.len());
    for capture in captures {
        let lifetime_s = capture
            .lifetime
            .as_ref()
            .and_then(|pointer| document.pointer(pointer))
            .and_then(seconds);
        let value = match document.pointer_mut(&capture.pointer) {
            Some(Value::String(value)) if !value.is_empty() && value != CAPTURED => {
                std::mem::replace(value, CAPTURED.to_owned())
            }
            _ => return Err(missing(capture)),
        };
        redactor.learn(&value, CAPTURED);
        captured.push((
            capture.secret.clone(),
            SecretString::from(value),
            lifetime_s,
        ));
    }
    Ok(captured)
}

fn seconds(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// An error answer stores nothing, but what stands at a capture's place is still not for the guest.
fn blank(document: &mut Value, captures: &[Capture]) -> bool {
    let mut changed = false;
    for capture in captures {
        if let Some(value @ Value::String(_)) = document.pointer_mut(&capture.pointer) {
            *value = Value::from(WITHHELD);
            changed = true;
        }
    }
    changed
}

fn withhold_tokens(document: &mut Value) -> bool {
    match document {
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |changed, item| withhold_tokens(item) | changed),
        Value::Object(members) => members.iter_mut().fold(false, |changed, (name, value)| {
            let named = TOKEN_MEMBERS.contains(&name.as_str()) && withhold_strings(value);
            named | withhold_tokens(value) | changed
        }),
        _ => false,
    }
}

/// A token member's string, or its list of them.
fn withhold_strings(value: &mut Value) -> bool {
    match value {
        Value::String(text) if text != CAPTURED => {
            WITHHELD.clone_into(text);
            true
        }
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |changed, item| withhold_strings(item) | changed),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use serde_json::json;

    fn capture(pointer: &str) -> Capture {
        Capture {
            pointer: pointer.to_owned(),
            secret: "token".to_owned(),
            lifetime: Some("/expires_in".to_owned()),
        }
    }

    fn run(success: bool, body: &[u8], captures: &[Capture]) -> Result<Clean, Withheld> {
        let mut redactor = Redactor::default();
        redactor.learn("known-secret-of-the-channel", "[secret api]");
        clean(success, body, captures, &mut redactor)
    }

    fn document(clean: &Clean) -> Value {
        serde_json::from_slice(&clean.body).unwrap()
    }

    #[test]
    fn a_captured_token_is_lifted_with_its_lifetime_and_gone_everywhere() {
        let body = br#"{"access_token":"EAAB-token-value","expires_in":3600,"echo":"is EAAB-token-value"}"#;
        let clean = run(true, body, &[capture("/access_token")]).unwrap();
        let (name, value, lifetime) = &clean.captured[0];
        assert_eq!((name.as_str(), *lifetime), ("token", Some(3600)));
        assert_eq!(value.expose_secret(), "EAAB-token-value");
        assert_eq!(
            document(&clean),
            json!({"access_token":"[captured]","expires_in":3600,"echo":"is [captured]"})
        );
    }

    #[test]
    fn a_missing_capture_withholds_the_whole_body() {
        for body in [
            &br#"{"other":"x"}"#[..],
            br#"{"access_token":17}"#,
            br#"{"access_token":""}"#,
            b"not json",
            b"",
        ] {
            let result = run(true, body, &[capture("/access_token")]);
            let pointer = "/access_token".to_owned();
            assert_eq!(result.err(), Some(Withheld::CaptureMissing { pointer }));
        }
    }

    #[test]
    fn tokens_are_withheld_from_a_2xx_at_any_depth_and_under_any_escape() {
        let body = br#"{"data":[{"refresh_token":"r1","api_key":{"auth_token":"a1"},"id":"7"}],"access\u005ftoken":"e1"}"#;
        let clean = run(true, body, &[]).unwrap();
        assert_eq!(
            document(&clean),
            json!({"data":[{"refresh_token":"[withheld]","api_key":{"auth_token":"[withheld]"},"id":"7"}],
                   "access_token":"[withheld]"})
        );
        assert!(clean.captured.is_empty());
    }

    #[test]
    fn a_2xx_that_names_tokens_outside_json_is_withheld() {
        for body in [
            &b"access_token=EAAB&expires=5"[..],
            b"expires=5&acce%73s%5ftoken=EAAB",
            b"<token><auth_token>EAAB</auth_token></token>",
        ] {
            assert_eq!(run(true, body, &[]).err(), Some(Withheld::TokensUnreadable));
            assert_eq!(run(false, body, &[]).unwrap().body, body);
        }
    }

    #[test]
    fn lists_of_tokens_and_members_that_are_there_twice_are_withheld() {
        let body = br#"[{"api_key":["k1",["k2"],7,{"id":"x"}]}]"#;
        assert_eq!(
            document(&run(true, body, &[]).unwrap()),
            json!([{"api_key":["[withheld]",["[withheld]"],7,{"id":"x"}]}])
        );
        let twice = br#"{"access_token":"EAAB-first","access_token":7}"#;
        let clean = run(true, twice, &[]).unwrap();
        assert!(memchr::memmem::find(&clean.body, b"EAAB").is_none());
    }

    #[test]
    fn several_values_are_captured_at_once_or_none() {
        let mut second = capture("/data/0/key");
        second.secret = "token/4915".to_owned();
        second.lifetime = None;
        let both = [capture("/access_token"), second];
        let body = br#"{"access_token":"EAAB-1","expires_in":"60","data":[{"key":"K-2-long"}]}"#;
        let clean = run(true, body, &both).unwrap();
        let names: Vec<_> = clean.captured.iter().map(|(name, ..)| &**name).collect();
        assert_eq!(names, ["token", "token/4915"]);
        assert_eq!(clean.captured[0].2, Some(60));
        assert_eq!(clean.captured[1].1.expose_secret(), "K-2-long");
        assert_eq!(document(&clean)["data"][0]["key"], "[captured]");
        let half = br#"{"access_token":"EAAB-1","data":[{"key":null}]}"#;
        let pointer = "/data/0/key".to_owned();
        assert_eq!(
            run(true, half, &both).err(),
            Some(Withheld::CaptureMissing { pointer })
        );
    }

    #[test]
    fn an_answer_cannot_claim_that_its_value_was_captured() {
        let body = br#"{"access_token":"[captured]"}"#;
        assert!(run(true, body, &[capture("/access_token")]).is_err());
        assert_eq!(run(true, body, &[]).unwrap().body, body);
    }

    #[test]
    fn an_error_answer_captures_nothing_and_shows_nothing_at_its_place() {
        let body = br#"{"access_token":"half","error":"no"}"#;
        let clean = run(false, body, &[capture("/access_token")]).unwrap();
        assert!(clean.captured.is_empty());
        assert_eq!(
            document(&clean),
            json!({"access_token":"[withheld]","error":"no"})
        );
    }

    #[test]
    fn known_secrets_are_named_however_they_are_escaped() {
        let body = br#"{"e":"bad key known\u002dsecret-of-the-channel"}"#;
        let clean = run(false, body, &[]).unwrap();
        assert_eq!(document(&clean), json!({"e":"bad key [secret api]"}));
    }

    #[test]
    fn a_body_with_nothing_to_hide_is_returned_byte_for_byte() {
        for body in [
            &br#"{ "b": 1.10, "a": 123456789012345678901234567890 }"#[..],
            br#"{"b":"\u00e4","a":1}"#,
            b"\xff\xfe binary \\ bytes",
        ] {
            assert_eq!(run(true, body, &[]).unwrap().body, body);
        }
    }
}
