//! Onboarding sessions: one of two goes on, each tenant sees its own, and addresses change hands whole.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use wharf_core::{OnboardingId, TenantId};
use wharf_store::onboarding::{self, Session, SessionKey, SessionState, SessionStatus};
use wharf_store::{AccountKey, Owner, routes};

use super::{Ids, NOW, acme, main_channel, other, vault, with_tenants, write};
use crate::databases::each_database;

const DAY_MS: i64 = 86_400_000;

fn key(tenant: TenantId) -> SessionKey {
    SessionKey {
        tenant,
        id: OnboardingId::new(&Ids),
        plugin: "graph".to_owned(),
        flow: "manual".to_owned(),
        app: None,
        channel: Some(main_channel()),
        created_at: NOW,
        expires_at: NOW + DAY_MS,
    }
}

fn state(status: SessionStatus) -> SessionState {
    SessionState {
        status,
        question: Some(json!({ "title": "Which \u{0} number?" })),
        findings: json!([{ "step": "login" }]),
        error: None,
        channels: json!([]),
        by_path: true,
        saved: Some(vec![1, 2, 3]),
        private: vec![4],
        due_at: Some(NOW + 5),
        updated_at: NOW + 1,
    }
}

fn token(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

#[tokio::test]
async fn a_session_goes_on_from_the_turn_that_was_seen_and_for_its_tenant_only() {
    each_database(async |db| {
        with_tenants(&db).await;
        let key = key(acme());
        write(&db, move |tx| {
            Box::pin(async move {
                let running = state(SessionStatus::Running);
                assert!(onboarding::insert(tx, &key, &running, &token("t1"), 10).await?);
                let (id, to) = (key.id, state(SessionStatus::Question));
                assert!(!onboarding::advance(tx, &other(), id, 1, &to).await?);
                assert!(!onboarding::advance(tx, &acme(), id, 2, &to).await?);
                assert!(onboarding::advance(tx, &acme(), id, 1, &to).await?);
                assert!(!onboarding::advance(tx, &acme(), id, 1, &to).await?);
                assert!(onboarding::get(tx, &other(), id).await?.is_none());
                assert!(onboarding::page(tx, &other(), None, 10).await?.is_empty());
                let wanted = Session {
                    key: key.clone(),
                    turn: 2,
                    state: to,
                };
                assert_eq!(
                    onboarding::get(tx, &acme(), id).await?,
                    Some(wanted.clone())
                );
                let found = onboarding::by_return_token(tx, &token("t1")).await?;
                assert_eq!(found, Some(wanted));
                assert!(
                    onboarding::by_return_token(tx, &token("t2"))
                        .await?
                        .is_none()
                );
                let ended = state(SessionStatus::Canceled);
                assert!(onboarding::advance(tx, &acme(), id, 2, &ended).await?);
                assert!(
                    !onboarding::advance(tx, &acme(), id, 3, &ended).await?,
                    "it has ended"
                );
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn open_sessions_count_ended_and_overdue_ones_do_not() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, move |tx| {
            Box::pin(async move {
                let running = state(SessionStatus::Running);
                let mut ids = Vec::new();
                for (count, wanted) in [true, true, false].into_iter().enumerate() {
                    let new = key(acme());
                    let token = token(&format!("a{count}"));
                    let kept = onboarding::insert(tx, &new, &running, &token, 2).await?;
                    assert_eq!(kept, wanted);
                    ids.push(new.id);
                }
                assert!(onboarding::insert(tx, &key(other()), &running, &token("o"), 2).await?);
                let done = state(SessionStatus::Done);
                assert!(onboarding::advance(tx, &acme(), ids[0], 1, &done).await?);
                assert!(onboarding::insert(tx, &key(acme()), &running, &token("b"), 2).await?);
                let mut late = key(acme());
                late.created_at = NOW + DAY_MS;
                late.expires_at = NOW + 2 * DAY_MS;
                assert!(onboarding::insert(tx, &late, &running, &token("c"), 2).await?);

                let overdue = onboarding::overdue(tx, NOW + DAY_MS, 10).await?;
                assert_eq!(overdue.len(), 3);
                // Only what has ended is deleted, and only once its time is over too.
                assert_eq!(onboarding::purge(tx, NOW, 10).await?, 0);
                assert_eq!(onboarding::purge(tx, NOW + DAY_MS, 10).await?, 1);
                let page = onboarding::page(tx, &acme(), None, 10).await?;
                assert_eq!(page.len(), 3);
                let after = onboarding::page(tx, &acme(), Some(page[0].key.id), 10).await?;
                assert_eq!(after, page[1..]);
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn an_address_that_changes_hands_leads_to_the_new_owner() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, move |tx| {
            Box::pin(async move {
                let vault = vault();
                let from = Owner::Account(acme(), AccountKey::new("graph", "onboarding:1"));
                let to = Owner::Channel(acme(), main_channel());
                for (owner, text) in [(&from, "told"), (&to, "untold")] {
                    let text = token(text);
                    routes::ensure(tx, &vault, owner, "main", "graph", &text, NOW).await?;
                }
                assert_eq!(routes::hand_over(tx, &vault, &from, &to).await?, 1);
                let found = routes::by_token(tx, &token("told")).await?.unwrap();
                assert_eq!((found.owner, found.tenant), (to.clone(), Some(acme())));
                assert!(routes::by_token(tx, &token("untold")).await?.is_none());
                let shown = routes::token_of(tx, &vault, &to, "main").await?.unwrap();
                assert_eq!(shown.expose_secret(), "told");
                assert_eq!(routes::delete_of(tx, &to).await?, 1);
                assert!(routes::by_token(tx, &token("told")).await?.is_none());
                Ok(())
            })
        })
        .await;
    })
    .await;
}
