//! Webhooks in, events and deliveries out, and all of it in one timeline.

use serde_json::json;
use wharf_core::provider::HttpMethod;
use wharf_core::{DeliveryId, EndpointId, EventId, MessageId, Status, WebhookId};
use wharf_store::deliveries::{DeliveryState, FinishedAttempt};
use wharf_store::events::NewEvent;
use wharf_store::statuses::NewStatus;
use wharf_store::webhooks::NewWebhook;
use wharf_store::{Db, Owner, deliveries, events, statuses, timeline, webhooks};

use super::{Ids, NOW, acme, begin, is_refused, main_channel, other, queued, with_tenants, write};
use crate::databases::each_database;

fn webhook(id: WebhookId, received_at: i64) -> NewWebhook {
    NewWebhook {
        id,
        owner: Owner::App("meta".parse().unwrap()),
        plugin: "graph".to_owned(),
        webhook: "events".to_owned(),
        method: HttpMethod::Post,
        query: vec![("a".to_owned(), "\0&=".to_owned())],
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: vec![0, 0xff, b'{'],
        received_at,
    }
}

#[tokio::test]
async fn a_webhook_is_kept_byte_for_byte_until_it_was_read_and_is_old() {
    each_database(async |db| {
        with_tenants(&db).await;
        let [waiting, read, unreadable] = [(); 3].map(|()| WebhookId::new(&Ids));
        write(&db, move |tx| {
            Box::pin(async move {
                for id in [waiting, read, unreadable] {
                    webhooks::insert(tx, &webhook(id, NOW)).await?;
                }
                assert_eq!(webhooks::unparsed(tx).await?, 3);
                assert!(webhooks::mark_parsed(tx, read, 7, None, NOW + 1).await?);
                let why = Some("no plugin reads it: \0");
                assert!(webhooks::mark_parsed(tx, unreadable, 0, why, NOW + 1).await?);
                assert!(!webhooks::mark_parsed(tx, WebhookId::new(&Ids), 0, None, NOW).await?);
                assert_eq!(webhooks::unparsed(tx).await?, 1);

                let row = webhooks::get(tx, read).await?.unwrap();
                let wanted = webhook(read, NOW);
                assert_eq!((row.body, row.query), (wanted.body, wanted.query));
                assert_eq!((row.headers, row.method), (wanted.headers, wanted.method));
                assert_eq!((row.owner, row.items), (wanted.owner, Some(7)));

                assert_eq!(webhooks::purge(tx, NOW + 1, NOW + 1, 10).await?, 0);
                // What nobody could read is kept longer; what waits is kept.
                assert_eq!(webhooks::purge(tx, NOW + 2, NOW + 1, 10).await?, 1);
                assert!(webhooks::get(tx, read).await?.is_none());
                assert_eq!(webhooks::purge(tx, NOW + 99, NOW + 99, 10).await?, 1);
                assert!(webhooks::get(tx, waiting).await?.is_some());
                Ok(())
            })
        })
        .await;
    })
    .await;
}

struct Told {
    message: MessageId,
    event: EventId,
    delivery: DeliveryId,
}

fn hook() -> EndpointId {
    "hook".parse().unwrap()
}

/// A sent message of `acme`, an event about it and its delivery.
async fn told(db: &Db) -> Told {
    let message = queued(db).await;
    let (event, delivery) = (EventId::new(&Ids), DeliveryId::new(&Ids));
    write(db, move |tx| {
        Box::pin(async move {
            wharf_store::journal::begin_attempt(tx, &acme(), &begin(message, 1, 1)).await?;
            for status in [Status::Delivered, Status::Sent] {
                let new = NewStatus {
                    message,
                    try_number: 1,
                    status,
                    at: NOW - 5,
                    recorded_at: NOW + 5,
                    detail: json!({ "pricing": "\0" }),
                };
                statuses::record(tx, &acme(), &new).await?;
            }
            let new = NewEvent {
                id: event,
                kind: "message.status".to_owned(),
                channel: Some(main_channel()),
                message: Some(message),
                data: json!({ "status": "sent" }),
                created_at: NOW,
            };
            events::insert(tx, &acme(), &new).await?;
            deliveries::insert(tx, &acme(), delivery, event, &hook(), NOW).await
        })
    })
    .await;
    Told {
        message,
        event,
        delivery,
    }
}

fn finished(delivery: DeliveryId, number: u32, state: DeliveryState) -> FinishedAttempt {
    FinishedAttempt {
        delivery,
        number,
        started_at: NOW + i64::from(number),
        duration_ms: 12,
        status: (state == DeliveryState::Delivered).then_some(204),
        error: (state != DeliveryState::Delivered).then(|| "reset \0".to_owned()),
        body: Some("\0 answer".to_owned()),
        state,
        next_at: (state == DeliveryState::Pending).then_some(NOW + 100),
        now: NOW + 50,
    }
}

#[tokio::test]
async fn a_delivery_counts_its_attempts_and_ends_once() {
    each_database(async |db| {
        with_tenants(&db).await;
        let Told {
            message,
            event,
            delivery,
        } = told(&db).await;
        write(&db, move |tx| {
            Box::pin(async move {
                let due = deliveries::get(tx, &acme(), delivery).await?.unwrap();
                assert_eq!(due.event.id, event);
                assert_eq!(due.delivery.endpoint, hook());
                assert_eq!(
                    (due.delivery.attempts, due.delivery.next_at),
                    (0, Some(NOW))
                );

                let first = finished(delivery, 1, DeliveryState::Pending);
                let second = finished(delivery, 2, DeliveryState::Delivered);
                let third = finished(delivery, 3, DeliveryState::Failed);
                assert!(!deliveries::finish_attempt(tx, &other(), &first).await?);
                assert!(deliveries::finish_attempt(tx, &acme(), &first).await?);
                assert!(deliveries::finish_attempt(tx, &acme(), &second).await?);
                assert!(!deliveries::finish_attempt(tx, &acme(), &third).await?);
                Ok(())
            })
        })
        .await;
        let mut conn = db.read().await.unwrap();
        let mut of_event = deliveries::of_event(&mut conn, &acme(), event)
            .await
            .unwrap();
        let ended = of_event.remove(0);
        assert!(of_event.is_empty());
        assert_eq!((ended.state, ended.attempts), (DeliveryState::Delivered, 2));
        assert_eq!((ended.next_at, ended.ended_at), (None, Some(NOW + 50)));

        let read = timeline::read(&mut conn, &acme(), message)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(read.message.id(), message);
        assert_eq!((read.tries.len(), read.attempts.len()), (1, 1));
        let reports: Vec<_> = read.statuses.iter().map(|s| s.status).collect();
        assert_eq!(
            reports,
            [Status::Delivered, Status::Sent],
            "in the order they came"
        );
        assert_eq!(
            (read.statuses[0].at, read.statuses[0].recorded_at),
            (NOW - 5, NOW + 5)
        );
        assert_eq!(read.events.len(), 1);
        assert_eq!(read.events[0].data, json!({ "status": "sent" }));
        assert_eq!(read.deliveries, [ended]);
        let answers: Vec<_> = read
            .delivery_attempts
            .iter()
            .map(|a| (a.number, a.status))
            .collect();
        assert_eq!(answers, [(1, None), (2, Some(204))]);
    })
    .await;
}

#[tokio::test]
async fn another_tenant_sees_and_writes_none_of_it() {
    each_database(async |db| {
        with_tenants(&db).await;
        let Told {
            message,
            event,
            delivery,
        } = told(&db).await;
        write(&db, move |tx| {
            Box::pin(async move {
                let tenant = other();
                assert!(timeline::read(tx, &tenant, message).await?.is_none());
                assert!(events::get(tx, &tenant, event).await?.is_none());
                assert!(events::get(tx, &acme(), event).await?.is_some());
                assert!(events::of_message(tx, &tenant, message).await?.is_empty());
                assert!(deliveries::get(tx, &tenant, delivery).await?.is_none());
                assert!(deliveries::of_event(tx, &tenant, event).await?.is_empty());
                assert!(
                    deliveries::of_message(tx, &tenant, message)
                        .await?
                        .is_empty()
                );
                assert!(
                    deliveries::attempts_of_message(tx, &tenant, message)
                        .await?
                        .is_empty()
                );
                let report = NewStatus {
                    message,
                    try_number: 1,
                    status: Status::Read,
                    at: NOW,
                    recorded_at: NOW,
                    detail: json!({}),
                };
                let recorded = statuses::record(tx, &tenant, &report).await;
                assert!(is_refused(&recorded), "{recorded:?}");
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn events_of_a_message_stand_in_the_order_in_which_they_were_kept() {
    each_database(async |db| {
        with_tenants(&db).await;
        let [one, another] = [(); 2].map(|()| MessageId::new(&Ids));
        // Whoever read the clock first was the last to write.
        let kept = [
            (one, "delivered", NOW + 5),
            (one, "read", NOW),
            (another, "delivered", NOW),
            (one, "played", NOW + 5),
        ];
        write(&db, move |tx| {
            Box::pin(async move {
                for (message, status, created_at) in kept {
                    let event = NewEvent {
                        id: EventId::new(&Ids),
                        kind: "message.status".to_owned(),
                        channel: None,
                        message: Some(message),
                        data: json!({ "status": status }),
                        created_at,
                    };
                    events::insert(tx, &acme(), &event).await?;
                }
                let told = async |tx: &mut _, message| {
                    let rows = events::of_message(tx, &acme(), message).await.unwrap();
                    let rows = rows.into_iter();
                    rows.map(|row| (row.data["status"].to_string(), row.created_at - NOW))
                        .collect::<Vec<_>>()
                };
                let wanted = [("delivered", 5), ("read", 6), ("played", 7)];
                let wanted = wanted.map(|(status, at)| (format!("{status:?}"), at));
                assert_eq!(told(tx, one).await, wanted);
                assert_eq!(told(tx, another).await, [("\"delivered\"".to_owned(), 0)]);
                Ok(())
            })
        })
        .await;
    })
    .await;
}
