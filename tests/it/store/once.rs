//! Nothing has its effect twice: idempotency keys and atoms.

use futures_util::future::join_all;
use wharf_core::MessageId;
use wharf_core::provider::Route;
use wharf_store::atoms::Atom;
use wharf_store::idempotency::{IdempotencyRow, NewIdempotency};
use wharf_store::{Tx, atoms, idempotency};

use super::{Ids, NOW, acme, other, with_tenants, write};
use crate::databases::each_database;

fn key(message_id: MessageId, fingerprint: &str, created_at: i64) -> NewIdempotency {
    NewIdempotency {
        key: "k".to_owned(),
        fingerprint: fingerprint.to_owned(),
        message_id,
        created_at,
        expires_at: created_at + 100,
    }
}

#[tokio::test]
async fn one_of_many_at_once_gets_the_idempotency_key() {
    each_database(async |db| {
        with_tenants(&db).await;
        let messages: Vec<MessageId> = (0..40).map(|_| MessageId::new(&Ids)).collect();
        let takes = messages.iter().map(|&id| {
            db.try_write(move |tx| {
                Box::pin(async move {
                    idempotency::insert(tx, &acme(), &key(id, &id.bare(), NOW)).await
                })
            })
        });
        let taken: Vec<bool> = join_all(takes)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
        let winner = messages[taken.iter().position(|taken| *taken).unwrap()];

        let mut conn = db.read().await.unwrap();
        let found = idempotency::find(&mut conn, &acme(), "k", NOW + 99)
            .await
            .unwrap();
        assert_eq!(
            found,
            Some(IdempotencyRow {
                fingerprint: winner.bare(),
                message_id: winner
            })
        );
        let elsewhere = idempotency::find(&mut conn, &other(), "k", NOW)
            .await
            .unwrap();
        assert_eq!(elsewhere, None);
    })
    .await;
}

#[tokio::test]
async fn an_expired_idempotency_key_is_free_again_and_is_purged() {
    each_database(async |db| {
        with_tenants(&db).await;
        let (first, second) = (MessageId::new(&Ids), MessageId::new(&Ids));
        write(&db, move |tx| {
            Box::pin(async move {
                let insert = async |tx: &mut Tx, id, at| {
                    idempotency::insert(tx, &acme(), &key(id, "f", at)).await
                };
                assert!(insert(tx, first, NOW).await?);
                assert!(!insert(tx, second, NOW + 99).await?);
                assert_eq!(idempotency::find(tx, &acme(), "k", NOW + 100).await?, None);
                assert!(insert(tx, second, NOW + 100).await?);
                let found = idempotency::find(tx, &acme(), "k", NOW + 101).await?;
                assert_eq!(found.unwrap().message_id, second);
                assert_eq!(idempotency::purge(tx, NOW + 199, 10).await?, 0);
                assert_eq!(idempotency::purge(tx, NOW + 200, 10).await?, 1);
                Ok(())
            })
        })
        .await;
    })
    .await;
}

fn atom(route: Route, dedupe_key: &str) -> Atom {
    Atom {
        tenant: acme(),
        route,
        dedupe_key: dedupe_key.to_owned(),
    }
}

#[tokio::test]
async fn an_atom_is_new_once_for_each_tenant_plugin_and_route() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                let sender = Route::Sender("1".to_owned());
                let account = Route::Account("1".to_owned());
                let absurd = "x".repeat(20_000);
                for key in ["k", "", "nul\0", &absurd, &format!("{absurd}y")] {
                    let (a, b) = (acme(), other());
                    assert!(atoms::insert_new(tx, &a, "graph", &sender, key, NOW).await?);
                    assert!(!atoms::insert_new(tx, &a, "graph", &sender, key, NOW).await?);
                    assert!(atoms::insert_new(tx, &b, "graph", &sender, key, NOW).await?);
                    assert!(atoms::insert_new(tx, &a, "twilio", &sender, key, NOW).await?);
                    assert!(atoms::insert_new(tx, &a, "graph", &account, key, NOW).await?);
                    assert!(atoms::insert_new(tx, &a, "graph", &Route::App, key, NOW).await?);
                }
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn many_atoms_at_once_say_which_are_new_in_order() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                let sender = || Route::Sender("1".to_owned());
                assert!(atoms::insert_new(tx, &acme(), "graph", &sender(), "seen", NOW).await?);
                let batch = [
                    atom(sender(), "a"),
                    atom(sender(), "seen"),
                    atom(sender(), "a"),
                    atom(Route::App, "a"),
                    Atom {
                        tenant: other(),
                        ..atom(sender(), "seen")
                    },
                    atom(sender(), "quote ' \" \\ nul\0 ü"),
                ];
                let fresh = atoms::insert_many(tx, "graph", &batch, NOW).await?;
                assert_eq!(fresh, [true, false, false, true, true, true]);
                let again = atoms::insert_many(tx, "graph", &batch, NOW).await?;
                assert_eq!(again, [false; 6]);
                assert!(atoms::insert_many(tx, "graph", &[], NOW).await?.is_empty());

                let many: Vec<Atom> = (0..2000)
                    .map(|i| atom(sender(), &format!("m{i}")))
                    .collect();
                let fresh = atoms::insert_many(tx, "graph", &many, NOW + 1).await?;
                assert!(fresh.iter().all(|fresh| *fresh));

                // Forgotten oldest first, a bounded number at a time.
                assert_eq!(atoms::purge(tx, NOW + 2, 6).await?, 6);
                let late = atoms::insert_many(tx, "graph", &many, NOW + 1).await?;
                assert_eq!(late.iter().filter(|fresh| **fresh).count(), 1);
                Ok(())
            })
        })
        .await;
    })
    .await;
}
