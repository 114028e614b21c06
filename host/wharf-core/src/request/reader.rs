//! Reading a request's JSON strictly: every wrong field is named by its pointer, none is skipped, and all of
//! them are told at once. Knows no message.

use serde_json::{Map, Value};

use super::limits::{Chars, Count};
use super::media::StoredUse;
use crate::provider::Json;

/// A field the caller must correct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// RFC 6901 pointer into the request's body.
    pub pointer: String,
    /// Stable: `missing`, `unknown`, `wrong-type`, `invalid`, `too-long`, `too-many`, `duplicate`,
    /// `unsupported`.
    pub code: &'static str,
    pub detail: String,
}

impl FieldError {
    pub fn new(pointer: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.to_owned(),
            code,
            detail: detail.into(),
        }
    }
}

/// One object of the request, and where it stands.
#[derive(Clone)]
pub(super) struct Object<'v> {
    pub(super) map: &'v Map<String, Value>,
    pub(super) at: String,
}

impl<'v> Object<'v> {
    /// Where the member of that name stands, or would.
    pub(super) fn pointer(&self, name: &str) -> String {
        format!("{}/{}", self.at, name.replace('~', "~0").replace('/', "~1"))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'v Value> {
        self.map.get(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }
}

/// Collects errors while it reads.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) errors: Vec<FieldError>,
    /// Stored objects that were named.
    pub(super) stored: Vec<StoredUse>,
}

impl Reader {
    pub(super) fn error(&mut self, pointer: &str, code: &'static str, detail: impl Into<String>) {
        self.errors.push(FieldError::new(pointer, code, detail));
    }

    /// The value, or its refusal noted.
    pub(super) fn keep<T>(&mut self, result: Result<T, FieldError>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }

    /// A missing member, and what to give.
    pub(super) fn missing<T>(&mut self, object: &Object<'_>, name: &str, give: &str) -> Option<T> {
        self.error(&object.pointer(name), "missing", give);
        None
    }

    pub(super) fn as_object<'v>(&mut self, value: &'v Value, at: &str) -> Option<Object<'v>> {
        match value {
            Value::Object(map) => Some(Object {
                map,
                at: at.to_owned(),
            }),
            _ => {
                self.error(at, "wrong-type", "give a JSON object");
                None
            }
        }
    }

    /// Notes every member that is not one of these.
    pub(super) fn only(&mut self, object: &Object<'_>, known: &[&str]) {
        for name in object.map.keys() {
            if !known.contains(&name.as_str()) {
                let detail = format!(
                    "this field is not known here; known are {}",
                    known.join(", ")
                );
                self.error(&object.pointer(name), "unknown", detail);
            }
        }
    }

    /// An object that may be left out.
    pub(super) fn object<'v>(&mut self, within: &Object<'v>, name: &str) -> Option<Object<'v>> {
        let value = within.get(name)?;
        self.as_object(value, &within.pointer(name))
    }

    /// An object that must be there.
    pub(super) fn needed_object<'v>(
        &mut self,
        within: &Object<'v>,
        name: &str,
        give: &str,
    ) -> Option<Object<'v>> {
        match within.get(name) {
            Some(value) => self.as_object(value, &within.pointer(name)),
            None => self.missing(within, name, give),
        }
    }

    /// A string that may be left out, whatever it says.
    pub(super) fn string(&mut self, within: &Object<'_>, name: &str) -> Option<String> {
        match within.get(name)? {
            Value::String(text) => Some(text.clone()),
            _ => {
                self.error(&within.pointer(name), "wrong-type", "give a string");
                None
            }
        }
    }

    /// A text that may be left out.
    pub(super) fn text(
        &mut self,
        within: &Object<'_>,
        name: &str,
        limit: &Chars,
    ) -> Option<String> {
        let text = self.string(within, name)?;
        let checked = limit.check(&within.pointer(name), &text);
        self.keep(checked).map(|()| text)
    }

    /// A text that must be there.
    pub(super) fn needed_text(
        &mut self,
        within: &Object<'_>,
        name: &str,
        limit: &Chars,
    ) -> Option<String> {
        if !within.has(name) {
            let give = format!("give {}", limit.what);
            return self.missing(within, name, &give);
        }
        self.text(within, name, limit)
    }

    /// An id of the provider's: never shown to people, so it may say anything but control characters.
    pub(super) fn id(&mut self, within: &Object<'_>, name: &str, limit: &Chars) -> Option<String> {
        let text = self.needed_text(within, name, limit)?;
        if text.chars().any(char::is_control) {
            let detail = format!("{} has no control characters", limit.what);
            self.error(&within.pointer(name), "invalid", detail);
            return None;
        }
        Some(text)
    }

    /// False when it is left out.
    pub(super) fn flag(&mut self, within: &Object<'_>, name: &str) -> bool {
        match within.get(name) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.error(&within.pointer(name), "wrong-type", "give true or false");
                false
            }
        }
    }

    /// One of a few words, which may be left out.
    pub(super) fn word<'w>(
        &mut self,
        within: &Object<'_>,
        name: &str,
        words: &[&'w str],
    ) -> Option<&'w str> {
        let text = self.string(within, name)?;
        let found = words.iter().copied().find(|word| *word == text);
        if found.is_none() {
            let detail = format!("give one of {}", words.join(", "));
            self.error(&within.pointer(name), "invalid", detail);
        }
        found
    }

    /// The elements of a list that must be there, each with its pointer.
    pub(super) fn needed_list<'v>(
        &mut self,
        within: &Object<'v>,
        name: &str,
        count: &Count,
    ) -> Option<Vec<(&'v Value, String)>> {
        let pointer = within.pointer(name);
        let elements = match within.get(name) {
            None => return self.missing(within, name, &format!("give {count}")),
            Some(Value::Array(elements)) => elements,
            Some(_) => {
                self.error(&pointer, "wrong-type", "give a JSON array");
                return None;
            }
        };
        let checked = count.check(&pointer, elements.len());
        self.keep(checked)?;
        let placed = |(number, value)| (value, format!("{pointer}/{number}"));
        Some(elements.iter().enumerate().map(placed).collect())
    }

    /// The objects of a list that must be there. The others are noted and left out.
    pub(super) fn needed_objects<'v>(
        &mut self,
        within: &Object<'v>,
        name: &str,
        count: &Count,
    ) -> Option<Vec<Object<'v>>> {
        let elements = self.needed_list(within, name, count)?;
        let objects = elements
            .into_iter()
            .filter_map(|(value, at)| self.as_object(value, &at));
        Some(objects.collect())
    }

    /// A document whose shape is not ours, in a form that plugins and tables take.
    pub(super) fn document(&mut self, value: &Value, pointer: &str) -> Option<Json> {
        match Json::parse(value.to_string()) {
            Ok(document) => Some(document),
            Err(error) => {
                let detail = format!("this document cannot be passed on: {error}");
                self.error(pointer, "invalid", detail);
                None
            }
        }
    }

    /// Notes each of these that was seen before.
    pub(super) fn unique<'t>(
        &mut self,
        what: &str,
        named: impl IntoIterator<Item = (&'t str, String)>,
    ) {
        let mut seen: Vec<&str> = Vec::new();
        for (text, pointer) in named {
            if seen.contains(&text) {
                let detail = format!("{what} is given twice; each must be different");
                self.error(&pointer, "duplicate", detail);
            }
            seen.push(text);
        }
    }
}
