//! The field `calls`: raw events, since the gateway carries no calls.

use wharf_plugin::prelude::Event;

use super::{Atom, Setting, word};
use crate::json::Object;
use wharf_plugin::document;

pub(super) fn read(raw: &str, _: &Setting<'_>) -> Option<Atom> {
    atom(raw, "event")
}

/// A call that rings, or was accepted or rejected.
pub(super) fn status(raw: &str, _: &Setting<'_>) -> Option<Atom> {
    atom(raw, "status")
}

/// A call's id comes with each thing that happens to it.
fn atom(raw: &str, what: &str) -> Option<Atom> {
    let call = Object::read(raw)?;
    let (id, what) = (call.id("id")?, call.text(what)?);
    let time = call.text("timestamp").unwrap_or_default();
    let key = format!("call:{id}:{}:{}", word(&what), word(&time));
    Some((key, Event::Other(document(raw))))
}
