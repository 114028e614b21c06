//! One value with its place: what a type is read from, and where its problems point.

use figment::value::{Dict, Value};

use crate::error::{Origin, Problem};
use crate::layer::KeyPath;
use crate::read::Context;

/// One value with the place it has.
pub(crate) struct At<'a> {
    pub(crate) cx: &'a Context<'a>,
    pub(crate) path: KeyPath,
    pub(crate) value: &'a Value,
}

impl<'a> At<'a> {
    pub(crate) fn text(&self) -> Option<&'a str> {
        match self.value {
            Value::String(_, text) => Some(text),
            Value::Dict(..) => self.refuse(
                "a table where one value belongs",
                "write a value in quotes; only secrets can be `{ file = ... }` or `{ env = ... }`",
            ),
            _ => self.refuse(
                "a list where one value belongs",
                "write one value, without [ ]",
            ),
        }
    }

    pub(crate) fn dict(&self) -> Option<&'a Dict> {
        match self.value {
            Value::Dict(_, dict) => Some(dict),
            _ => self.refuse("must be a table", "write keys below it, or remove it"),
        }
    }

    pub(crate) fn id(&self, id: &str) -> Option<()> {
        if is_id(id) {
            return Some(());
        }
        self.refuse("not a usable name", ID_REMEDY)
    }

    pub(crate) fn origin(&self) -> Origin {
        self.cx.origin(&self.path)
    }

    /// The same place one step deeper.
    pub(crate) fn item<'b>(&self, step: &str, value: &'b Value) -> At<'b>
    where
        'a: 'b,
    {
        let mut path = self.path.clone();
        path.push(step.to_owned());
        At {
            cx: self.cx,
            path,
            value,
        }
    }

    pub(crate) fn refuse<T>(
        &self,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Option<T> {
        let problem = Problem::new(self.origin(), dotted(&self.path), what, remedy);
        self.cx.report(problem);
        None
    }
}

pub(crate) const ID_REMEDY: &str =
    "use 1 to 63 of a-z, 0-9, - and _, starting with a letter or digit";

/// `[a-z0-9][a-z0-9_-]{0,62}`
pub(crate) fn is_id(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut bytes = text.bytes();
    bytes.next().is_some_and(inner)
        && text.len() <= 63
        && bytes.all(|byte| inner(byte) || byte == b'_' || byte == b'-')
}

/// The path as TOML would write it.
pub(crate) fn dotted(path: &[String]) -> String {
    let part = |part: &String| match part.contains('.') {
        true => format!("\"{part}\""),
        false => part.clone(),
    };
    path.iter().map(part).collect::<Vec<_>>().join(".")
}
