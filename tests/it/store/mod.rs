//! The store, each test on both databases: what a commit promises, what a status may do, and whose
//! rows one can see.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

mod configuration;
mod endpoints;
mod events;
mod journal;
mod kept;
mod media;
mod migrations;
mod onboarding;
mod once;
mod sealing;
mod status;
mod tenancy;
mod writer;

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use ulid::Ulid;
use wharf_core::provider::{Address, Content, InboundContent, InboundMessage, Party, Text};
use wharf_core::request::{Policy, Priority};
use wharf_core::{ChannelId, IdSource, MessageId, Status, TenantId};
use wharf_store::journal::BeginAttempt;
use wharf_store::messages::{NewInbound, NewOutbound};
use wharf_store::tenants::TenantRow;
use wharf_store::{Db, KeyRing, Origin, StoreError, Tx, Vault, WriteFuture, messages, tenants};

const NOW: i64 = 1_700_000_000_000;

/// Ids in ascending order, alike in every run.
struct Ids;

impl IdSource for Ids {
    fn ulid(&self) -> Ulid {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Ulid::from_parts(
            NOW.cast_unsigned(),
            u128::from(NEXT.fetch_add(1, Ordering::Relaxed)),
        )
    }
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn other() -> TenantId {
    "other".parse().unwrap()
}

fn main_channel() -> ChannelId {
    "main".parse().unwrap()
}

fn vault() -> Vault {
    Vault::new(KeyRing::new("k1".to_owned(), vec![("k1".to_owned(), [1; 32])]).unwrap())
}

/// One write that must succeed.
async fn write<T, F>(db: &Db, work: F) -> T
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> WriteFuture<'t, T> + Send + 'static,
{
    db.write(work).await.unwrap()
}

fn tenant_row(id: TenantId) -> TenantRow {
    TenantRow {
        name: id.to_string(),
        id,
        origin: Origin::File,
        created_at: NOW,
    }
}

/// The tenants `acme` and `other`.
async fn with_tenants(db: &Db) {
    write(db, |tx| {
        Box::pin(async move {
            tenants::upsert(tx, &tenant_row(acme())).await?;
            tenants::upsert(tx, &tenant_row(other())).await
        })
    })
    .await;
}

async fn tenant_names(db: &Db) -> Vec<String> {
    let mut conn = db.read().await.unwrap();
    let rows = tenants::list(&mut conn).await.unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

fn outbound(id: MessageId) -> NewOutbound {
    NewOutbound {
        id,
        channel: main_channel(),
        content: Content::Text {
            text: Text {
                body: "Grüße, 世界 \0".to_owned(),
                preview_url: false,
            },
        },
        to: Address::Phone("4915112345678".to_owned()),
        reference: Some("order-17".to_owned()),
        reply_to: None,
        priority: Priority::Low,
        policy: Policy::AtMostOnce,
        status: Status::Queued,
        options: Some(json!({ "category": "utility" }).into()),
        send_at: Some(NOW + 500),
        fallback: vec!["backup".parse().unwrap()],
        created_at: NOW,
        expires_at: NOW + 1000,
    }
}

fn inbound(id: MessageId, provider_message_id: &str) -> NewInbound {
    NewInbound {
        id,
        channel: main_channel(),
        message: InboundMessage {
            provider_message_id: provider_message_id.to_owned(),
            sender: Party {
                phone: Some("4915112345678".to_owned()),
                ..Party::default()
            },
            group: Some("g\0".to_owned()),
            at_ms: 1_699_999_999_000,
            reply_to: None,
            forwarded: true,
            content: InboundContent::Text {
                body: "Hi".to_owned(),
            },
            referral: Some(json!({ "source": "ad" }).into()),
        },
        created_at: NOW,
    }
}

/// A queued message of `acme`.
async fn queued(db: &Db) -> MessageId {
    let id = MessageId::new(&Ids);
    write(db, move |tx| {
        Box::pin(async move { messages::insert_outbound(tx, &acme(), &outbound(id)).await })
    })
    .await;
    id
}

fn begin(message: MessageId, try_number: u32, number: u32) -> BeginAttempt {
    BeginAttempt {
        message,
        try_number,
        number,
        channel: main_channel(),
        plugin_digest: Some("ab".repeat(32)),
        started_at: NOW + 1,
    }
}

async fn shown(db: &Db, id: MessageId) -> messages::Message {
    let mut conn = db.read().await.unwrap();
    messages::get(&mut conn, &acme(), id)
        .await
        .unwrap()
        .unwrap()
}

fn is_refused<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Refused(_)))
}
