//! The webhook that goes in, and the atoms that come out of it.

use serde_json::{Value, json};
use wharf_core::provider::{
    InboundContent, InboundEvent, InboundItem, InboundMessage, InboundStatus, MediaKind, Parsed,
    Party, Pricing, Route, StatusState, WebhookRequest,
};

use super::super::bindings::exports::wharf::provider::inbound as guest;
use super::{error_from_guest, method_to_guest, party};

type Pairs<'a> = [(&'a str, &'a str)];

pub(in super::super) fn webhook_to_guest<'a>(
    webhook: &'a WebhookRequest,
    query: &'a Pairs<'a>,
    headers: &'a Pairs<'a>,
) -> guest::Webhook<'a> {
    guest::Webhook {
        name: &webhook.name,
        method: method_to_guest(webhook.method),
        query,
        headers,
        body: &webhook.body,
        received_at: webhook.received_at_ms,
    }
}

/// `Err` names the item and the member that is no JSON.
pub(in super::super) fn parsed_from_guest(parsed: guest::Parsed) -> Result<Parsed, String> {
    let mut items = Vec::with_capacity(parsed.items.len());
    for (number, item) in parsed.items.into_iter().enumerate() {
        items.push(self::item(item).map_err(|what| format!("items[{number}]: {what}"))?);
    }
    Ok(Parsed {
        items,
        next: parsed.next,
    })
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
    let (kind, document) = match event {
        guest::Event::Message(message) => {
            return Ok(InboundEvent::Message(Box::new(self::message(message)?)));
        }
        guest::Event::Status(status) => {
            return Ok(InboundEvent::Status(Box::new(self::status(status))));
        }
        guest::Event::Template(update) => ("template", template(update)?),
        guest::Event::Preference(preference) => ("preference", self::preference(preference)),
        guest::Event::Identity(change) => ("identity", identity(change)),
        guest::Event::Channel(update) => ("channel", channel(update)?),
        guest::Event::Echo(echo) => ("echo", self::echo(echo)?),
        guest::Event::Account(document) => ("account", parse_json("account", &document)?),
        guest::Event::Other(document) => ("other", parse_json("other", &document)?),
    };
    Ok(InboundEvent::Raw { kind, document })
}

fn message(message: guest::Message) -> Result<InboundMessage, String> {
    let referral = match &message.referral {
        Some(document) => Some(parse_json("referral", document)?),
        None => None,
    };
    Ok(InboundMessage {
        provider_message_id: message.provider_message_id,
        sender: party(message.sender),
        group: message.group,
        at_ms: message.at,
        reply_to: message.reply_to,
        forwarded: message.forwarded,
        content: content(message.content)?,
        referral,
    })
}

fn content(content: guest::Content) -> Result<InboundContent, String> {
    use guest::Content;
    Ok(match content {
        Content::Text(body) => InboundContent::Text { body },
        Content::Media(media) => self::media(media),
        Content::Location(location) => InboundContent::Location {
            latitude: location.latitude,
            longitude: location.longitude,
            name: location.name,
            address: location.address,
        },
        Content::Contacts(document) => InboundContent::Contacts {
            contacts: parse_json("contacts", &document)?,
        },
        Content::Reaction((message_id, emoji)) => InboundContent::Reaction { message_id, emoji },
        Content::Button(choice) => InboundContent::Button {
            id: choice.id,
            title: choice.title,
        },
        Content::ListChoice(choice) => InboundContent::ListChoice {
            id: choice.id,
            title: choice.title,
            description: choice.description,
        },
        Content::FlowResponse(document) => InboundContent::FlowResponse {
            response: parse_json("flow-response", &document)?,
        },
        Content::Order(document) => InboundContent::Order {
            order: parse_json("order", &document)?,
        },
        Content::System(document) => InboundContent::System {
            system: parse_json("system", &document)?,
        },
        Content::Edited((message_id, document)) => InboundContent::Edited {
            message_id,
            message: parse_json("edited", &document)?,
        },
        Content::Revoked(message_id) => InboundContent::Revoked { message_id },
        Content::Unsupported(document) => InboundContent::Unsupported {
            raw: parse_json("unsupported", &document)?,
        },
        Content::Other(document) => InboundContent::Other {
            raw: parse_json("other", &document)?,
        },
    })
}

fn media(media: guest::Media) -> InboundContent {
    InboundContent::Media {
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

fn template(update: guest::TemplateUpdate) -> Result<Value, String> {
    let change = match update.change {
        guest::TemplateChange::Status(status) => json!({ "status": status }),
        guest::TemplateChange::Quality(quality) => json!({ "quality": quality }),
        guest::TemplateChange::Category(category) => json!({ "category": category }),
        guest::TemplateChange::Components(document) => {
            json!({ "components": parse_json("components", &document)? })
        }
    };
    Ok(json!({
        "id": update.id,
        "name": update.name,
        "language": update.language,
        "change": change,
        "reason": update.reason,
    }))
}

fn preference(preference: guest::Preference) -> Value {
    json!({
        "who": party_json(preference.who),
        "category": preference.category,
        "opted_in": preference.opted_in,
        "at_ms": preference.at,
    })
}

fn identity(change: guest::IdentityChange) -> Value {
    json!({
        "before": party_json(change.before),
        "after": party_json(change.after),
        "at_ms": change.at,
    })
}

fn channel(update: guest::ChannelUpdate) -> Result<Value, String> {
    let verdict = update.verdict.map(|verdict| match verdict {
        guest::Verdict::Ok => "ok",
        guest::Verdict::Degraded => "degraded",
        guest::Verdict::Blocked => "blocked",
    });
    Ok(json!({
        "verdict": verdict,
        "quality": update.quality,
        "messages_per_second": update.messages_per_second,
        "messaging_limit": update.messaging_limit,
        "title": update.title,
        "detail": parse_json("detail", &update.detail)?,
    }))
}

fn echo(echo: guest::Echo) -> Result<Value, String> {
    let message = message(echo.message)?;
    Ok(json!({
        "provider_message_id": message.provider_message_id,
        "sender": message.sender,
        "recipient": party_json(echo.recipient),
        "group": message.group,
        "at_ms": message.at_ms,
        "reply_to": message.reply_to,
        "forwarded": message.forwarded,
        "content": message.content,
        "referral": message.referral,
    }))
}

fn party_json(of: super::types::Party) -> Value {
    let party: Party = party(of);
    json!(party)
}

fn parse_json(member: &str, document: &str) -> Result<Value, String> {
    serde_json::from_str(document).map_err(|error| format!("{member} is not JSON ({error})"))
}
