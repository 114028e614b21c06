//! What messages this reads, in the words of a descriptor.

/// Capabilities by name. None has a note: what the Cloud API brings is what all others are compared with.
pub const RECEIVED: &[&str] = &[
    "inbound.text",
    "inbound.image",
    "inbound.video",
    "inbound.audio",
    "inbound.voice",
    "inbound.document",
    "inbound.sticker",
    "inbound.location",
    "inbound.contacts",
    "inbound.reaction",
    "inbound.reply",
    "inbound.forwarded",
    "inbound.button",
    "inbound.template-button",
    "inbound.list",
    "inbound.flow",
    "inbound.order",
    "inbound.referral",
    "inbound.edit",
    "inbound.revoke",
    "inbound.user-id",
];
