//! A list: one button that opens rows in sections.

use serde_json::{Value, json};
use wharf_plugin::messages::{ListPicker, ListRow, ListSection};
use wharf_plugin::prelude::Error;

use super::super::limit;
use super::{Frame, HeaderRule};

/// Meta's page on lists says 4,096; its OpenAPI document still has 1,024 for every kind.
const BODY_CHARS_MAX: usize = 4_096;
const LABEL_CHARS_MAX: usize = 20;
const SECTIONS_MAX: usize = 10;
/// In all sections together.
const ROWS_MAX: usize = 10;
const TITLE_CHARS_MAX: usize = 24;
const ID_CHARS_MAX: usize = 200;
const DESCRIPTION_CHARS_MAX: usize = 72;

pub(super) const FRAME: Frame = Frame::of("a list")
    .header(HeaderRule::Text)
    .body_chars_max(BODY_CHARS_MAX);

pub(super) fn action(picker: &ListPicker) -> Result<Value, Error> {
    limit::text("interactive.action.button", &picker.label, LABEL_CHARS_MAX)?;
    let sections = &picker.sections;
    limit::count("a list", "sections", sections.len(), 1..=SECTIONS_MAX)?;
    let rows = || sections.iter().flat_map(|section| &section.rows);
    limit::count("a list", "rows", rows().count(), 1..=ROWS_MAX)?;
    for (index, section) in sections.iter().enumerate() {
        check(index, section, sections.len() > 1)?;
    }
    limit::distinct("rows.id", rows().map(|row| row.id.as_str()))?;
    Ok(json!({
        "button": picker.label,
        "sections": sections.iter().map(section).collect::<Value>(),
    }))
}

/// Several sections need titles to tell them apart.
fn check(index: usize, section: &ListSection, is_title_needed: bool) -> Result<(), Error> {
    let place = format!("interactive.action.sections[{index}]");
    match section.title.as_deref() {
        None | Some("") if is_title_needed => {
            return Err(limit::missing(format_args!("{place}.title")));
        }
        title => limit::at_most(
            format_args!("{place}.title"),
            title.unwrap_or_default(),
            TITLE_CHARS_MAX,
        )?,
    }
    limit::count(
        "a section of a list",
        "rows",
        section.rows.len(),
        1..=ROWS_MAX,
    )?;
    for (number, row) in section.rows.iter().enumerate() {
        let member = |name| format!("{place}.rows[{number}].{name}");
        limit::text(member("id"), &row.id, ID_CHARS_MAX)?;
        limit::text(member("title"), &row.title, TITLE_CHARS_MAX)?;
        let description = row.description.as_deref().unwrap_or_default();
        limit::at_most(member("description"), description, DESCRIPTION_CHARS_MAX)?;
    }
    Ok(())
}

fn section(section: &ListSection) -> Value {
    let mut object = json!({ "rows": section.rows.iter().map(row).collect::<Value>() });
    if let Some(title) = section.title.as_deref().filter(|title| !title.is_empty()) {
        object["title"] = title.into();
    }
    object
}

fn row(row: &ListRow) -> Value {
    let mut object = json!({ "id": row.id, "title": row.title });
    if let Some(description) = row.description.as_deref().filter(|text| !text.is_empty()) {
        object["description"] = description.into();
    }
    object
}
