//! `{{variables}}` of a content: their names, their values, and the text that they make.
//!
//! Rules: <https://www.twilio.com/docs/content/using-variables-with-content-api>.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::error::TwilioError;

const VARIABLES_MAX: usize = 100;
const NAME_CHARS_MAX: usize = 16;
const VALUE_CHARS_MAX: usize = 1600;
/// More of them in a row are refused in the text of a template.
const SPACES_MAX: usize = 4;

pub(super) type Values = BTreeMap<String, String>;

/// Names and limits of the variables in a content, and of the samples that it brings.
pub(super) fn check(types: &Value, samples: &Value) -> Result<(), TwilioError> {
    let names = names_in(types);
    let samples = samples.as_object().into_iter().flatten();
    let declared = samples.clone().map(|(name, _)| name.clone());
    let all: BTreeSet<String> = names.into_iter().chain(declared).collect();
    if all.len() > VARIABLES_MAX {
        return Err(TwilioError::because(
            92_002,
            format_args!("{} of {VARIABLES_MAX}", all.len()),
        ));
    }
    for name in &all {
        let is_word = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if name.is_empty() || !is_word || name.len() > NAME_CHARS_MAX {
            return Err(TwilioError::invalid(format_args!(
                "variable name '{name}' has to be 1 to {NAME_CHARS_MAX} letters, digits and underscores"
            )));
        }
    }
    for (name, sample) in samples {
        let count = sample.as_str().unwrap_or_default().chars().count();
        if count > VALUE_CHARS_MAX {
            return Err(TwilioError::invalid(format_args!(
                "the sample of '{name}' has more than {VALUE_CHARS_MAX} characters"
            )));
        }
    }
    Ok(())
}

/// Reads `ContentVariables` for a content of these types.
pub(super) fn read(text: &str, types: &Value) -> Result<Values, TwilioError> {
    let refused = |details: &str| TwilioError::because(21_656, details);
    let object: BTreeMap<String, Value> =
        serde_json::from_str(text).map_err(|_| refused("it is not a JSON object"))?;
    let in_bodies = names_in_bodies(types);
    let mut values = Values::new();
    for (name, value) in object {
        let Some(value) = value.as_str().filter(|value| !value.is_empty()) else {
            return Err(refused(&format!("'{name}' is not a string with content")));
        };
        let is_wide = value.contains(&" ".repeat(SPACES_MAX + 1));
        if in_bodies.contains(&name) && (value.contains(['\n', '\r', '\t']) || is_wide) {
            return Err(refused(&format!(
                "'{name}' has a line break, a tab or more than {SPACES_MAX} spaces in a row"
            )));
        }
        if value.chars().count() > VALUE_CHARS_MAX {
            return Err(TwilioError::because(21_658, format_args!("'{name}'")));
        }
        values.insert(name, value.to_owned());
    }
    Ok(values)
}

/// The types with values for variables; samples stand in for those that are missing.
pub(super) fn render(types: &Value, samples: &Value, values: &Values) -> Value {
    match types {
        Value::String(text) => Value::String(filled(text, samples, values)),
        Value::Array(items) => items
            .iter()
            .map(|item| render(item, samples, values))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (name.clone(), render(field, samples, values)))
            .collect(),
        other => other.clone(),
    }
}

fn filled(text: &str, samples: &Value, values: &Values) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, name, after)) = next_variable(rest) {
        out.push_str(before);
        let sample = samples[name].as_str();
        out.push_str(
            values
                .get(name)
                .map(String::as_str)
                .or(sample)
                .unwrap_or(""),
        );
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Text before the next variable, its name, and the text behind it.
pub(super) fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (name, after) = rest.split_once("}}")?;
    Some((before, name.trim(), after))
}

/// All names, wherever in the types they stand.
pub(super) fn names_in(types: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut left = vec![types];
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) => add_names(text, &mut names),
            Value::Array(items) => left.extend(items),
            Value::Object(fields) => left.extend(fields.values()),
            _ => {}
        }
    }
    names
}

fn names_in_bodies(types: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for body in bodies(types) {
        add_names(body, &mut names);
    }
    names
}

/// The main text of each type.
pub(super) fn bodies(types: &Value) -> impl Iterator<Item = &str> {
    let types = types.as_object().into_iter().flatten();
    types.filter_map(|(_, value)| value["body"].as_str())
}

fn add_names(text: &str, names: &mut BTreeSet<String>) {
    let mut rest = text;
    while let Some((_, name, after)) = next_variable(rest) {
        names.insert(name.to_owned());
        rest = after;
    }
}
