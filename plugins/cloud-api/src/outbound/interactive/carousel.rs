//! Cards to swipe through: pictures or videos with buttons, or products.

use serde_json::{Map, Value, json};
use wharf_plugin::messages::{Card, Header};
use wharf_plugin::prelude::Error;

use super::super::draft::Places;
use super::super::limit;
use super::{
    BUTTON_ID_CHARS_MAX, BUTTON_TITLE_CHARS_MAX, CARDS, DISPLAY_TEXT_CHARS_MAX, Frame, HeaderRule,
    header,
};

const CARDS_MIN: usize = 2;
const CARDS_MAX: usize = 10;
const BODY_CHARS_MAX: usize = 160;
const LINE_BREAKS_MAX: usize = 2;

pub(super) const FRAME: Frame = Frame::of("a carousel")
    .header(HeaderRule::None)
    .without_footer();

/// What a card's button does. All cards of a carousel do the same.
#[derive(PartialEq, Eq)]
enum Does {
    /// Opens a link.
    Link,
    /// Answers; this many buttons.
    Answers(usize),
    /// Shows a product of this catalogue.
    Product(String),
}

pub(super) fn action<'a>(cards: &'a [Card], places: &mut Places<'a>) -> Result<Value, Error> {
    limit::count("a carousel", "cards", cards.len(), CARDS_MIN..=CARDS_MAX)?;
    let mut first: Option<(Does, &str)> = None;
    let mut objects = Vec::with_capacity(cards.len());
    let mut ids = Vec::new();
    for (index, card) in cards.iter().enumerate() {
        let member = format!("interactive.action.cards[{index}]");
        let action = limit::object(format_args!("{member}.action"), &card.action)?;
        let does = what_it_does(&member, &action)?;
        ids.extend(answers(&action).map(str::to_owned));
        let kind = match &does {
            Does::Product(_) => "product",
            // Cards with answers are of this type too, in Meta's own examples.
            Does::Link | Does::Answers(_) => "cta_url",
        };
        let mut object = json!({ "card_index": index, "type": kind, "action": action });
        let looks = looks(&member, card, &does)?;
        if let Some(asked) = &card.header {
            object["header"] = header(asked, &format!("{CARDS}/{index}/header"), places)?;
        }
        if let Some(body) = card.body.as_deref().filter(|body| !body.is_empty()) {
            check_body(&member, body)?;
            object["body"] = json!({ "text": body });
        }
        let likeness = (does, looks);
        match &first {
            None => first = Some(likeness),
            Some(first) if *first == likeness => {}
            Some(_) => return Err(unlike(&member)),
        }
        objects.push(object);
    }
    limit::distinct("quick_reply.id", ids.iter().map(String::as_str))?;
    Ok(json!({ "cards": objects }))
}

/// A picture or a video above each card with buttons, nothing but the product on the others.
fn looks(member: &str, card: &Card, does: &Does) -> Result<&'static str, Error> {
    match (does, &card.header) {
        (Does::Product(_), Some(_)) => Err(limit::no_place("a card of a product", "header")),
        (Does::Product(_), None) if card.body.is_some() => {
            Err(limit::no_place("a card of a product", "body"))
        }
        (Does::Product(_), None) => Ok("product"),
        (_, Some(Header::Image(_))) => Ok("image"),
        (_, Some(Header::Video(_))) => Ok("video"),
        (_, None | Some(Header::Text(_) | Header::Document(_))) => Err(Error::invalid(format!(
            "`{member}.header` must be an image or a video"
        ))
        .remedy("Give each card a picture or a video.")),
    }
}

fn check_body(member: &str, body: &str) -> Result<(), Error> {
    limit::at_most(format_args!("{member}.body.text"), body, BODY_CHARS_MAX)?;
    let breaks = body.matches('\n').count();
    if breaks > LINE_BREAKS_MAX {
        return Err(Error::invalid(format!(
            "`{member}.body.text` has at most {LINE_BREAKS_MAX} line breaks, this one has {breaks}"
        ))
        .remedy("Write it in three lines."));
    }
    Ok(())
}

fn what_it_does(member: &str, action: &Map<String, Value>) -> Result<Does, Error> {
    let place = format!("{member}.action");
    if action.contains_key("product_retailer_id") {
        limit::string(&place, action, "product_retailer_id")?;
        let catalog = limit::string(&place, action, "catalog_id")?;
        return Ok(Does::Product(catalog.to_owned()));
    }
    if let Some(Value::Array(buttons)) = action.get("buttons") {
        // Meta names no highest number for these; a message with buttons has three.
        limit::count("a card", "buttons", buttons.len(), 1..=super::BUTTONS_MAX)?;
        let empty = Map::new();
        for (index, button) in buttons.iter().enumerate() {
            let place = format!("{place}.buttons[{index}].quick_reply");
            let reply = match button.get("quick_reply") {
                Some(Value::Object(reply)) => reply,
                _ => &empty,
            };
            let id = limit::string(&place, reply, "id")?;
            limit::at_most(format_args!("{place}.id"), id, BUTTON_ID_CHARS_MAX)?;
            let title = limit::string(&place, reply, "title")?;
            limit::at_most(format_args!("{place}.title"), title, BUTTON_TITLE_CHARS_MAX)?;
        }
        return Ok(Does::Answers(buttons.len()));
    }
    if action.get("name").and_then(Value::as_str) != Some("cta_url") {
        return Err(Error::invalid(format!(
            "`{place}` is no action of a card: it has `name` `cta_url`, or `buttons`, or `product_retailer_id`"
        ))
        .remedy("Give each card a link, quick replies or a product."));
    }
    let empty = Map::new();
    let parameters = match action.get("parameters") {
        Some(Value::Object(parameters)) => parameters,
        _ => &empty,
    };
    let place = format!("{place}.parameters");
    let label = limit::string(&place, parameters, "display_text")?;
    limit::at_most(
        format_args!("{place}.display_text"),
        label,
        DISPLAY_TEXT_CHARS_MAX,
    )?;
    limit::url(
        format_args!("{place}.url"),
        limit::string(&place, parameters, "url")?,
    )?;
    Ok(Does::Link)
}

/// The ids of a card's answers.
fn answers(action: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let buttons = action.get("buttons").and_then(Value::as_array);
    buttons
        .into_iter()
        .flatten()
        .filter_map(|button| button.pointer("/quick_reply/id")?.as_str())
}

fn unlike(member: &str) -> Error {
    Error::invalid(format!(
        "`{member}` differs from the first card: all have the same kind of header, the same kind and number of buttons, and products of one catalogue"
    ))
    .remedy("Make the cards alike, or send them in several messages.")
}
