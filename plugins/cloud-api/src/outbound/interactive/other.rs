//! Interactive messages that have no words of their own here: products, catalogues, addresses, calls,
//! payments, and what Meta adds. The document is the Cloud API's `interactive` object; header, body and
//! footer may stand in it or beside it. What Meta documents as a limit is checked, the rest is passed on.

use serde_json::{Map, Value};
use wharf_plugin::messages::{Interactive, Raw};
use wharf_plugin::prelude::Error;

use super::super::draft::Places;
use super::super::limit;
use super::{DISPLAY_TEXT_CHARS_MAX, Frame, HeaderRule, surroundings};

const SECTIONS_MAX: usize = 10;
const ITEMS_MAX: usize = 30;
const TITLE_CHARS_MAX: usize = 24;
const PRODUCTS: &str = "a message with several products";
const ACTION: &str = "interactive.action";
const PARAMETERS: &str = "interactive.action.parameters";
/// A month.
const TTL_MINUTES_MAX: u64 = 43_200;

pub(super) fn object<'a>(
    asked: &'a Interactive,
    raw: &'a Raw,
    places: &mut Places<'a>,
) -> Result<Value, Error> {
    let mut object = limit::object("interactive", &raw.document)?;
    let kind = limit::string("interactive", &object, "type")?.to_owned();
    for (name, is_beside) in [
        ("header", asked.header.is_some()),
        ("body", asked.body.is_some()),
        ("footer", asked.footer.is_some()),
    ] {
        if is_beside && object.contains_key(name) {
            return Err(
                Error::invalid(format!("`interactive.{name}` is there twice"))
                    .remedy("Give it once."),
            );
        }
    }
    object.extend(surroundings(asked, &frame(&kind, &object), places)?);
    check(&kind, &object)?;
    let mut value = Value::Object(object);
    places.fill(&mut value, "/interactive", &raw.media)?;
    Ok(value)
}

/// What may stand around a kind, as far as Meta says.
fn frame(kind: &str, object: &Map<String, Value>) -> Frame {
    let frame = match kind {
        "product" => Frame::of("a product message")
            .header(HeaderRule::None)
            .body_optional(),
        "product_list" if object.contains_key("header") => {
            Frame::of(PRODUCTS).header(HeaderRule::Text)
        }
        "product_list" => Frame::of(PRODUCTS).header(HeaderRule::TextNeeded),
        "catalog_message" => Frame::of("a catalogue message"),
        "address_message" => Frame::of("an address message"),
        _ => Frame::of("an interactive message").body_optional(),
    };
    // It stands in the document then.
    if object.contains_key("body") {
        frame.body_optional()
    } else {
        frame
    }
}

fn check(kind: &str, object: &Map<String, Value>) -> Result<(), Error> {
    let empty = Map::new();
    let action = match object.get("action") {
        Some(Value::Object(action)) => action,
        _ => &empty,
    };
    let parameters = match action.get("parameters") {
        Some(Value::Object(parameters)) => parameters,
        _ => &empty,
    };
    match kind {
        "product" => {
            limit::string(ACTION, action, "catalog_id")?;
            limit::string(ACTION, action, "product_retailer_id")?;
            Ok(())
        }
        "product_list" => product_list(action),
        "address_message" => {
            limit::string(PARAMETERS, parameters, "country")?;
            Ok(())
        }
        "voice_call" => {
            if let Some(text) = parameters.get("display_text").and_then(Value::as_str) {
                limit::at_most(
                    format_args!("{PARAMETERS}.display_text"),
                    text,
                    DISPLAY_TEXT_CHARS_MAX,
                )?;
            }
            match parameters.get("ttl_minutes").and_then(Value::as_u64) {
                Some(minutes) if !(1..=TTL_MINUTES_MAX).contains(&minutes) => {
                    Err(Error::invalid(format!(
                        "`{PARAMETERS}.ttl_minutes` is 1 to {TTL_MINUTES_MAX}, this one is {minutes}"
                    ))
                    .remedy("Give a lifetime within these limits."))
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn product_list(action: &Map<String, Value>) -> Result<(), Error> {
    limit::string(ACTION, action, "catalog_id")?;
    let sections = elements(action.get("sections"));
    limit::count(PRODUCTS, "sections", sections.len(), 1..=SECTIONS_MAX)?;
    let mut items = 0;
    for (index, section) in sections.iter().enumerate() {
        let member = format!("{ACTION}.sections[{index}]");
        match section.get("title").and_then(Value::as_str) {
            None | Some("") if sections.len() > 1 => {
                return Err(limit::missing(format_args!("{member}.title")));
            }
            title => limit::at_most(
                format_args!("{member}.title"),
                title.unwrap_or_default(),
                TITLE_CHARS_MAX,
            )?,
        }
        let products = elements(section.get("product_items"));
        let empty = Map::new();
        for (number, item) in products.iter().enumerate() {
            let member = format!("{member}.product_items[{number}]");
            limit::string(
                member,
                item.as_object().unwrap_or(&empty),
                "product_retailer_id",
            )?;
        }
        items += products.len();
    }
    limit::count(PRODUCTS, "products", items, 1..=ITEMS_MAX)
}

/// What is no list has no elements.
fn elements(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(elements)) => elements,
        _ => &[],
    }
}
