//! The four fields about templates. Meta's own sample of one carries the name of another, so what a
//! notice holds decides what it is.

use wharf_plugin::inbound::{TemplateChange, TemplateUpdate};
use wharf_plugin::prelude::Event;

use super::Change;
use crate::json::Object;
use wharf_plugin::document;

/// None for what names no template, or says nothing of it.
pub(super) fn read(notice: &Change<'_>) -> Option<Event> {
    let value = &notice.value;
    let (change, reason) = change(notice)?;
    Some(Event::Template(TemplateUpdate {
        id: value.id("message_template_id"),
        name: value.id("message_template_name")?,
        language: value.line("message_template_language")?,
        change,
        reason,
    }))
}

fn change(notice: &Change<'_>) -> Option<(TemplateChange, Option<String>)> {
    let value = &notice.value;
    if let Some(score) = value.text("new_quality_score") {
        let before = value.text("previous_quality_score");
        return Some((
            TemplateChange::Quality(score),
            before.map(|before| format!("it was {before}")),
        ));
    }
    if value.raw("message_template_element").is_some() {
        return Some((TemplateChange::Components(components(value)), None));
    }
    if let Some(category) = value.text("new_category") {
        return Some((TemplateChange::Category(category), category_reason(value)));
    }
    let status = value.text("event")?;
    Some((TemplateChange::Status(status), status_reason(notice)))
}

/// The parts of the template as Meta names them here.
fn components(value: &Object<'_>) -> String {
    let mut members: Vec<String> = Vec::new();
    for name in ["title", "element", "footer", "buttons"] {
        if let Some(part) = value.raw(&format!("message_template_{name}")) {
            members.push(format!(r#""message_template_{name}":{}"#, document(part)));
        }
    }
    format!("{{{}}}", members.join(","))
}

/// Before it happens, Meta's `new_category` is the one that the template still has.
fn category_reason(value: &Object<'_>) -> Option<String> {
    if let Some(correct) = value.text("correct_category") {
        return Some(match value.text("category_update_timestamp") {
            Some(at) => format!("Meta changes it to {correct} at {at} (seconds since 1970)"),
            None => format!("Meta changes it to {correct}"),
        });
    }
    let before = value.text("previous_category")?;
    Some(format!("it was {before}"))
}

/// All that Meta says about why; `rejection_info` stands inside the value or beside it.
fn status_reason(notice: &Change<'_>) -> Option<String> {
    let value = &notice.value;
    let rejection = value
        .object("rejection_info")
        .or_else(|| notice.outer.object("rejection_info"))
        .unwrap_or_default();
    let other = value.object("other_info").unwrap_or_default();
    let disabled = value
        .object("disable_info")
        .and_then(|info| info.text("disable_date"))
        .map(|date| format!("disabled on {date}"));
    let parts = [
        value.text("reason").filter(|reason| reason != "NONE"),
        rejection.text("reason"),
        rejection.text("recommendation"),
        other.text("title"),
        other.text("description"),
        disabled,
    ];
    let mut said: Vec<String> = Vec::new();
    for part in parts.into_iter().flatten() {
        if !said.contains(&part) {
            said.push(part);
        }
    }
    (!said.is_empty()).then(|| said.join(": "))
}
