//! Onboarding sessions: flows that go back and forth with a person, as far as they have come.
//!
//! A session changes only from the turn that the writer has seen ([`advance`]): of two that go on at the
//! same time, one does. What is secret comes and goes sealed by [`seal_private`].

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use wharf_core::{AppId, ChannelId, OnboardingId, TenantId};
use zeroize::Zeroizing;

use crate::columns::{
    bare, json, json_or_null, parsed, parsed_or_null, sha256_hex, text_enum, to_json,
    to_json_or_null,
};
use crate::{Aad, Conn, Context, StoreError, Tx, Vault, on_db};

text_enum! {
    /// What a session is doing.
    pub enum SessionStatus {
        /// A job works on it.
        Running = "running",
        /// A person is asked.
        Question = "question",
        /// A browser is away.
        Visit = "visit",
        /// It goes on by itself at `due_at`.
        Waiting = "waiting",
        /// The step failed and may be tried again.
        Failed = "failed",
        Done = "done",
        /// Somebody gave it up.
        Canceled = "canceled",
        /// Nobody ended it in time, or it can never go on.
        Expired = "expired",
    }
}

impl SessionStatus {
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Done | Self::Canceled | Self::Expired)
    }
}

/// What a session is for; never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionKey {
    pub tenant: TenantId,
    pub id: OnboardingId,
    pub plugin: String,
    pub flow: String,
    pub app: Option<AppId>,
    /// The channel that is mended, or the name for the one to be made.
    pub channel: Option<ChannelId>,
    pub created_at: i64,
    pub expires_at: i64,
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionState {
    pub status: SessionStatus,
    pub question: Option<Value>,
    pub findings: Value,
    pub error: Option<Value>,
    pub channels: Value,
    /// The browser's way back carries its token in the path.
    pub by_path: bool,
    /// The flow's own, sealed by the flow.
    pub saved: Option<Vec<u8>>,
    /// Sealed by [`seal_private`].
    pub private: Vec<u8>,
    pub due_at: Option<i64>,
    pub updated_at: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub key: SessionKey,
    pub turn: i64,
    pub state: SessionState,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    tenant_id: String,
    plugin: String,
    flow: String,
    app_id: Option<String>,
    channel_id: Option<String>,
    status: String,
    turn: i64,
    question: Option<String>,
    findings: String,
    error: Option<String>,
    channels: String,
    by_path: i64,
    saved: Option<Vec<u8>>,
    private: Vec<u8>,
    due_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
    expires_at: i64,
}

/// Keeps a new session at turn 1. False, with nothing kept, when the tenant has `open_max` that have not
/// ended.
pub async fn insert(
    tx: &mut Tx,
    new: &SessionKey,
    state: &SessionState,
    return_token: &SecretString,
    open_max: i64,
) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "insert into onboarding (id, tenant_id, plugin, flow, app_id, channel_id, status, turn, findings,
                                 channels, by_path, return_hash, private, created_at, updated_at,
                                 expires_at)
         select $1, $2, $3, $4, $5, $6, $7, 1, $8, $9, 0, $10, $11, $12, $12, $13
         where (select count(*) from onboarding
                where tenant_id = $2 and expires_at > $12
                  and status not in ('done', 'canceled', 'expired')) < $14"
    )
    .bind(new.id.bare())
    .bind(new.tenant.as_str())
    .bind(&new.plugin)
    .bind(&new.flow)
    .bind(new.app.as_ref().map(AppId::as_str))
    .bind(new.channel.as_ref().map(ChannelId::as_str))
    .bind(state.status.as_str())
    .bind(to_json(&state.findings))
    .bind(to_json(&state.channels))
    .bind(sha256_hex(return_token.expose_secret().as_bytes()))
    .bind(&state.private)
    .bind(new.created_at)
    .bind(new.expires_at)
    .bind(open_max)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("keep an onboarding session")
}

pub async fn get(
    conn: &mut Conn,
    tenant: &TenantId,
    id: OnboardingId,
) -> Result<Option<Session>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| sqlx::query_as(
        "select id, tenant_id, plugin, flow, app_id, channel_id, status, turn, question, findings, error,
                channels, by_path, saved, private, due_at, created_at, updated_at, expires_at
         from onboarding where tenant_id = $1 and id = $2"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .fetch_optional(c)
    .await)
    .doing("read an onboarding session")?;
    row.map(typed).transpose()
}

/// Before any tenant is known: the session that this browser comes back to.
pub async fn by_return_token(
    conn: &mut Conn,
    token: &SecretString,
) -> Result<Option<Session>, StoreError> {
    let row: Option<Row> = on_db!(conn, |c| sqlx::query_as(
        "select id, tenant_id, plugin, flow, app_id, channel_id, status, turn, question, findings, error,
                channels, by_path, saved, private, due_at, created_at, updated_at, expires_at
         from onboarding where return_hash = $1"
    )
    .bind(sha256_hex(token.expose_secret().as_bytes()))
    .fetch_optional(c)
    .await)
    .doing("look up a browser's onboarding session")?;
    row.map(typed).transpose()
}

/// The tenant's sessions, newest first, those before `cursor`.
pub async fn page(
    conn: &mut Conn,
    tenant: &TenantId,
    cursor: Option<OnboardingId>,
    limit: i64,
) -> Result<Vec<Session>, StoreError> {
    let before = cursor.map(|id| id.bare()).unwrap_or_default();
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select id, tenant_id, plugin, flow, app_id, channel_id, status, turn, question, findings, error,
                channels, by_path, saved, private, due_at, created_at, updated_at, expires_at
         from onboarding where tenant_id = $1 and ($2 = '' or id < $2) order by id desc limit $3"
    )
    .bind(tenant.as_str())
    .bind(&before)
    .bind(limit)
    .fetch_all(c)
    .await)
    .doing("list onboarding sessions")?;
    rows.into_iter().map(typed).collect()
}

/// Brings the session from `turn` to the next one. False when somebody else did, or ended it.
pub async fn advance(
    tx: &mut Tx,
    tenant: &TenantId,
    id: OnboardingId,
    turn: i64,
    to: &SessionState,
) -> Result<bool, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "update onboarding
         set turn = turn + 1, status = $4, question = $5, findings = $6, error = $7, channels = $8,
             by_path = $9, saved = $10, private = $11, due_at = $12, updated_at = $13
         where tenant_id = $1 and id = $2 and turn = $3
           and status not in ('done', 'canceled', 'expired')"
    )
    .bind(tenant.as_str())
    .bind(id.bare())
    .bind(turn)
    .bind(to.status.as_str())
    .bind(to_json_or_null(to.question.as_ref()))
    .bind(to_json(&to.findings))
    .bind(to_json_or_null(to.error.as_ref()))
    .bind(to_json(&to.channels))
    .bind(i64::from(to.by_path))
    .bind(&to.saved)
    .bind(&to.private)
    .bind(to.due_at)
    .bind(to.updated_at)
    .execute(c)
    .await
    .map(|done| done.rows_affected() > 0))
    .doing("bring an onboarding session forward")
}

/// For maintenance, over all tenants: at most `limit` sessions whose time is over and that nobody ended.
pub async fn overdue(conn: &mut Conn, now: i64, limit: u32) -> Result<Vec<Session>, StoreError> {
    let rows: Vec<Row> = on_db!(conn, |c| sqlx::query_as(
        "select id, tenant_id, plugin, flow, app_id, channel_id, status, turn, question, findings, error,
                channels, by_path, saved, private, due_at, created_at, updated_at, expires_at
         from onboarding
         where expires_at <= $1 and status not in ('done', 'canceled', 'expired')
         order by expires_at limit $2"
    )
    .bind(now)
    .bind(i64::from(limit))
    .fetch_all(c)
    .await)
    .doing("list onboarding sessions that are overdue")?;
    rows.into_iter().map(typed).collect()
}

/// For maintenance, over all tenants: deletes at most `limit` sessions that expired before then.
pub async fn purge(tx: &mut Tx, expired_before: i64, limit: u32) -> Result<u64, StoreError> {
    on_db!(&mut **tx, |c| sqlx::query(
        "delete from onboarding where id in
         (select id from onboarding
          where expires_at <= $1 and status in ('done', 'canceled', 'expired')
          order by expires_at limit $2)"
    )
    .bind(expired_before)
    .bind(i64::from(limit))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))
    .doing("delete onboarding sessions that have ended")
}

/// Seals what is secret of a session, bound to it.
pub fn seal_private(
    vault: &Vault,
    tenant: &TenantId,
    id: OnboardingId,
    plain: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let id = id.bare();
    Ok(vault.seal(&aad(tenant, &id), plain)?.bytes)
}

/// Opens what [`seal_private`] sealed for this session.
pub fn open_private(vault: &Vault, session: &Session) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let id = session.key.id.bare();
    vault.open(&aad(&session.key.tenant, &id), &session.state.private)
}

fn aad<'a>(tenant: &'a TenantId, id: &'a str) -> Aad<'a> {
    Aad {
        purpose: "onboarding",
        tenant: Some(tenant.as_str()),
        owner: id,
        name: "private",
        slot: 0,
    }
}

fn typed(row: Row) -> Result<Session, StoreError> {
    Ok(Session {
        key: SessionKey {
            tenant: parsed("onboarding.tenant_id", &row.tenant_id)?,
            id: bare("onboarding.id", &row.id, OnboardingId::from_bare)?,
            plugin: row.plugin,
            flow: row.flow,
            app: parsed_or_null("onboarding.app_id", row.app_id.as_deref())?,
            channel: parsed_or_null("onboarding.channel_id", row.channel_id.as_deref())?,
            created_at: row.created_at,
            expires_at: row.expires_at,
        },
        turn: row.turn,
        state: SessionState {
            status: parsed("onboarding.status", &row.status)?,
            question: json_or_null("onboarding.question", row.question.as_deref())?,
            findings: json("onboarding.findings", &row.findings)?,
            error: json_or_null("onboarding.error", row.error.as_deref())?,
            channels: json("onboarding.channels", &row.channels)?,
            by_path: row.by_path != 0,
            saved: row.saved,
            private: row.private,
            due_at: row.due_at,
            updated_at: row.updated_at,
        },
    })
}
