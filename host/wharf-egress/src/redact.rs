//! Finds known secret values in what comes back and puts their names in their place.
//!
//! Knows values and labels only; what a request or an answer is, it must not know.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use memchr::memmem;
use secrecy::{ExposeSecret, SecretSlice};

use crate::value::{form_encode, percent_encode};

/// Shorter values are not searched for: they stand in every other text.
const NEEDLE_BYTES_MIN: usize = 4;

/// Shorter ones, such as a PIN of six digits, count only as a whole word: the same digits inside a
/// message id must survive.
const WORD_BYTES_MAX: usize = 16;

/// Shorter values are not looked for in what is stored.
const STORED_BYTES_MIN: usize = 8;

struct Needle {
    value: SecretSlice<u8>,
    label: String,
}

#[derive(Default)]
pub(crate) struct Redactor {
    /// Longest first: a URL goes as a whole before the token inside it.
    needles: Vec<Needle>,
}

impl Redactor {
    /// Knows the value from now on, also in the forms it has inside URLs, forms, JSON and base64.
    pub(crate) fn learn(&mut self, value: &str, label: &str) {
        self.add(value.as_bytes(), label);
        if value.len() < NEEDLE_BYTES_MIN {
            return;
        }
        for form in [
            percent_encode(value),
            lower_escapes(&percent_encode(value)),
            form_encode(value),
            lower_escapes(&form_encode(value)),
            json_escape(value),
            json_escape(value).replace('/', "\\/"),
        ] {
            if form.as_str() != value {
                self.add(form.as_bytes(), label);
            }
        }
        for alphabet in [STANDARD, URL_SAFE] {
            for offset in 0..3 {
                if let Some(form) = inside_base64(value, offset, &alphabet) {
                    self.add(form.as_bytes(), label);
                }
            }
        }
    }

    /// True when a value stands in the bytes, also within a word; those below 8 bytes are not looked
    /// for, since a large file holds most of them by chance.
    pub(crate) fn knows(&self, bytes: &[u8]) -> bool {
        self.needles
            .iter()
            .map(|needle| needle.value.expose_secret())
            .filter(|value| value.len() >= STORED_BYTES_MIN)
            .any(|value| memmem::find(bytes, value).is_some())
    }

    pub(crate) fn longest_bytes(&self) -> usize {
        let longest = self.needles.first();
        longest.map_or(0, |needle| needle.value.expose_secret().len())
    }

    fn add(&mut self, value: &[u8], label: &str) {
        let known = |needle: &Needle| needle.value.expose_secret() == value;
        if value.len() < NEEDLE_BYTES_MIN || self.needles.iter().any(known) {
            return;
        }
        let at = self
            .needles
            .partition_point(|needle| needle.value.expose_secret().len() >= value.len());
        let needle = Needle {
            value: value.to_vec().into(),
            label: label.to_owned(),
        };
        self.needles.insert(at, needle);
    }

    /// The text without secrets; borrowed when there was none.
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => {
                Cow::Owned(String::from_utf8(bytes).expect("UTF-8 replaced by UTF-8 stays UTF-8"))
            }
        }
    }

    /// The same for bytes that may not be text.
    pub(crate) fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut text = Cow::Borrowed(bytes);
        for needle in &self.needles {
            if let Some(replaced) = replace(&text, needle.value.expose_secret(), &needle.label) {
                text = Cow::Owned(replaced);
            }
        }
        text
    }

    /// Replaces inside every string and key of a document, however it was escaped; true if any was.
    pub(crate) fn json(&self, document: &mut serde_json::Value) -> bool {
        use serde_json::Value;
        match document {
            Value::String(text) => match self.text(text) {
                Cow::Borrowed(_) => false,
                Cow::Owned(clean) => {
                    *text = clean;
                    true
                }
            },
            Value::Array(items) => items
                .iter_mut()
                .fold(false, |changed, item| self.json(item) | changed),
            Value::Object(members) => {
                let dirty = members
                    .keys()
                    .any(|key| matches!(self.text(key), Cow::Owned(_)));
                if dirty {
                    *members = std::mem::take(members)
                        .into_iter()
                        .map(|(key, value)| (self.text(&key).into_owned(), value))
                        .collect();
                }
                members
                    .values_mut()
                    .fold(dirty, |changed, item| self.json(item) | changed)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

/// `%2F` as `%2f`, which is just as legal.
fn lower_escapes(encoded: &str) -> String {
    let mut escape = 0;
    encoded
        .chars()
        .map(|character| {
            escape = match character {
                '%' => 2,
                _ if escape > 0 => {
                    escape -= 1;
                    return character.to_ascii_lowercase();
                }
                _ => 0,
            };
            character
        })
        .collect()
}

/// As a JSON string holds it, without the quotation marks.
fn json_escape(value: &str) -> String {
    let quoted = serde_json::to_string(value).expect("a string serialises");
    quoted[1..quoted.len() - 1].to_owned()
}

/// What of the value's base64 is the same whatever stands around it, when it begins `offset` bytes
/// into a group of three; none when that is too little to be recognised.
fn inside_base64(value: &str, offset: usize, alphabet: &GeneralPurpose) -> Option<String> {
    let padded = [&[0; 2][..offset], value.as_bytes()].concat();
    let encoded = alphabet.encode(&padded);
    // Each character holds six bits: leave out those that hold a bit of what is around.
    let inner = encoded.get((offset * 8).div_ceil(6)..padded.len() * 8 / 6)?;
    (inner.len() >= WORD_BYTES_MAX).then(|| inner.to_owned())
}

fn replace(text: &[u8], needle: &[u8], label: &str) -> Option<Vec<u8>> {
    let whole_word = needle.len() < WORD_BYTES_MAX;
    let word_at = |at: Option<usize>| {
        at.and_then(|at| text.get(at))
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
    };
    let mut out = Vec::new();
    let mut copied = 0;
    for at in memmem::find_iter(text, needle) {
        let inside = word_at(at.checked_sub(1)) || word_at(Some(at + needle.len()));
        if whole_word && inside {
            continue;
        }
        out.extend_from_slice(&text[copied..at]);
        out.extend_from_slice(label.as_bytes());
        copied = at + needle.len();
    }
    (copied > 0).then(|| {
        out.extend_from_slice(&text[copied..]);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn redactor() -> Redactor {
        let mut redactor = Redactor::default();
        redactor.learn("EAAGsecretsecretsecret/1", "[secret token]");
        redactor.learn("482913", "[secret pin]");
        redactor.learn("abc", "[secret short]");
        redactor.learn(
            "https://gw.example/webhooks/graph/EAAGsecretsecretsecret/1",
            "[url]",
        );
        redactor
    }

    #[test]
    fn values_are_replaced_plain_and_percent_encoded() {
        let redactor = redactor();
        assert_eq!(
            redactor.text("bad token EAAGsecretsecretsecret/1!"),
            "bad token [secret token]!"
        );
        assert_eq!(
            redactor.text("?t=EAAGsecretsecretsecret%2F1&x"),
            "?t=[secret token]&x"
        );
        assert_eq!(
            redactor.bytes(b"\xffEAAGsecretsecretsecret/1\xfe").as_ref(),
            b"\xff[secret token]\xfe"
        );
    }

    #[test]
    fn values_are_found_in_every_usual_encoding() {
        let mut redactor = Redactor::default();
        let value = "p\u{e4}ss \"w/rd\"\\ + 100%+tail";
        redactor.learn(value, "[secret]");
        let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let percent = percent_encode(value);
        let json = serde_json::to_string(value).unwrap();
        for (text, expected) in [
            (value.to_owned(), "[secret]"),
            (format!("?a={percent}&b"), "?a=[secret]&b"),
            (format!("?a={}&b", lower_escapes(&percent)), "?a=[secret]&b"),
            (format!("a={form}&b"), "a=[secret]&b"),
            (format!("a={}&b", lower_escapes(&form)), "a=[secret]&b"),
            (
                format!("{{\"a\":{json}}} half"),
                "{\"a\":\"[secret]\"} half",
            ),
            (format!("[{}", json.replace('/', "\\/")), "[\"[secret]\""),
        ] {
            assert_eq!(redactor.text(&text), expected);
        }
    }

    #[test]
    fn values_are_found_inside_base64_whatever_is_around_them() {
        let mut redactor = Redactor::default();
        redactor.learn("EAAG?token>of~the-channel", "[secret]");
        for before in ["", "u", "us", "usr", "AC1:"] {
            for after in ["", "!", "!!", ":rest"] {
                let text = format!("{before}EAAG?token>of~the-channel{after}");
                for alphabet in [STANDARD, URL_SAFE] {
                    let clean = redactor.text(&alphabet.encode(&text)).into_owned();
                    assert!(clean.contains("[secret]"), "{text}: {clean}");
                    // What is around, and at most two characters on each side that hold bits of both.
                    let rest = (before.len() + after.len()).div_ceil(3) * 4 + 4;
                    assert!(
                        clean.len() <= "[secret]".len() + rest + 4,
                        "{text}: {clean}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_longest_value_goes_first() {
        let text = "https://gw.example/webhooks/graph/EAAGsecretsecretsecret/1";
        assert_eq!(redactor().text(text), "[url]");
    }

    #[test]
    fn short_values_count_as_whole_words_only() {
        let redactor = redactor();
        assert_eq!(redactor.text("pin 482913."), "pin [secret pin].");
        assert_eq!(redactor.text("wamid.1482913A"), "wamid.1482913A");
        assert_eq!(redactor.text("9482913"), "9482913");
        assert_eq!(redactor.text("abc"), "abc");
    }

    #[test]
    fn clean_text_is_not_copied() {
        assert!(matches!(redactor().text("nothing here"), Cow::Borrowed(_)));
    }

    #[test]
    fn documents_are_cleaned_in_values_and_keys() {
        let mut document = json!({
            "EAAGsecretsecretsecret/1": 1,
            "list": ["x", {"deep": "pin 482913"}],
            "number": 482_913,
        });
        assert!(redactor().json(&mut document));
        assert_eq!(
            document,
            json!({
                "[secret token]": 1,
                "list": ["x", {"deep": "pin [secret pin]"}],
                "number": 482_913,
            })
        );
        assert!(!redactor().json(&mut json!({"a": ["b"]})));
    }
}
