//! The journal, as a worker writes it and as the next one reads it after a crash.

use serde_json::json;
use wharf_core::Status;
use wharf_core::provider::{HttpResponse, Outcome, Replay, TransportFailure};
use wharf_store::journal::{
    AttemptKey, AttemptOutcome, EndAttempt, NewExchange, attempts_made, open_attempt,
};
use wharf_store::{StoreError, journal, timeline};

use super::{NOW, acme, begin, is_refused, other, queued, shown, with_tenants, write};
use crate::databases::each_database;

fn exchange(seq: u32, state: Option<Vec<u8>>) -> NewExchange {
    NewExchange {
        seq,
        label: "send".to_owned(),
        replay: Replay::Unsafe,
        state,
        request: json!({ "method": "POST", "body": "NUL \0" }),
        from_memo: false,
        started_at: NOW + 2,
    }
}

fn answer() -> Outcome {
    Outcome::Response(HttpResponse {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: vec![0xff, 0, b'x'],
    })
}

#[tokio::test]
async fn a_crash_leaves_what_is_needed_to_go_on() {
    each_database(async |db| {
        with_tenants(&db).await;
        let id = queued(&db).await;
        let key = AttemptKey {
            message: id,
            try_number: 1,
            number: 1,
        };
        let mut conn = db.read().await.unwrap();
        assert!(
            open_attempt(&mut conn, &acme(), id)
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(attempts_made(&mut conn, &acme(), id, 1).await.unwrap(), 0);

        write(&db, move |tx| {
            Box::pin(async move {
                journal::begin_attempt(tx, &acme(), &begin(id, 1, 1)).await?;
                let first = exchange(1, Some(vec![0, 255]));
                journal::begin_exchange(tx, &acme(), key, &first).await
            })
        })
        .await;
        assert_eq!(shown(&db, id).await.status, Status::Sending);
        let open = open_attempt(&mut conn, &acme(), id).await.unwrap().unwrap();
        assert_eq!(
            (open.try_number, open.number, open.started_at),
            (1, 1, NOW + 1)
        );
        let [only] = open.exchanges.as_slice() else {
            panic!("one exchange is out: {open:?}");
        };
        assert_eq!(
            (only.seq, only.label.as_str(), only.replay),
            (1, "send", Replay::Unsafe)
        );
        assert_eq!(only.state, Some(vec![0, 255]));
        assert_eq!(only.outcome, None);

        write(&db, move |tx| {
            Box::pin(async move {
                journal::end_exchange(tx, &acme(), key, 1, &answer(), NOW + 3).await?;
                journal::begin_exchange(tx, &acme(), key, &exchange(2, None)).await
            })
        })
        .await;
        let open = open_attempt(&mut conn, &acme(), id).await.unwrap().unwrap();
        let outcomes: Vec<_> = open
            .exchanges
            .into_iter()
            .map(|e| (e.state, e.outcome))
            .collect();
        assert_eq!(
            outcomes,
            [(Some(vec![0, 255]), Some(answer())), (None, None)]
        );
    })
    .await;
}

#[tokio::test]
async fn what_has_ended_stays_as_it_ended() {
    each_database(async |db| {
        with_tenants(&db).await;
        let id = queued(&db).await;
        let key = AttemptKey {
            message: id,
            try_number: 1,
            number: 1,
        };
        write(&db, move |tx| {
            Box::pin(async move {
                journal::begin_attempt(tx, &acme(), &begin(id, 1, 1)).await?;
                journal::begin_exchange(tx, &acme(), key, &exchange(1, None)).await?;
                journal::end_exchange(tx, &acme(), key, 1, &answer(), NOW + 3).await?;
                let late = Outcome::Failed(TransportFailure::Interrupted);
                let again = journal::end_exchange(tx, &acme(), key, 1, &late, NOW + 4).await;
                assert!(is_refused(&again), "{again:?}");

                let error = json!({ "code": "rate-limited" });
                let end = EndAttempt {
                    message: id,
                    try_number: 1,
                    number: 1,
                    outcome: AttemptOutcome::Retry,
                    error: Some(&error),
                    retry_at: Some(NOW + 50),
                    ended_at: NOW + 5,
                };
                journal::end_attempt(tx, &acme(), &end).await?;
                let failed = EndAttempt {
                    outcome: AttemptOutcome::Failed,
                    ..end
                };
                let again = journal::end_attempt(tx, &acme(), &failed).await;
                assert!(is_refused(&again), "{again:?}");
                journal::begin_attempt(tx, &acme(), &begin(id, 1, 2)).await
            })
        })
        .await;
        // Two workers that begin the same attempt: one does.
        let twice = db
            .write(move |tx| {
                Box::pin(async move { journal::begin_attempt(tx, &acme(), &begin(id, 1, 2)).await })
            })
            .await;
        assert!(twice.is_err_and(|error| error.is_unique_violation()));

        let mut conn = db.read().await.unwrap();
        assert_eq!(attempts_made(&mut conn, &acme(), id, 1).await.unwrap(), 2);
        let open = open_attempt(&mut conn, &acme(), id).await.unwrap().unwrap();
        assert_eq!((open.number, open.exchanges.len()), (2, 0));
        let read = timeline::read(&mut conn, &acme(), id)
            .await
            .unwrap()
            .unwrap();
        let first = &read.attempts[0];
        assert_eq!(first.outcome, Some(AttemptOutcome::Retry));
        assert_eq!(first.error, Some(json!({ "code": "rate-limited" })));
        assert_eq!(
            (first.retry_at, first.ended_at),
            (Some(NOW + 50), Some(NOW + 5))
        );
        assert_eq!(read.exchanges[0].outcome, Some(answer()));
        assert_eq!(read.exchanges[0].request["body"], "NUL \0");
    })
    .await;
}

#[tokio::test]
async fn another_tenant_can_neither_write_nor_read_the_journal() {
    each_database(async |db| {
        with_tenants(&db).await;
        let id = queued(&db).await;
        let key = AttemptKey {
            message: id,
            try_number: 1,
            number: 1,
        };
        write(&db, move |tx| {
            Box::pin(async move {
                let begun = journal::begin_attempt(tx, &other(), &begin(id, 1, 1)).await;
                assert!(is_refused(&begun), "{begun:?}");
                let begun = journal::begin_attempt(tx, &other(), &begin(id, 1, 2)).await;
                assert!(is_refused(&begun), "{begun:?}");

                journal::begin_attempt(tx, &acme(), &begin(id, 1, 1)).await?;
                let begun = journal::begin_exchange(tx, &other(), key, &exchange(1, None)).await;
                assert!(is_refused(&begun), "{begun:?}");
                journal::begin_exchange(tx, &acme(), key, &exchange(1, None)).await?;
                let ended = journal::end_exchange(tx, &other(), key, 1, &answer(), NOW).await;
                assert!(is_refused(&ended), "{ended:?}");
                let end = EndAttempt {
                    message: id,
                    try_number: 1,
                    number: 1,
                    outcome: AttemptOutcome::Accepted,
                    error: None,
                    retry_at: None,
                    ended_at: NOW,
                };
                let ended = journal::end_attempt(tx, &other(), &end).await;
                assert!(is_refused(&ended), "{ended:?}");
                let kept = journal::record_accepted(tx, &other(), id, 1, "wamid.1", NOW).await;
                assert!(is_refused(&kept), "{kept:?}");
                assert!(open_attempt(tx, &other(), id).await?.is_none());
                assert_eq!(attempts_made(tx, &other(), id, 1).await?, 0);
                Ok::<_, StoreError>(())
            })
        })
        .await;
        let mut conn = db.read().await.unwrap();
        let open = open_attempt(&mut conn, &acme(), id).await.unwrap().unwrap();
        assert_eq!(open.exchanges[0].outcome, None);
        assert_eq!(shown(&db, id).await.provider_message_id, None);
    })
    .await;
}
