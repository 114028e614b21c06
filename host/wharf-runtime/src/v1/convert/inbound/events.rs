//! The events that are neither a message nor its status.

use wharf_core::provider::{
    ChannelUpdate, ChannelVerdict, Echo, IdentityChange, Preference, TemplateChange, TemplateUpdate,
};

use super::super::super::bindings::exports::wharf::provider::inbound as guest;
use super::super::{json, party};

pub(super) fn template(update: guest::TemplateUpdate) -> Result<TemplateUpdate, String> {
    Ok(TemplateUpdate {
        id: update.id,
        name: update.name,
        language: update.language,
        change: match update.change {
            guest::TemplateChange::Status(status) => TemplateChange::Status(status),
            guest::TemplateChange::Quality(quality) => TemplateChange::Quality(quality),
            guest::TemplateChange::Category(category) => TemplateChange::Category(category),
            guest::TemplateChange::Components(document) => {
                TemplateChange::Components(json("components", document)?)
            }
        },
        reason: update.reason,
    })
}

pub(super) fn preference(preference: guest::Preference) -> Preference {
    Preference {
        who: party(preference.who),
        category: preference.category,
        opted_in: preference.opted_in,
        at_ms: preference.at,
    }
}

pub(super) fn identity(change: guest::IdentityChange) -> IdentityChange {
    IdentityChange {
        before: party(change.before),
        after: party(change.after),
        at_ms: change.at,
    }
}

pub(super) fn channel(update: guest::ChannelUpdate) -> Result<ChannelUpdate, String> {
    Ok(ChannelUpdate {
        verdict: update.verdict.map(|verdict| match verdict {
            guest::Verdict::Ok => ChannelVerdict::Ok,
            guest::Verdict::Degraded => ChannelVerdict::Degraded,
            guest::Verdict::Blocked => ChannelVerdict::Blocked,
        }),
        quality: update.quality,
        messages_per_second: update.messages_per_second,
        messaging_limit: update.messaging_limit,
        title: update.title,
        detail: json("detail", update.detail)?,
    })
}

pub(super) fn echo(echo: guest::Echo) -> Result<Echo, String> {
    Ok(Echo {
        message: super::message(echo.message)?,
        recipient: party(echo.recipient),
    })
}
