//! Atoms of a webhook. Ids and times are the provider's and checked; what people wrote is not.

use wharf_core::provider::{
    ChannelUpdate, InboundContent, InboundEvent, InboundItem, InboundMessage, InboundStatus,
    Parsed, Party, Pricing, Route, TemplateUpdate,
};

use super::{
    Checked, ID_BYTES_MAX, LINE_BYTES_MAX, Rules, at_ms, id, line, optional_id, pointer, within,
};

/// A signed link may be one.
const LOCATOR_BYTES_MAX: usize = 4 * 1024;
/// A phone number or a name the provider gives a person. Nothing more is asked of a phone number than
/// its length: with one that looks odd, a whole page of other people's messages would be refused.
const PARTY_BYTES_MAX: usize = 200;

/// `skip` is what the call was asked to leave out, so that `next` can be seen to go forward.
pub(crate) fn check_parsed(parsed: &Parsed, skip: u32, rules: &Rules<'_>) -> Checked {
    items("parsed.items", &parsed.items, rules)?;
    match parsed.next {
        Some(next) if next <= skip => Err(format!(
            "parsed.next is {next} after a skip of {skip}, which would never end"
        )),
        _ => Ok(()),
    }
}

pub(super) fn items(place: &str, items: &[InboundItem], rules: &Rules<'_>) -> Checked {
    within(place, items.len(), 0, rules.config.parse_items_max)?;
    for (number, item) in items.iter().enumerate() {
        check_item(item).map_err(|what| format!("items[{number}]: {what}"))?;
    }
    Ok(())
}

fn check_item(item: &InboundItem) -> Checked {
    line("dedupe-key", &item.dedupe_key, ID_BYTES_MAX)?;
    if let Some(at) = &item.pointer {
        pointer("pointer", at)?;
    }
    match &item.route {
        Route::Sender(sender) => id("route sender", sender)?,
        Route::Account(account) => id("route account", account)?,
        Route::App => {}
    }
    match &item.event {
        InboundEvent::Message(message) => check_message(message),
        InboundEvent::Status(status) => check_status(status),
        InboundEvent::Template(update) => check_template(update),
        InboundEvent::Preference(preference) => {
            check_party("preference.who", &preference.who)?;
            line("preference.category", &preference.category, LINE_BYTES_MAX)?;
            at_ms("preference.at", preference.at_ms)
        }
        InboundEvent::Identity(change) => {
            check_party("identity.before", &change.before)?;
            check_party("identity.after", &change.after)?;
            at_ms("identity.at", change.at_ms)
        }
        InboundEvent::Channel(update) => check_channel(update),
        InboundEvent::Echo(echo) => {
            check_party("echo.recipient", &echo.recipient)?;
            check_message(&echo.message)
        }
        InboundEvent::Account(_) | InboundEvent::Other(_) => Ok(()),
    }
}

fn check_message(message: &InboundMessage) -> Checked {
    id("message.provider-message-id", &message.provider_message_id)?;
    check_party("message.sender", &message.sender)?;
    optional_id("message.group", message.group.as_ref())?;
    optional_id("message.reply-to", message.reply_to.as_ref())?;
    at_ms("message.at", message.at_ms)?;
    match &message.content {
        InboundContent::Media(media) => {
            line("media.locator", &media.locator, LOCATOR_BYTES_MAX)?;
            optional_line("media.content-type", media.content_type.as_ref())?;
            optional_line("media.sha256", media.sha256.as_ref())
        }
        InboundContent::Reaction { message_id, .. } => id("reaction", message_id),
        InboundContent::Edited { message_id, .. } => id("edited", message_id),
        InboundContent::Revoked { message_id } => id("revoked", message_id),
        _ => Ok(()),
    }
}

fn check_status(status: &InboundStatus) -> Checked {
    id("status.provider-message-id", &status.provider_message_id)?;
    if let Some(recipient) = &status.recipient {
        check_party("status.recipient", recipient)?;
    }
    at_ms("status.at", status.at_ms)?;
    optional_id("status.conversation-id", status.conversation_id.as_ref())?;
    optional_id("status.message-id", status.message_id.as_ref())?;
    optional_id("status.group", status.group.as_ref())?;
    if let Some(Pricing {
        category, model, ..
    }) = &status.pricing
    {
        line("pricing.category", category, LINE_BYTES_MAX)?;
        optional_line("pricing.model", model.as_ref())?;
    }
    Ok(())
}

fn check_template(update: &TemplateUpdate) -> Checked {
    optional_id("template.id", update.id.as_ref())?;
    line("template.name", &update.name, ID_BYTES_MAX)?;
    line("template.language", &update.language, LINE_BYTES_MAX)
}

fn check_channel(update: &ChannelUpdate) -> Checked {
    optional_line("channel.quality", update.quality.as_ref())?;
    optional_line("channel.messaging-limit", update.messaging_limit.as_ref())
}

pub(super) fn check_party(place: &str, party: &Party) -> Checked {
    for (member, value) in [("phone", &party.phone), ("user-id", &party.user_id)] {
        if let Some(value) = value {
            line(&format!("{place}.{member}"), value, PARTY_BYTES_MAX)?;
        }
    }
    Ok(())
}

pub(super) fn optional_line(place: &str, text: Option<&String>) -> Checked {
    text.map_or(Ok(()), |text| line(place, text, LINE_BYTES_MAX))
}
