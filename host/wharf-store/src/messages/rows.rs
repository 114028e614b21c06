//! The columns of a message and what they mean for each direction.

use serde::{Deserialize, Serialize};
use wharf_core::MessageId;
use wharf_core::provider::{InboundContent, InboundMessage, Json};
use wharf_core::request::{Policy, Priority};

use super::{Inbound, Message, Stored};
use crate::StoreError;
use crate::columns::{bare, json, json_or_null, number, parsed, storable};

#[derive(sqlx::FromRow)]
pub(super) struct OutboundRow {
    id: String,
    tenant_id: String,
    channel_id: String,
    contact: String,
    content: String,
    reference: Option<String>,
    reply_to: Option<String>,
    provider_message_id: Option<String>,
    status: Option<String>,
    error: Option<String>,
    priority: Option<i64>,
    policy: Option<String>,
    try_number: Option<i64>,
    expires_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
    options: Option<String>,
    send_at: Option<i64>,
    fallback: Option<String>,
}

/// A row of either direction.
#[derive(sqlx::FromRow)]
pub(super) struct StoredRow {
    direction: String,
    kind: String,
    details: Option<String>,
    #[sqlx(flatten)]
    rest: OutboundRow,
}

/// What an inbound message says beside its content.
#[derive(Serialize, Deserialize)]
pub(super) struct Details {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default)]
    forwarded: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    referral: Option<Json>,
    at: i64,
}

impl Details {
    pub(super) fn of(message: &InboundMessage) -> Self {
        Self {
            group: message.group.as_deref().map(|g| storable(g).into_owned()),
            forwarded: message.forwarded,
            referral: message.referral.clone(),
            at: i64::try_from(message.at_ms).unwrap_or(i64::MAX),
        }
    }
}

/// The kind under which an inbound content is stored, filtered and counted.
pub(super) fn inbound_kind(content: &InboundContent) -> &'static str {
    match content {
        InboundContent::Text { .. } => "text",
        InboundContent::Media { .. } => "media",
        InboundContent::Location { .. } => "location",
        InboundContent::Contacts { .. } => "contacts",
        InboundContent::Reaction { .. } => "reaction",
        InboundContent::Button { .. } => "button",
        InboundContent::ListChoice { .. } => "list_choice",
        InboundContent::FlowResponse { .. } => "flow_response",
        InboundContent::Order { .. } => "order",
        InboundContent::System { .. } => "system",
        InboundContent::Edited { .. } => "edited",
        InboundContent::Revoked { .. } => "revoked",
        InboundContent::Unsupported { .. } => "unsupported",
        InboundContent::Other { .. } => "other",
    }
}

/// The column is the queue's class: 0 is the highest.
pub(super) fn priority_column(priority: Priority) -> i64 {
    match priority {
        Priority::High => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    }
}

fn priority(column: i64) -> Result<Priority, StoreError> {
    Priority::ALL
        .into_iter()
        .find(|priority| priority_column(*priority) == column)
        .ok_or_else(|| corrupt(format!("message.priority: {column}")))
}

fn policy(column: &str) -> Result<Policy, StoreError> {
    Policy::ALL
        .into_iter()
        .find(|policy| policy.as_str() == column)
        .ok_or_else(|| corrupt(format!("message.policy: {column:?}")))
}

impl TryFrom<OutboundRow> for Message {
    type Error = StoreError;

    fn try_from(row: OutboundRow) -> Result<Self, StoreError> {
        let status = present("status", row.status)?;
        Ok(Self {
            id: bare("message.id", &row.id, MessageId::from_bare)?,
            tenant: parsed("message.tenant_id", &row.tenant_id)?,
            channel: parsed("message.channel_id", &row.channel_id)?,
            to: json("message.contact", &row.contact)?,
            content: json("message.content", &row.content)?,
            reference: row.reference,
            reply_to: row.reply_to,
            provider_message_id: row.provider_message_id,
            status: parsed("message.status", &status)?,
            error: json_or_null("message.error", row.error.as_deref())?,
            priority: priority(present("priority", row.priority)?)?,
            policy: policy(&present("policy", row.policy)?)?,
            try_number: number("message.try_number", present("try_number", row.try_number)?)?,
            options: row.options.map(document).transpose()?,
            send_at: row.send_at,
            fallback: match row.fallback {
                Some(list) => json("message.fallback", &list)?,
                None => Vec::new(),
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
            expires_at: present("expires_at", row.expires_at)?,
        })
    }
}

impl TryFrom<StoredRow> for Stored {
    type Error = StoreError;

    fn try_from(row: StoredRow) -> Result<Self, StoreError> {
        match row.direction.as_str() {
            "outbound" => Message::try_from(row.rest)
                .map(Box::new)
                .map(Self::Outbound),
            "inbound" => inbound(row).map(Box::new).map(Self::Inbound),
            other => Err(corrupt(format!("message.direction: {other:?}"))),
        }
    }
}

fn inbound(row: StoredRow) -> Result<Inbound, StoreError> {
    let details: Details = json("message.details", &present("details", row.details)?)?;
    let rest = row.rest;
    Ok(Inbound {
        id: bare("message.id", &rest.id, MessageId::from_bare)?,
        tenant: parsed("message.tenant_id", &rest.tenant_id)?,
        channel: parsed("message.channel_id", &rest.channel_id)?,
        from: json("message.contact", &rest.contact)?,
        content: json("message.content", &rest.content)?,
        kind: row.kind,
        group: details.group,
        forwarded: details.forwarded,
        referral: details.referral,
        reply_to: rest.reply_to,
        provider_message_id: present("provider_message_id", rest.provider_message_id)?,
        at: details.at,
        created_at: rest.created_at,
    })
}

fn document(text: String) -> Result<Json, StoreError> {
    Json::parse(text).map_err(|why| corrupt(format!("message.options: {why}")))
}

/// A column that may be null in the table but not for this direction.
fn present<T>(column: &'static str, value: Option<T>) -> Result<T, StoreError> {
    value.ok_or_else(|| corrupt(format!("message.{column}: null")))
}

fn corrupt(what: String) -> StoreError {
    StoreError::Corrupt { what }
}
