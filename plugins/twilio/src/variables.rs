//! Content variables: the values that fill a content's `{{1}}`, and texts turned into places for them. What a
//! tenant writes only ever becomes a value, so no text of theirs is read as a placeholder.

use serde_json::{Map, Value as Json};
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Field, Value};

/// A content holds at most so many variables
/// (<https://www.twilio.com/docs/content/using-variables-with-content-api>).
pub(crate) const VARIABLES_MAX: usize = 100;
/// A value's length, from the same page.
pub(crate) const VALUE_CHARS_MAX: usize = 1_600;
/// A value with more spaces in a row is refused: error 21656.
const SPACES_MAX: usize = 4;
/// What a variable stands for until it is filled. Never a customer's text: contents are kept and reused.
const SAMPLE: &str = "sample";

/// Values by the variable's name, in the order they were given.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Variables(Vec<(String, Value)>);

impl Variables {
    /// Adds a text under the next number and gives its placeholder.
    pub(crate) fn next(&mut self, text: &str) -> String {
        self.next_value(vec![piece::text(text)])
    }

    /// The same for a value that the host assembles.
    pub(crate) fn next_value(&mut self, value: Value) -> String {
        let name = (self.0.len() + 1).to_string();
        let placeholder = format!("{{{{{name}}}}}");
        self.0.push((name, value));
        placeholder
    }

    /// Fills a variable; false when it holds another value already.
    pub(crate) fn fill(&mut self, name: &str, value: Value) -> bool {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((_, before)) => *before == value,
            None => {
                self.0.push((name.to_owned(), value));
                true
            }
        }
    }

    pub(crate) fn holds(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The samples that a content is created with.
    pub(crate) fn samples(&self) -> Json {
        let sample = |(name, _): &(String, Value)| (name.clone(), Json::from(SAMPLE));
        Json::Object(self.0.iter().map(sample).collect::<Map<_, _>>())
    }

    /// The form field: one JSON object as text, with links where the host puts them. None without variables.
    pub(crate) fn field(self) -> Option<Field> {
        if self.0.is_empty() {
            return None;
        }
        let mut json = Pieces::default();
        for (index, (name, value)) in self.0.into_iter().enumerate() {
            json.text(if index == 0 { "{" } else { "," });
            json.text(&quoted(&name));
            json.text(":\"");
            for part in value {
                match part {
                    Piece::Text(text) => json.text(inner(&quoted(&text))),
                    // A link: nothing in it needs an escape.
                    other => json.0.push(other),
                }
            }
            json.text("\"");
        }
        json.text("}");
        Some(Field::new("ContentVariables", json.0))
    }
}

/// A value that grows, text joined to text.
#[derive(Default)]
struct Pieces(Value);

impl Pieces {
    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.0.push(piece::text(text)),
        }
    }
}

fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

/// A JSON string without its quotes.
fn inner(quoted: &str) -> &str {
    quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(quoted)
}

/// A text as a skeleton: what a value may not hold (line breaks, tabs, long runs of spaces) stays as it is,
/// and everything between becomes a variable. Two texts with the same lines share one content.
pub(crate) fn skeleton(text: &str, variables: &mut Variables) -> String {
    let mut skeleton = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (words, gap) = gap(rest);
        if let Some(words) = rest.get(..words).filter(|words| !words.is_empty()) {
            skeleton.push_str(&variables.next(words));
        }
        skeleton.push_str(rest.get(words..gap).unwrap_or_default());
        rest = rest.get(gap..).unwrap_or_default();
    }
    skeleton
}

/// Where the next gap begins and ends. It takes the spaces around it along: a value of spaces alone would be
/// an empty one.
fn gap(text: &str) -> (usize, usize) {
    let mut start = None;
    let mut breaks = false;
    let mut spaces = 0;
    for (index, character) in text.char_indices() {
        let space = character == ' ';
        if space || matches!(character, '\n' | '\r' | '\t') {
            start.get_or_insert(index);
            breaks |= !space;
            spaces = if space { spaces + 1 } else { 0 };
            breaks |= spaces > SPACES_MAX;
            continue;
        }
        match start {
            Some(start) if breaks || start == 0 => return (start, index),
            _ => (start, spaces) = (None, 0),
        }
    }
    (start.unwrap_or(text.len()), text.len())
}

/// Why a text cannot be a variable's value, if it cannot.
pub(crate) fn problem(text: &str) -> Option<&'static str> {
    if text.trim().is_empty() {
        return Some("is empty");
    }
    if text.contains(['\n', '\r', '\t']) {
        return Some("holds a line break or a tab");
    }
    if text.contains("     ") {
        return Some("holds more than four spaces in a row");
    }
    (text.len() > VALUE_CHARS_MAX && text.chars().count() > VALUE_CHARS_MAX)
        .then_some("is longer than 1600 characters")
}

/// The names of the placeholders in a text, each once: numbers in their order, else as they stand.
pub(crate) fn placeholders(text: &str) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else {
            break;
        };
        let name = name.trim();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        if name.is_empty() || !name.bytes().all(plain) {
            // `{{{{1}}`: the second pair of braces may open a placeholder.
            rest = after;
            continue;
        }
        if !names.contains(&name) {
            names.push(name);
        }
        rest = behind;
    }
    let numbers: Option<Vec<u32>> = names.iter().map(|name| name.parse().ok()).collect();
    if numbers.is_some() {
        names.sort_by_key(|name| name.parse::<u32>().unwrap_or(u32::MAX));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skeleton_of(text: &str) -> (String, Vec<String>) {
        let mut variables = Variables::default();
        let skeleton = skeleton(text, &mut variables);
        let values = variables
            .0
            .into_iter()
            .map(|(_, value)| match value.first() {
                Some(Piece::Text(text)) => text.clone(),
                other => panic!("{other:?}"),
            });
        (skeleton, values.collect())
    }

    #[test]
    fn a_text_is_one_variable_until_something_no_value_may_hold() {
        for (text, skeleton, values) in [
            ("Hello Ada", "{{1}}", vec!["Hello Ada"]),
            (
                "one\ntwo\r\n\r\nthree",
                "{{1}}\n{{2}}\r\n\r\n{{3}}",
                vec!["one", "two", "three"],
            ),
            ("a \n b", "{{1}} \n {{2}}", vec!["a", "b"]),
            ("a    b", "{{1}}", vec!["a    b"]),
            ("a     b", "{{1}}     {{2}}", vec!["a", "b"]),
            ("tab\tend ", "{{1}}\t{{2}} ", vec!["tab", "end"]),
            ("  start", "  {{1}}", vec!["start"]),
            (" \n ", " \n ", vec![]),
            ("{{1}} is mine", "{{1}}", vec!["{{1}} is mine"]),
        ] {
            let values = values.into_iter().map(str::to_owned).collect();
            assert_eq!(skeleton_of(text), (skeleton.to_owned(), values), "{text:?}");
        }
    }

    #[test]
    fn no_value_of_a_skeleton_breaks_twilios_rules() {
        let text = " a \n\n  b     c\td      \n e\u{2028}f ";
        for value in skeleton_of(text).1 {
            assert_eq!(problem(&value), None, "{value:?}");
        }
    }

    #[test]
    fn numbers_are_filled_in_their_order_and_names_as_they_stand() {
        for (text, names) in [
            ("{{2}} before {{1}} and {{2}}", vec!["1", "2"]),
            ("{{10}} {{9}}", vec!["9", "10"]),
            ("{{ name }} {{code}}", vec!["name", "code"]),
            ("{{name}} {{1}}", vec!["name", "1"]),
            ("{{{{1}} {{}} {{a b}} {{3", vec!["1"]),
            ("none", vec![]),
        ] {
            assert_eq!(placeholders(text), names, "{text:?}");
        }
    }

    #[test]
    fn the_field_is_json_whatever_the_values_say() {
        let mut variables = Variables::default();
        variables.next("a \"quoted\" \\ word\u{1}");
        assert!(variables.fill("name", vec![piece::text("x")]));
        assert!(!variables.fill("name", vec![piece::text("y")]));
        let field = variables.field().expect("two variables");
        let [Piece::Text(text)] = field.value.as_slice() else {
            panic!("one text")
        };
        let json: Json = serde_json::from_str(text).expect("JSON");
        assert_eq!(json["1"], "a \"quoted\" \\ word\u{1}");
        assert_eq!(json["name"], "x");
        assert_eq!(Variables::default().field(), None);
    }
}
