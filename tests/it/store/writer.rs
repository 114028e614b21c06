//! Group commit: one transaction for many writes, and nobody pays for another's failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::oneshot;
use wharf_core::TenantId;
use wharf_store::{Context, Db, DbConfig, StoreError, Tx, on_db, tenants};

use super::{tenant_names, tenant_row, with_tenants, write};
use crate::databases::{each_database, each_database_with, each_empty};

async fn insert(tx: &mut Tx, name: String) -> Result<(), StoreError> {
    tenants::upsert(tx, &tenant_row(name.parse::<TenantId>().unwrap())).await
}

fn defect() -> Result<(), StoreError> {
    panic!("a defect")
}

#[tokio::test]
async fn one_failing_write_among_many_takes_nothing_with_it() {
    each_database(async |db| {
        let writes = (0..60).map(|i| {
            db.write(move |tx| {
                Box::pin(async move {
                    insert(tx, format!("t{i:02}")).await?;
                    match i {
                        // Its own rule.
                        17 => Err(StoreError::Refused("void".to_owned())),
                        // The database's: PostgreSQL refuses every later statement until a rollback.
                        31 => on_db!(&mut **tx, |c| {
                            sqlx::query(
                            "insert into api_key (id, tenant_id, name, hash, origin, created_at)
                             values ('k', 'nobody', '', '', 'file', 0)"
                        )
                        .execute(c)
                        .await
                        .map(drop)
                        })
                        .doing("break a foreign key"),
                        _ => Ok(()),
                    }
                })
            })
        });
        let results = join_all(writes).await;
        for (i, result) in results.iter().enumerate() {
            match i {
                17 => assert!(matches!(result, Err(StoreError::Refused(_))), "{result:?}"),
                31 => assert!(
                    matches!(result, Err(StoreError::Query { .. })),
                    "{result:?}"
                ),
                _ => assert!(result.is_ok(), "{i}: {result:?}"),
            }
        }
        let names = tenant_names(&db).await;
        assert_eq!(names.len(), 58);
        assert!(!names.contains(&"t17".to_owned()) && !names.contains(&"t31".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_panic_in_a_write_ends_neither_the_writer_nor_other_writes() {
    each_database(async |db| {
        let (before, panicking, after) = tokio::join!(
            db.write(|tx| Box::pin(insert(tx, "before".to_owned()))),
            db.write(|tx| Box::pin(async move {
                insert(tx, "panicking".to_owned()).await?;
                defect()
            })),
            db.write(|tx| Box::pin(insert(tx, "after".to_owned()))),
        );
        before.unwrap();
        let Err(StoreError::NotCommitted { reason }) = panicking else {
            panic!("a panic is no success");
        };
        assert!(reason.contains("defect"), "{reason}");
        after.unwrap();
        write(&db, |tx| Box::pin(insert(tx, "later".to_owned()))).await;
        assert_eq!(tenant_names(&db).await, ["after", "before", "later"]);
    })
    .await;
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_goes_on_when_it_has_room() {
    each_database_with(
        |config| config.writer_queue_max = 1,
        async |db| {
            let (started, has_started) = oneshot::channel();
            let (release, released) = oneshot::channel::<()>();
            let mut blocking = Box::pin(db.write(move |tx| {
                Box::pin(async move {
                    started.send(()).unwrap();
                    released.await.unwrap();
                    insert(tx, "blocking".to_owned()).await
                })
            }));
            assert!((&mut blocking).now_or_never().is_none());
            has_started.await.unwrap();

            let mut queued = Box::pin(db.try_write(|tx| Box::pin(insert(tx, "queued".to_owned()))));
            assert!((&mut queued).now_or_never().is_none());
            let refused = db
                .try_write(|tx| Box::pin(insert(tx, "refused".to_owned())))
                .await;
            assert!(
                matches!(refused, Err(StoreError::Busy { length_max: 1 })),
                "{refused:?}"
            );
            // Our own work waits instead.
            let mut waiting = Box::pin(db.write(|tx| Box::pin(insert(tx, "waiting".to_owned()))));
            assert!((&mut waiting).now_or_never().is_none());

            release.send(()).unwrap();
            blocking.await.unwrap();
            queued.await.unwrap();
            waiting.await.unwrap();
            assert_eq!(tenant_names(&db).await, ["blocking", "queued", "waiting"]);
        },
    )
    .await;
}

#[tokio::test]
async fn bells_ring_after_the_commit_and_only_then() {
    each_database(async |db| {
        let rung = Arc::new(AtomicU32::new(0));
        let bell = |step: u32| {
            let rung = Arc::clone(&rung);
            move || {
                rung.fetch_add(step, Ordering::SeqCst);
            }
        };
        let (good, bad, worse) = (bell(1), bell(100), bell(10_000));
        let seen = Arc::clone(&rung);
        let (succeeded, failed, panicked) = tokio::join!(
            db.write(move |tx| Box::pin(async move {
                tx.after_commit(good);
                insert(tx, "rings".to_owned()).await?;
                Ok(seen.load(Ordering::SeqCst))
            })),
            db.write(move |tx| Box::pin(async move {
                tx.after_commit(bad);
                Err::<(), _>(StoreError::Refused("void".to_owned()))
            })),
            db.write(move |tx| Box::pin(async move {
                tx.after_commit(worse);
                defect()
            })),
        );
        assert_eq!(succeeded.unwrap(), 0, "rung before the commit");
        failed.unwrap_err();
        panicked.unwrap_err();
        assert_eq!(rung.load(Ordering::SeqCst), 1);
    })
    .await;
}

/// Breaks what comes after it in the same transaction: for SQLite the commit, through a foreign key
/// that is checked there; for PostgreSQL the connection.
async fn sabotage(tx: &mut Tx) -> Result<(), StoreError> {
    let text = if tx.is_postgres() {
        "select pg_terminate_backend(pg_backend_pid())"
    } else {
        "pragma defer_foreign_keys = on;
         insert into api_key (id, tenant_id, name, hash, origin, created_at)
         values ('k', 'nobody', '', '', 'file', 0)"
    };
    on_db!(&mut **tx, |c| sqlx::raw_sql(text)
        .execute(c)
        .await
        .map(drop))
    .doing("sabotage")
}

#[tokio::test]
async fn a_commit_that_fails_is_nobodys_success_and_the_writer_goes_on() {
    // However slow this machine is, both writes are one group.
    let patient = |config: &mut DbConfig| config.writer_linger_ms = 60_000;
    each_database_with(patient, async |db| {
        let rung = Arc::new(AtomicU32::new(0));
        let bell = Arc::clone(&rung);
        let (release, released) = oneshot::channel::<()>();
        let mut innocent = Box::pin(db.write(move |tx| {
            Box::pin(async move {
                released.await.unwrap();
                tx.after_commit(move || {
                    bell.fetch_add(1, Ordering::SeqCst);
                });
                insert(tx, "innocent".to_owned()).await
            })
        }));
        assert!((&mut innocent).now_or_never().is_none());
        // Waits behind the first, so that both are in one transaction.
        let mut saboteur = Box::pin(db.write(|tx| Box::pin(sabotage(tx))));
        assert!((&mut saboteur).now_or_never().is_none());
        release.send(()).unwrap();
        let (innocent, saboteur) = tokio::join!(innocent, saboteur);
        assert!(
            matches!(innocent, Err(StoreError::NotCommitted { .. })),
            "{innocent:?}"
        );
        saboteur.unwrap_err();
        assert_eq!(rung.load(Ordering::SeqCst), 0);

        write(&db, |tx| Box::pin(insert(tx, "later".to_owned()))).await;
        assert_eq!(tenant_names(&db).await, ["later"]);
    })
    .await;
}

#[tokio::test]
async fn close_commits_what_was_accepted_and_refuses_the_rest() {
    each_empty(async |config| {
        let db = Db::open(&config).await.unwrap();
        db.migrate().await.unwrap();
        let mut accepted = Vec::new();
        for i in 0..40 {
            let mut one = Box::pin(db.write(move |tx| Box::pin(insert(tx, format!("t{i}")))));
            assert!((&mut one).now_or_never().is_none());
            accepted.push(one);
        }
        db.close().await;
        for result in join_all(accepted).await {
            result.unwrap();
        }
        let late = db.write(|tx| Box::pin(insert(tx, "late".to_owned()))).await;
        assert!(
            matches!(late, Err(StoreError::NotCommitted { .. })),
            "{late:?}"
        );

        let again = Db::open(&config).await.unwrap();
        assert_eq!(tenant_names(&again).await.len(), 40);
        again.close().await;
    })
    .await;
}

#[tokio::test]
async fn writes_are_seen_by_readers_once_they_are_answered() {
    each_database(async |db| {
        with_tenants(&db).await;
        assert_eq!(tenant_names(&db).await, ["acme", "other"]);
    })
    .await;
}
