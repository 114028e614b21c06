//! Messages, outbound and inbound, and where an outbound one is.

mod page;
mod rows;
mod status;

use serde_json::Value;
use wharf_core::provider::{Address, Content, InboundContent, InboundMessage, Json, Party};
use wharf_core::request::{Policy, Priority};
use wharf_core::{ChannelId, MessageId, Status, TenantId};

use crate::columns::{bare, foreign_key, number, parsed, to_json};
use crate::{Conn, Context, StoreError, Tx, on_db};
pub use page::{Direction, Filter, find, page};
use rows::{Details, OutboundRow, StoredRow};
pub use status::{StatusChange, set_expiry, set_status};
pub(crate) use status::{no_such, record_accepted};

/// A message to be sent, as accepted. Its first try has the number 1.
#[derive(Clone, Debug)]
pub struct NewOutbound {
    pub id: MessageId,
    pub channel: ChannelId,
    pub content: Content,
    pub to: Address,
    pub reference: Option<String>,
    pub reply_to: Option<String>,
    pub priority: Priority,
    pub policy: Policy,
    pub status: Status,
    /// Further envelope members by the provider's names: a JSON object.
    pub options: Option<Json>,
    pub created_at: i64,
    pub expires_at: i64,
}

/// A message that arrived.
#[derive(Clone, Debug)]
pub struct NewInbound {
    pub id: MessageId,
    pub channel: ChannelId,
    pub message: InboundMessage,
    pub created_at: i64,
}

/// An outbound message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: MessageId,
    pub tenant: TenantId,
    pub channel: ChannelId,
    pub to: Address,
    pub content: Content,
    pub reference: Option<String>,
    pub reply_to: Option<String>,
    pub provider_message_id: Option<String>,
    /// What the message shows, over all its tries.
    pub status: Status,
    pub error: Option<Value>,
    pub priority: Priority,
    pub policy: Policy,
    /// The latest try.
    pub try_number: u32,
    /// Further envelope members by the provider's names: a JSON object.
    pub options: Option<Json>,
    pub created_at: i64,
    pub updated_at: i64,
    pub expires_at: i64,
}

/// An inbound message.
#[derive(Clone, Debug, PartialEq)]
pub struct Inbound {
    pub id: MessageId,
    pub tenant: TenantId,
    pub channel: ChannelId,
    pub from: Party,
    pub content: InboundContent,
    /// The content's kind, for example `text`.
    pub kind: String,
    pub group: Option<String>,
    pub forwarded: bool,
    pub referral: Option<Json>,
    pub reply_to: Option<String>,
    pub provider_message_id: String,
    /// The provider's time.
    pub at: i64,
    pub created_at: i64,
}

/// A message of either direction.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    Outbound(Box<Message>),
    Inbound(Box<Inbound>),
}

impl Stored {
    pub fn id(&self) -> MessageId {
        match self {
            Self::Outbound(message) => message.id,
            Self::Inbound(message) => message.id,
        }
    }

    pub fn channel(&self) -> &ChannelId {
        match self {
            Self::Outbound(message) => &message.channel,
            Self::Inbound(message) => &message.channel,
        }
    }
}

impl From<&Message> for NewOutbound {
    fn from(message: &Message) -> Self {
        Self {
            id: message.id,
            channel: message.channel.clone(),
            content: message.content.clone(),
            to: message.to.clone(),
            reference: message.reference.clone(),
            reply_to: message.reply_to.clone(),
            priority: message.priority,
            policy: message.policy,
            status: message.status,
            options: message.options.clone(),
            created_at: message.created_at,
            expires_at: message.expires_at,
        }
    }
}

pub async fn insert_outbound(
    tx: &mut Tx,
    tenant: &TenantId,
    message: &NewOutbound,
) -> Result<(), StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into message (id, tenant_id, channel_id, direction, kind, contact, content,
                              reference, reply_to, status, priority, policy, try_number,
                              expires_at, created_at, updated_at, options)
         values ($1, $2, $3, 'outbound', $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $13, $13, $14)"
    )
    .bind(message.id.bare())
    .bind(tenant.as_str())
    .bind(message.channel.as_str())
    .bind(message.content.kind())
    .bind(to_json(&message.to))
    .bind(to_json(&message.content))
    .bind(&message.reference)
    .bind(&message.reply_to)
    .bind(message.status.as_str())
    .bind(rows::priority_column(message.priority))
    .bind(message.policy.as_str())
    .bind(message.expires_at)
    .bind(message.created_at)
    .bind(message.options.as_ref().map(Json::as_str))
    .execute(c)
    .await
    .map(drop))
    .doing("keep an outbound message")
}

pub async fn insert_inbound(
    tx: &mut Tx,
    tenant: &TenantId,
    inbound: &NewInbound,
) -> Result<(), StoreError> {
    let message = &inbound.message;
    on_db!(&mut **tx, |c| {
        sqlx::query(
        "insert into message (id, tenant_id, channel_id, direction, kind, contact, content, details,
                              reply_to, provider_message_id, created_at, updated_at)
         values ($1, $2, $3, 'inbound', $4, $5, $6, $7, $8, $9, $10, $10)"
    )
    .bind(inbound.id.bare())
    .bind(tenant.as_str())
    .bind(inbound.channel.as_str())
    .bind(rows::inbound_kind(&message.content))
    .bind(to_json(&message.sender))
    .bind(to_json(&message.content))
    .bind(to_json(&Details::of(message)))
    .bind(message.reply_to.as_deref().map(foreign_key))
    .bind(foreign_key(&message.provider_message_id))
    .bind(inbound.created_at)
    .execute(c)
    .await
    .map(drop)
    })
    .doing("keep an inbound message")
}

/// An outbound message; None for an inbound one, too.
pub async fn get(
    conn: &mut Conn,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Option<Message>, StoreError> {
    let row: Option<OutboundRow> = on_db!(conn, |c| sqlx::query_as(
        "select id, tenant_id, channel_id, contact, content, reference, reply_to,
                provider_message_id, status, error, priority, policy, try_number, expires_at,
                created_at, updated_at, options
         from message where tenant_id = $1 and id = $2 and direction = 'outbound'"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .fetch_optional(c)
    .await)
    .doing("read a message")?;
    row.map(Message::try_from).transpose()
}

/// A message of either direction.
pub async fn get_any(
    conn: &mut Conn,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Option<Stored>, StoreError> {
    let row: Option<StoredRow> = on_db!(conn, |c| {
        sqlx::query_as(
        "select id, tenant_id, channel_id, direction, kind, contact, content, details, reference,
                reply_to, provider_message_id, status, error, priority, policy, try_number,
                expires_at, created_at, updated_at, options
         from message where tenant_id = $1 and id = $2"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .fetch_optional(c)
    .await
    })
    .doing("read a message")?;
    row.map(Stored::try_from).transpose()
}

/// The message this channel's provider calls by that id, with the try it named so; an inbound
/// message has no try and gives 0.
pub async fn by_provider_id(
    conn: &mut Conn,
    tenant: &TenantId,
    channel: &ChannelId,
    provider_message_id: &str,
) -> Result<Option<(MessageId, u32)>, StoreError> {
    let row: Option<(String, i64)> = on_db!(conn, |c| sqlx::query_as(
        "select message_id, number from message_try
         where tenant_id = $1 and channel_id = $2 and provider_message_id = $3
         union all
         select id, 0 from message
         where tenant_id = $1 and channel_id = $2 and provider_message_id = $3
           and direction = 'inbound'
         order by 2 desc limit 1"
    )
    .bind(tenant.as_str())
    .bind(channel.as_str())
    .bind(foreign_key(provider_message_id))
    .fetch_optional(c)
    .await)
    .doing("find a message by the provider's id")?;
    row.map(|(id, try_number)| {
        Ok((
            bare("message_try.message_id", &id, MessageId::from_bare)?,
            number("message_try.number", try_number)?,
        ))
    })
    .transpose()
}

/// The tenant and channel of a message, whoever's it is. Operator-wide: for a provider's side that
/// knows a message by its id alone, and proves itself by that channel's secret.
pub async fn channel_of(
    conn: &mut Conn,
    id: MessageId,
) -> Result<Option<(TenantId, ChannelId)>, StoreError> {
    let row: Option<(String, String)> = on_db!(conn, |c| sqlx::query_as(
        "select tenant_id, channel_id from message where id = $1"
    )
    .bind(id.bare())
    .fetch_optional(c)
    .await)
    .doing("find a message's channel")?;
    row.map(|(tenant, channel)| {
        Ok((
            parsed("message.tenant_id", &tenant)?,
            parsed("message.channel_id", &channel)?,
        ))
    })
    .transpose()
}
