//! Pages of messages, and what narrows them.

use wharf_core::provider::Address;
use wharf_core::{ChannelId, MessageId, Status, TenantId};

use super::Stored;
use super::rows::StoredRow;
use crate::columns::to_json;
use crate::{Conn, Context, StoreError, on_db};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Outbound,
    Inbound,
}

impl Direction {
    pub const ALL: [Self; 2] = [Self::Outbound, Self::Inbound];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

/// Which messages are wanted; everything that is not said is left open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub status: Option<Status>,
    pub direction: Option<Direction>,
    /// Any of these channels.
    pub channels: Option<Vec<ChannelId>>,
    /// The recipient of outbound ones.
    pub to: Option<Address>,
    /// The sender of inbound ones: the digits of a phone number or a user id.
    pub from: Option<String>,
    pub reference: Option<String>,
    /// Accepted or received at this time or later,
    pub since: Option<i64>,
    /// and before this one.
    pub until: Option<i64>,
    /// Stands in some text of the content, in any case (PostgreSQL) or any case of ASCII (SQLite).
    pub search: Option<String>,
}

/// At most `limit` messages of both directions, newest first: those after the message `after`, which
/// is the last of the page before. A cursor that is no message of the tenant gives an empty page.
pub async fn page(
    conn: &mut Conn,
    tenant: &TenantId,
    after: Option<MessageId>,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    find(conn, tenant, &Filter::default(), after, limit).await
}

/// One query's text: what leads to an index, and how a database looks into documents.
macro_rules! find_text {
    ($index:literal, $texts:literal) => {
        concat!(
            "select id, tenant_id, channel_id, direction, kind, contact, content, details, reference,
                    reply_to, provider_message_id, status, error, priority, policy, try_number,
                    expires_at, created_at, updated_at, options
             from message
             where tenant_id = $1 ",
            $index,
            " and created_at >= $2 and created_at <= $3
              and ($4 is null or created_at < $3 or id < $4)
              and ($5 is null or status = $5)
              and ($6 is null or direction = $6)
              and ($7 is null or $7 like '%,' || replace(channel_id, '_', '!_') || ',%' escape '!')
              and ($8 is null or (direction = 'outbound' and contact = $8))
              and ($9 is null or (direction = 'inbound' and (contact like $9 escape '!'
                                                             or contact like $10 escape '!')))
              and ($11 is null or reference = $11)
              and ($12 is null or exists (select 1 from ",
            $texts,
            " like $12 escape '!'))
             order by created_at desc, id desc limit $13"
        )
    };
}

/// Every text of a document.
macro_rules! texts {
    (sqlite $index:literal) => {
        find_text!(
            $index,
            "json_tree(message.content) part where part.type = 'text' and lower(part.value)"
        )
    };
    (postgres $index:literal) => {
        find_text!(
            $index,
            "jsonb_path_query(message.content::jsonb, '$.** ? (@.type() == \"string\")') part
              where lower(part #>> '{}')"
        )
    };
}

/// As [`page`], of the messages that fit.
pub async fn find(
    conn: &mut Conn,
    tenant: &TenantId,
    filter: &Filter,
    after: Option<MessageId>,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    let mut newest = filter
        .until
        .map_or(i64::MAX, |until| until.saturating_sub(1));
    let mut below = None;
    if let Some(after) = after {
        let Some(at) = created_at(conn, tenant, after).await? else {
            return Ok(Vec::new());
        };
        if at <= newest {
            (newest, below) = (at, Some(after.bare()));
        }
    }
    let text = match (conn.is_postgres(), filter.reference.is_some()) {
        (false, false) => texts!(sqlite ""),
        (false, true) => texts!(sqlite "and reference = $11"),
        (true, false) => texts!(postgres ""),
        (true, true) => texts!(postgres "and reference = $11"),
    };
    let channels = filter.channels.as_ref().map(|ids| {
        let ids: Vec<_> = ids.iter().map(ChannelId::as_str).collect();
        format!(",{},", ids.join(","))
    });
    let member = |name: &str| {
        let from = filter.from.as_ref()?;
        let pair = format!("\"{name}\":{}", to_json(from));
        Some(format!("%{}%", literally(&pair)))
    };
    let search = filter.search.as_ref();
    let search = search.map(|words| format!("%{}%", literally(&words.to_lowercase())));
    let rows: Vec<StoredRow> = on_db!(conn, |c| sqlx::query_as(text)
        .bind(tenant.as_str())
        .bind(filter.since.unwrap_or(0))
        .bind(newest)
        .bind(below)
        .bind(filter.status.map(Status::as_str))
        .bind(filter.direction.map(Direction::as_str))
        .bind(channels)
        .bind(filter.to.as_ref().map(to_json))
        .bind(member("phone"))
        .bind(member("user_id"))
        .bind(filter.reference.as_ref())
        .bind(search)
        .bind(limit)
        .fetch_all(c)
        .await)
    .doing("list messages")?;
    rows.into_iter().map(Stored::try_from).collect()
}

async fn created_at(
    conn: &mut Conn,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Option<i64>, StoreError> {
    on_db!(conn, |c| sqlx::query_scalar(
        "select created_at from message where tenant_id = $1 and id = $2"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .fetch_optional(c)
    .await)
    .doing("look up a page's cursor")
}

/// The text as a pattern that matches nothing but itself.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '!' | '%' | '_') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern
}
