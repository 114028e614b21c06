//! A status never falls back: whatever the order and however often reports come, try and message end
//! where the lattice of `wharf-core` says, on both databases.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use wharf_core::status::shown as shown_by_rule;
use wharf_core::{MessageId, Status};
use wharf_store::messages::{self, StatusChange};
use wharf_store::{Db, Tx, journal, timeline};

use super::{NOW, acme, begin, is_refused, outbound, queued, shown, with_tenants, write};
use crate::databases::each_database;

async fn set(
    tx: &mut Tx,
    id: MessageId,
    try_number: u32,
    status: Status,
    error: Option<&Value>,
) -> Result<Option<Status>, wharf_store::StoreError> {
    let change = StatusChange {
        id,
        try_number,
        status,
        error,
        now: NOW + 2,
    };
    messages::set_status(tx, &acme(), &change).await
}

/// Where the tries of a message are, by the rule.
struct Model(BTreeMap<u32, Status>);

impl Model {
    fn new() -> Self {
        Self(BTreeMap::from([(1, Status::Queued)]))
    }

    fn report(&mut self, try_number: u32, status: Status) {
        let now = self.0.entry(try_number).or_insert(Status::Queued);
        *now = now.join(status);
    }

    fn shown(&self) -> Status {
        let mut tries: Vec<Status> = self.0.values().copied().collect();
        let latest = tries.pop().unwrap();
        shown_by_rule(tries, latest)
    }
}

/// Gives the reports in this order and checks the message after each.
async fn play(db: &Db, id: MessageId, reports: Vec<(u32, Status)>) {
    write(db, move |tx| {
        Box::pin(async move {
            messages::insert_outbound(tx, &acme(), &outbound(id)).await?;
            let mut model = Model::new();
            for (i, (try_number, status)) in reports.iter().enumerate() {
                let before = model.shown();
                model.report(*try_number, *status);
                let after = model.shown();
                let told = set(tx, id, *try_number, *status, None).await?;
                let stands = messages::get(tx, &acme(), id).await?.unwrap().status;
                assert_eq!(stands, after, "after report {i} of {reports:?}");
                // A first report of a newer try may show the same status again.
                if before != after {
                    assert_eq!(told, Some(after), "report {i} of {reports:?}");
                }
                if let Some(told) = told {
                    assert_eq!(told, after, "report {i} of {reports:?}");
                }
            }
            Ok(())
        })
    })
    .await;
}

#[tokio::test]
async fn random_reports_in_any_order_end_where_the_rule_says() {
    each_database(async |db| {
        with_tenants(&db).await;
        let mut random = StdRng::seed_from_u64(17);
        for _ in 0..150 {
            let mut reports: Vec<(u32, Status)> = (0..random.random_range(1..10))
                .map(|_| {
                    let status = *Status::ALL.choose(&mut random).unwrap();
                    (random.random_range(1..=3), status)
                })
                .collect();
            play(&db, MessageId::new(&super::Ids), reports.clone()).await;
            reports.extend_from_within(..);
            reports.shuffle(&mut random);
            play(&db, MessageId::new(&super::Ids), reports).await;
        }
    })
    .await;
}

#[tokio::test]
async fn every_pair_of_reports_commutes() {
    each_database(async |db| {
        with_tenants(&db).await;
        for first in Status::ALL {
            for second in Status::ALL {
                play(
                    &db,
                    MessageId::new(&super::Ids),
                    vec![(1, first), (1, second), (1, first)],
                )
                .await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_error_goes_with_the_status_it_came_with() {
    each_database(async |db| {
        with_tenants(&db).await;
        let id = queued(&db).await;
        let error = json!({ "code": "recipient-unknown" });
        let given = error.clone();
        write(&db, move |tx| {
            Box::pin(async move {
                assert_eq!(
                    set(tx, id, 1, Status::Failed, Some(&given)).await?,
                    Some(Status::Failed)
                );
                // A repetition and a lower one change nothing, whatever they say.
                let other = json!({ "code": "other" });
                assert_eq!(set(tx, id, 1, Status::Failed, Some(&other)).await?, None);
                assert_eq!(set(tx, id, 1, Status::Sent, Some(&other)).await?, None);
                Ok(())
            })
        })
        .await;
        assert_eq!(shown(&db, id).await.error, Some(error));
        write(&db, move |tx| {
            Box::pin(async move { set(tx, id, 1, Status::Delivered, None).await })
        })
        .await;
        let message = shown(&db, id).await;
        assert_eq!((message.status, message.error), (Status::Delivered, None));
    })
    .await;
}

#[tokio::test]
async fn a_status_that_was_faster_than_the_answer_is_not_undone() {
    each_database(async |db| {
        with_tenants(&db).await;
        let id = queued(&db).await;
        let other_try = write(&db, move |tx| {
            Box::pin(async move {
                journal::begin_attempt(tx, &acme(), &begin(id, 1, 1)).await?;
                set(tx, id, 1, Status::Delivered, None).await?;
                journal::record_accepted(tx, &acme(), id, 1, "wamid.1", NOW).await?;
                assert_eq!(set(tx, id, 1, Status::Sent, None).await?, None);
                Ok(journal::record_accepted(tx, &acme(), id, 2, "wamid.2", NOW).await)
            })
        })
        .await;
        assert!(is_refused(&other_try), "{other_try:?}");
        let message = shown(&db, id).await;
        assert_eq!(message.status, Status::Delivered);
        assert_eq!(message.provider_message_id.as_deref(), Some("wamid.1"));
    })
    .await;
}

#[tokio::test]
async fn a_second_try_takes_over_what_is_shown_unless_the_first_arrived() {
    each_database(async |db| {
        with_tenants(&db).await;
        let (failed, delivered) = (queued(&db).await, queued(&db).await);
        write(&db, move |tx| {
            Box::pin(async move {
                for (id, end) in [(failed, Status::Failed), (delivered, Status::Delivered)] {
                    journal::begin_attempt(tx, &acme(), &begin(id, 1, 1)).await?;
                    journal::record_accepted(tx, &acme(), id, 1, "wamid.1", NOW).await?;
                    set(tx, id, 1, end, Some(&json!({}))).await?;
                    journal::begin_attempt(tx, &acme(), &begin(id, 2, 1)).await?;
                }
                Ok(())
            })
        })
        .await;
        let message = shown(&db, failed).await;
        assert_eq!((message.status, message.try_number), (Status::Sending, 2));
        assert_eq!(message.error, None);
        let message = shown(&db, delivered).await;
        assert_eq!((message.status, message.try_number), (Status::Delivered, 2));

        let mut conn = db.read().await.unwrap();
        let read = timeline::read(&mut conn, &acme(), failed).await.unwrap();
        let tries: Vec<_> = read.unwrap().tries.iter().map(|t| t.status).collect();
        assert_eq!(tries, [Status::Failed, Status::Sending]);
    })
    .await;
}
