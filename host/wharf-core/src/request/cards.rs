//! The cards of a carousel: what stands on each, and that they go together.

use std::mem::discriminant;

use super::interactive::{action_name, cta_url, header, words};
use super::limits;
use super::reader::{Object, Reader};
use crate::provider::Card;

pub(super) fn cards(read: &mut Reader, object: &Object<'_>) -> Option<Vec<Card>> {
    let action = read.needed_object(object, "action", "give `action` as {\"cards\": [...]}")?;
    read.only(&action, &["cards"]);
    let given = read.needed_objects(&action, "cards", &limits::CARDS)?;
    let mut cards = Vec::new();
    for (number, at) in given.iter().enumerate() {
        in_place(read, at, number);
        cards.extend(card(read, at));
    }
    let alike = |pair: &[Card]| {
        pair[0].header.as_ref().map(discriminant) == pair[1].header.as_ref().map(discriminant)
    };
    if cards.len() == given.len() && !cards.windows(2).all(alike) {
        let detail = "the headers of all cards are of one kind: all images or all videos";
        read.error(&action.pointer("cards"), "invalid", detail);
    }
    Some(cards)
}

/// `card_index` may be left out; given, it says where the card stands.
pub(super) fn in_place(read: &mut Reader, card: &Object<'_>, number: usize) {
    let Some(index) = card.get("card_index") else {
        return;
    };
    if index.as_u64() != Some(number as u64) {
        let detail = format!("this is card {number}: give the cards in order, or no `card_index`");
        read.error(&card.pointer("card_index"), "invalid", detail);
    }
}

fn card(read: &mut Reader, card: &Object<'_>) -> Option<Card> {
    read.only(card, &["card_index", "type", "header", "body", "action"]);
    let kind = match card.has("type") {
        true => read.word(card, "type", &["cta_url", "product"])?,
        false => "cta_url",
    };
    let is_product = kind == "product";
    let header = match (is_product, card.has("header")) {
        (true, true) => {
            let detail = "a product's card has no header: its picture is the catalogue's";
            read.error(&card.pointer("header"), "invalid", detail);
            None
        }
        (true, false) => None,
        (false, _) => {
            let give = "give `header`, an image or a video";
            let inner = read.needed_object(card, "header", give)?;
            header(read, &inner, &["image", "video"])
        }
    };
    let body = body(read, card);
    let action = read.needed_object(card, "action", "give the card's `action`")?;
    match is_product {
        true => product(read, &action),
        false => button(read, &action),
    }
    let action = read.document(card.get("action")?, &action.at)?;
    Some(Card {
        header,
        body,
        action,
    })
}

fn body(read: &mut Reader, card: &Object<'_>) -> Option<String> {
    let text = words(read, card, "body", &limits::CARD_BODY)?;
    let breaks = text.matches('\n').count();
    if breaks > limits::CARD_LINE_BREAKS_MAX {
        let detail = format!(
            "the body of a card has at most {} line breaks, this one has {breaks}",
            limits::CARD_LINE_BREAKS_MAX
        );
        read.error(&card.pointer("body"), "too-many", detail);
    }
    Some(text)
}

fn product(read: &mut Reader, action: &Object<'_>) {
    read.only(action, &["product_retailer_id", "catalog_id"]);
    for name in ["product_retailer_id", "catalog_id"] {
        read.id(action, name, &limits::MEDIA_ID);
    }
}

/// A link's button, or quick replies.
fn button(read: &mut Reader, action: &Object<'_>) {
    if action.has("buttons") {
        return;
    }
    read.only(action, &["name", "parameters"]);
    action_name(read, action, "cta_url");
    let give = "give `parameters` as {\"display_text\": \"...\", \"url\": \"https://...\"}";
    if let Some(parameters) = read.needed_object(action, "parameters", give) {
        cta_url(read, &parameters);
    }
}
