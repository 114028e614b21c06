//! Interactive messages: the rules between their parts, which shapes alone cannot say.

use std::collections::BTreeSet;

use serde_json::Value;

use super::error::GraphError;
use super::interactive_shapes::{
    CTA_URL_ACTION, PRODUCT_CARD_ACTION, PRODUCTS_MAX, ROWS_MAX, TYPES,
};
use super::kinds::check_source;
use super::shape::{self, Flaw};

const CARD_LINE_BREAKS_MAX: usize = 2;
/// The first mistake of an interactive object.
pub(super) fn check(interactive: &Value) -> Result<(), GraphError> {
    let Some(kind) = shape::text(interactive, "/type") else {
        let details = "Required parameter is missing: interactive.type";
        return Err(GraphError::with_details(131_008, details));
    };
    let Some((_, members)) = TYPES.iter().find(|known| known.0 == kind) else {
        let details = format!("interactive.type '{kind}' is not valid");
        return Err(GraphError::with_details(131_009, details));
    };
    if let Some(object) = interactive.as_object() {
        shape::check_members(object, members, "interactive").map_err(Flaw::refusal)?;
    }
    check_header(&interactive["header"], "interactive.header")?;
    match kind {
        "button" => unique(
            shape::list(interactive, "/action/buttons"),
            "/reply/id",
            "button",
        ),
        "list" => check_list(interactive),
        "flow" => check_flow(&interactive["action"]["parameters"]),
        "product_list" => check_products(shape::list(interactive, "/action/sections")),
        "carousel" => check_carousel(shape::list(interactive, "/action/cards")),
        _ => Ok(()),
    }
}

fn invalid(details: impl Into<String>) -> GraphError {
    GraphError::with_details(131_009, details)
}

/// A header has the part that its type names, and no other.
fn check_header(header: &Value, path: &str) -> Result<(), GraphError> {
    let Some(kind) = shape::text(header, "/type") else {
        return Ok(());
    };
    for part in ["text", "image", "video", "document"] {
        let is_there = header.get(part).is_some_and(|value| !value.is_null());
        if is_there != (part == kind) {
            return Err(invalid(format!(
                "{path} of type {kind} must have {kind} alone"
            )));
        }
    }
    if kind == "text" {
        return Ok(());
    }
    if kind != "document" && !header[kind]["filename"].is_null() {
        return Err(GraphError::parameter(format_args!(
            "Unexpected key \"filename\" on param \"{path}.{kind}\"."
        )));
    }
    check_source(&header[kind], &format!("{path}.{kind}"))
}

fn unique(items: &[Value], pointer: &str, what: &str) -> Result<(), GraphError> {
    let mut seen = BTreeSet::new();
    for id in items.iter().filter_map(|item| shape::text(item, pointer)) {
        if !seen.insert(id) {
            return Err(invalid(format!("Duplicated {what} id '{id}'")));
        }
    }
    Ok(())
}

fn check_list(interactive: &Value) -> Result<(), GraphError> {
    let sections = shape::list(interactive, "/action/sections");
    if sections.len() > 1 && sections.iter().any(|section| section["title"].is_null()) {
        return Err(GraphError::with_details(
            131_008,
            "Required parameter is missing: a title of each section when there are several",
        ));
    }
    let rows: Vec<Value> = sections
        .iter()
        .flat_map(|section| shape::list(section, "/rows").iter().cloned())
        .collect();
    if rows.len() > ROWS_MAX {
        let count = rows.len();
        return Err(invalid(format!(
            "Total row count exceeds the maximum allowed count: {ROWS_MAX}, not {count}"
        )));
    }
    unique(&rows, "/id", "row")
}

/// One of id and name; a screen is named by those who navigate.
fn check_flow(parameters: &Value) -> Result<(), GraphError> {
    if parameters["flow_id"].is_null() == parameters["flow_name"].is_null() {
        return Err(invalid("a flow is named by one of flow_id and flow_name"));
    }
    let exchanges = shape::text(parameters, "/flow_action") == Some("data_exchange");
    if exchanges && !parameters["flow_action_payload"].is_null() {
        return Err(invalid("flow_action_payload needs flow_action 'navigate'"));
    }
    Ok(())
}

fn check_products(sections: &[Value]) -> Result<(), GraphError> {
    let count: usize = sections
        .iter()
        .map(|section| shape::list(section, "/product_items").len())
        .sum();
    if count > PRODUCTS_MAX {
        return Err(invalid(format!(
            "a product list has at most {PRODUCTS_MAX} items, not {count}"
        )));
    }
    Ok(())
}

/// All cards are of one type, with one type of header or one catalog, and numbered from 0.
fn check_carousel(cards: &[Value]) -> Result<(), GraphError> {
    let first = cards.first().unwrap_or(&Value::Null);
    for (at, card) in cards.iter().enumerate() {
        let path = format!("interactive.action.cards[{at}]");
        if card["card_index"].as_u64() != u64::try_from(at).ok() {
            return Err(invalid(format!("{path}.card_index must be {at}")));
        }
        if card["type"] != first["type"] || card["header"]["type"] != first["header"]["type"] {
            return Err(invalid(
                "all cards must have the same type and the same type of header",
            ));
        }
        if shape::text(card, "/type") == Some("product") {
            shape::check(
                &card["action"],
                &PRODUCT_CARD_ACTION,
                &format!("{path}.action"),
            )
            .map_err(Flaw::refusal)?;
            if !card["header"].is_null() || !card["body"].is_null() {
                return Err(invalid("a product card has neither header nor body"));
            }
            if card["action"]["catalog_id"] != first["action"]["catalog_id"] {
                return Err(invalid("all cards must have the same catalog_id"));
            }
            continue;
        }
        shape::check(&card["action"], &CTA_URL_ACTION, &format!("{path}.action"))
            .map_err(Flaw::refusal)?;
        if !matches!(shape::text(card, "/header/type"), Some("image" | "video")) {
            return Err(invalid(format!(
                "{path}.header must be an image or a video"
            )));
        }
        check_header(&card["header"], &format!("{path}.header"))?;
        let breaks = shape::text(card, "/body/text").map_or(0, |text| text.matches('\n').count());
        if breaks > CARD_LINE_BREAKS_MAX {
            return Err(invalid(format!(
                "{path}.body.text has {breaks} line breaks, at most {CARD_LINE_BREAKS_MAX} are allowed"
            )));
        }
    }
    Ok(())
}
