//! Shapes of JSON documents as data, and what a document does against one.
//!
//! Owns the words of the complaints; what the shapes are stands where they are used.

use serde_json::{Map, Value};

use super::error::GraphError;

/// What a value may be. Lengths are in characters and include both ends.
pub(crate) enum Shape {
    Text(usize, usize),
    OneOf(&'static [&'static str]),
    Bool,
    /// A whole number between these.
    Integer(i64, i64),
    /// Degrees: a number, or a text that is one.
    Degrees,
    /// A whole number, also written as a text, between these.
    Index(i64, i64),
    /// An absolute http or https address.
    Link,
    /// An id that the platform gave out: digits, letters and a little more.
    Id,
    /// The id of a message.
    Wamid,
    List(&'static Shape, usize, usize),
    Object(&'static [Member]),
    /// Any object: what stands in it is a third party's.
    Free,
    Any,
}

/// A member of an object.
pub(crate) struct Member {
    name: &'static str,
    required: bool,
    shape: Shape,
}

/// A member that must be there.
pub(crate) const fn need(name: &'static str, shape: Shape) -> Member {
    Member {
        name,
        required: true,
        shape,
    }
}

/// A member that may be there.
pub(crate) const fn may(name: &'static str, shape: Shape) -> Member {
    Member {
        name,
        required: false,
        shape,
    }
}

/// What kind of mistake it is decides the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlawKind {
    Unknown,
    WrongType,
    Missing,
    Limit,
}

/// The first mistake of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) kind: FlawKind,
    pub(crate) complaint: String,
}

impl Flaw {
    fn new(kind: FlawKind, complaint: impl Into<String>) -> Self {
        Self {
            kind,
            complaint: complaint.into(),
        }
    }

    /// As an answer to a send or a similar call: the code says what kind of mistake it is.
    pub(crate) fn refusal(self) -> GraphError {
        match self.kind {
            FlawKind::Unknown | FlawKind::WrongType => GraphError::parameter(self.complaint),
            FlawKind::Missing => GraphError::with_details(131_008, self.complaint),
            FlawKind::Limit => GraphError::with_details(131_009, self.complaint),
        }
    }

    /// As an answer of the parts of the API that know code 100 only.
    pub(crate) fn parameter(self) -> GraphError {
        GraphError::parameter(self.complaint)
    }
}

/// Holds a value against a shape; `path` names it in complaints.
pub(crate) fn check(value: &Value, shape: &Shape, path: &str) -> Result<(), Flaw> {
    let wrong_type = |wanted: &str| {
        Flaw::new(
            FlawKind::WrongType,
            format!("Param {path} must be {wanted}."),
        )
    };
    match shape {
        Shape::Text(min, max) => {
            let text = value.as_str().ok_or_else(|| wrong_type("a string"))?;
            check_length(text.chars().count(), *min, *max, "characters long", path)
        }
        Shape::OneOf(words) => {
            let text = value.as_str().ok_or_else(|| wrong_type("a string"))?;
            check_word(text, words, path)
        }
        Shape::Bool if value.is_boolean() => Ok(()),
        Shape::Bool => Err(wrong_type("a boolean")),
        Shape::Integer(min, max) => {
            let number = value.as_i64().ok_or_else(|| wrong_type("an integer"))?;
            check_range(number, *min, *max, path)
        }
        Shape::Degrees => {
            let parsed = value.as_f64().or_else(|| value.as_str()?.parse().ok());
            let degrees = parsed.ok_or_else(|| wrong_type("a number of degrees"))?;
            if degrees.abs() <= 180.0 {
                return Ok(());
            }
            Err(Flaw::new(
                FlawKind::Limit,
                format!("Param {path} is not a place on Earth."),
            ))
        }
        Shape::Index(min, max) => {
            let parsed = value.as_i64().or_else(|| value.as_str()?.parse().ok());
            let index = parsed.ok_or_else(|| wrong_type("an index"))?;
            check_range(index, *min, *max, path)
        }
        Shape::Link => check_link(value.as_str().ok_or_else(|| wrong_type("a URL"))?, path),
        Shape::Id => check_id(value.as_str().ok_or_else(|| wrong_type("a string"))?, path),
        Shape::Wamid => match value.as_str() {
            Some(id) if id.starts_with("wamid.") && id.len() > "wamid.".len() => Ok(()),
            Some(_) => {
                let complaint = format!("{path} must be a message id of Meta's");
                Err(Flaw::new(FlawKind::Limit, complaint))
            }
            None => Err(wrong_type("a string")),
        },
        Shape::List(of, min, max) => {
            let items = value.as_array().ok_or_else(|| wrong_type("an array"))?;
            check_length(items.len(), *min, *max, "items", path)?;
            (0..)
                .zip(items)
                .try_for_each(|(at, item): (usize, _)| check(item, of, &format!("{path}[{at}]")))
        }
        Shape::Object(members) => {
            let object = value
                .as_object()
                .ok_or_else(|| wrong_type("a JSON object"))?;
            check_members(object, members, path)
        }
        Shape::Free if value.is_object() => Ok(()),
        Shape::Free => Err(wrong_type("a JSON object")),
        Shape::Any => Ok(()),
    }
}

/// Holds an object against its members. A member that is null is as good as absent.
pub(crate) fn check_members(
    object: &Map<String, Value>,
    members: &[Member],
    path: &str,
) -> Result<(), Flaw> {
    for name in object.keys() {
        if !members.iter().any(|member| member.name == name) {
            let place = if path.is_empty() {
                String::new()
            } else {
                format!(" on param \"{path}\"")
            };
            let complaint = format!("Unexpected key \"{name}\"{place}.");
            return Err(Flaw::new(FlawKind::Unknown, complaint));
        }
    }
    for member in members {
        let place = if path.is_empty() {
            member.name.to_owned()
        } else {
            format!("{path}.{}", member.name)
        };
        match object.get(member.name) {
            None | Some(Value::Null) if member.required => {
                let complaint = format!("Required parameter is missing: {place}");
                return Err(Flaw::new(FlawKind::Missing, complaint));
            }
            None | Some(Value::Null) => {}
            Some(value) => check(value, &member.shape, &place)?,
        }
    }
    Ok(())
}

fn check_word(text: &str, words: &[&str], path: &str) -> Result<(), Flaw> {
    if words.contains(&text) {
        return Ok(());
    }
    let all = words.join(", ");
    let complaint = format!("Param {path} must be one of {{{all}}} - got \"{text}\".");
    Err(Flaw::new(FlawKind::Limit, complaint))
}

fn check_length(count: usize, min: usize, max: usize, unit: &str, path: &str) -> Result<(), Flaw> {
    if (min..=max).contains(&count) {
        return Ok(());
    }
    let complaint = if count < min {
        format!("Param {path} must be at least {min} {unit}, not {count}.")
    } else {
        format!("Param {path} must be at most {max} {unit}, not {count}.")
    };
    Err(Flaw::new(FlawKind::Limit, complaint))
}

fn check_range(number: i64, min: i64, max: i64, path: &str) -> Result<(), Flaw> {
    if (min..=max).contains(&number) {
        return Ok(());
    }
    let complaint = format!("Param {path} must be between {min} and {max}, not {number}.");
    Err(Flaw::new(FlawKind::Limit, complaint))
}

fn check_link(text: &str, path: &str) -> Result<(), Flaw> {
    let is_web = url::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if is_web {
        return Ok(());
    }
    let complaint = format!("Param {path} is not a valid URI.");
    Err(Flaw::new(FlawKind::Limit, complaint))
}

fn check_id(text: &str, path: &str) -> Result<(), Flaw> {
    let is_id = (1..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_id {
        return Ok(());
    }
    let complaint = format!("Param {path} is not a valid id.");
    Err(Flaw::new(FlawKind::Limit, complaint))
}

/// A text of an object, or nothing.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// A list of an object, or an empty one.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
