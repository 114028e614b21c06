//! The webhook that goes in, and the atoms that come out of it.

use bumpalo::Bump;
use wharf_core::provider::{
    Choice, InboundContent, InboundEvent, InboundItem, InboundMedia, InboundMessage, InboundStatus,
    Location, MediaKind, Parsed, Pricing, Route, StatusState, WebhookRequest,
};

use super::super::bindings::exports::wharf::provider::inbound as guest;
use super::{error_from_guest, json, method_to_guest, pairs, party};

mod events;

pub(in super::super) fn webhook_to_guest<'a>(
    arena: &'a Bump,
    webhook: &'a WebhookRequest,
) -> guest::Webhook<'a> {
    guest::Webhook {
        name: &webhook.name,
        method: method_to_guest(webhook.method),
        query: pairs(arena, &webhook.query),
        headers: pairs(arena, &webhook.headers),
        body: &webhook.body,
        received_at: webhook.received_at_ms,
    }
}

pub(in super::super) fn parsed_from_guest(parsed: guest::Parsed) -> Result<Parsed, String> {
    Ok(Parsed {
        items: items(parsed.items)?,
        next: parsed.next,
    })
}

/// `Err` names the item and the member that is no JSON.
pub(super) fn items(items: Vec<guest::Item>) -> Result<Vec<InboundItem>, String> {
    let items = items
        .into_iter()
        .enumerate()
        .map(|(number, item)| self::item(item).map_err(|what| format!("items[{number}]: {what}")));
    items.collect()
}

fn item(item: guest::Item) -> Result<InboundItem, String> {
    Ok(InboundItem {
        route: match item.route {
            guest::Route::Sender(id) => Route::Sender(id),
            guest::Route::Account(id) => Route::Account(id),
            guest::Route::App => Route::App,
        },
        pointer: item.pointer,
        dedupe_key: item.dedupe_key,
        event: event(item.event)?,
    })
}

fn event(event: guest::Event) -> Result<InboundEvent, String> {
    use guest::Event;
    Ok(match event {
        Event::Message(message) => InboundEvent::Message(Box::new(self::message(message)?)),
        Event::Status(status) => InboundEvent::Status(Box::new(self::status(status))),
        Event::Template(update) => InboundEvent::Template(Box::new(events::template(update)?)),
        Event::Preference(said) => InboundEvent::Preference(Box::new(events::preference(said))),
        Event::Identity(change) => InboundEvent::Identity(Box::new(events::identity(change))),
        Event::Channel(update) => InboundEvent::Channel(Box::new(events::channel(update)?)),
        Event::Echo(echo) => InboundEvent::Echo(Box::new(events::echo(echo)?)),
        Event::Account(document) => InboundEvent::Account(json("account", document)?),
        Event::Other(document) => InboundEvent::Other(json("other", document)?),
    })
}

fn message(message: guest::Message) -> Result<InboundMessage, String> {
    let referral = message.referral.map(|document| json("referral", document));
    Ok(InboundMessage {
        provider_message_id: message.provider_message_id,
        sender: party(message.sender),
        group: message.group,
        at_ms: message.at,
        reply_to: message.reply_to,
        forwarded: message.forwarded,
        content: content(message.content)?,
        referral: referral.transpose()?,
    })
}

fn content(content: guest::Content) -> Result<InboundContent, String> {
    use guest::Content;
    Ok(match content {
        Content::Text(body) => InboundContent::Text { body },
        Content::Media(media) => InboundContent::Media(self::media(media)),
        Content::Location(location) => InboundContent::Location(Location {
            latitude: location.latitude,
            longitude: location.longitude,
            name: location.name,
            address: location.address,
        }),
        Content::Contacts(document) => InboundContent::Contacts {
            contacts: json("contacts", document)?,
        },
        Content::Reaction((message_id, emoji)) => InboundContent::Reaction { message_id, emoji },
        Content::Button(choice) => InboundContent::Button(self::choice(choice)),
        Content::ListChoice(choice) => InboundContent::ListChoice(self::choice(choice)),
        Content::FlowResponse(document) => InboundContent::FlowResponse {
            response: json("flow-response", document)?,
        },
        Content::Order(document) => InboundContent::Order {
            order: json("order", document)?,
        },
        Content::System(document) => InboundContent::System {
            system: json("system", document)?,
        },
        Content::Edited((message_id, document)) => InboundContent::Edited {
            message_id,
            message: json("edited", document)?,
        },
        Content::Revoked(message_id) => InboundContent::Revoked { message_id },
        Content::Unsupported(document) => InboundContent::Unsupported {
            raw: json("unsupported", document)?,
        },
        Content::Other(document) => InboundContent::Other {
            raw: json("other", document)?,
        },
    })
}

fn choice(choice: guest::Choice) -> Choice {
    Choice {
        id: choice.id,
        title: choice.title,
        description: choice.description,
    }
}

fn media(media: guest::Media) -> InboundMedia {
    InboundMedia {
        kind: match media.kind {
            guest::MediaKind::Image => MediaKind::Image,
            guest::MediaKind::Video => MediaKind::Video,
            guest::MediaKind::Audio => MediaKind::Audio,
            guest::MediaKind::Voice => MediaKind::Voice,
            guest::MediaKind::Document => MediaKind::Document,
            guest::MediaKind::Sticker => MediaKind::Sticker,
        },
        locator: media.locator,
        content_type: media.content_type,
        sha256: media.sha256,
        caption: media.caption,
        filename: media.filename,
    }
}

fn status(status: guest::Status) -> InboundStatus {
    InboundStatus {
        provider_message_id: status.provider_message_id,
        recipient: status.recipient.map(party),
        state: match status.state {
            guest::State::Queued => StatusState::Queued,
            guest::State::Sent => StatusState::Sent,
            guest::State::Delivered => StatusState::Delivered,
            guest::State::Read => StatusState::Read,
            guest::State::Played => StatusState::Played,
            guest::State::Failed => StatusState::Failed,
            guest::State::Canceled => StatusState::Canceled,
        },
        at_ms: status.at,
        // Bounded like an error that is returned: it is kept and shown just the same.
        error: status
            .error
            .map(|error| crate::output::bounded_error(error_from_guest(error))),
        pricing: status.pricing.map(|pricing| Pricing {
            category: pricing.category,
            billable: pricing.billable,
            model: pricing.model,
        }),
        conversation_id: status.conversation_id,
        message_id: status.message_id,
        group: status.group,
    }
}
