//! Messages as they are kept, found and counted.

use wharf_core::provider::InboundContent;
use wharf_core::request::{Policy, Priority};
use wharf_core::{MessageId, Status};
use wharf_store::messages::{StatusChange, Stored, by_provider_id, get, get_any, page};
use wharf_store::{journal, messages, stats};

use super::{
    Ids, NOW, acme, begin, inbound, main_channel, other, outbound, queued, with_tenants, write,
};
use crate::databases::each_database;

#[tokio::test]
async fn a_message_of_either_direction_reads_back_as_it_was_written() {
    each_database(async |db| {
        with_tenants(&db).await;
        let sent = queued(&db).await;
        let received = MessageId::new(&Ids);
        write(&db, move |tx| {
            Box::pin(async move {
                messages::insert_inbound(tx, &acme(), &inbound(received, "wamid.in")).await
            })
        })
        .await;
        let mut conn = db.read().await.unwrap();
        let message = get(&mut conn, &acme(), sent).await.unwrap().unwrap();
        let wanted = outbound(sent);
        assert_eq!((message.id, message.tenant.clone()), (sent, acme()));
        assert_eq!(
            (&message.to, &message.content),
            (&wanted.to, &wanted.content)
        );
        assert_eq!(
            (message.priority, message.policy),
            (Priority::Low, Policy::AtMostOnce)
        );
        assert_eq!((message.status, message.try_number), (Status::Queued, 1));
        assert_eq!((message.created_at, message.expires_at), (NOW, NOW + 1000));
        assert_eq!(message.reference.as_deref(), Some("order-17"));
        let any = get_any(&mut conn, &acme(), sent).await.unwrap();
        assert_eq!(any, Some(Stored::Outbound(Box::new(message))));

        assert_eq!(get(&mut conn, &acme(), received).await.unwrap(), None);
        let Some(Stored::Inbound(message)) = get_any(&mut conn, &acme(), received).await.unwrap()
        else {
            panic!("an inbound message");
        };
        assert_eq!(message.provider_message_id, "wamid.in");
        assert_eq!(
            message.content,
            InboundContent::Text {
                body: "Hi".to_owned()
            }
        );
        assert_eq!(message.from.phone.as_deref(), Some("4915112345678"));
        assert_eq!((message.forwarded, message.at), (true, 1_699_999_999_000));
        assert_eq!(message.referral.unwrap().to_value()["source"], "ad");
        assert_eq!(message.kind, "text");
    })
    .await;
}

#[tokio::test]
async fn pages_show_each_message_once_newest_first() {
    each_database(async |db| {
        with_tenants(&db).await;
        let mut wanted = Vec::new();
        for i in 0..5 {
            let id = MessageId::new(&Ids);
            wanted.insert(0, id);
            write(&db, move |tx| {
                Box::pin(async move {
                    // Several of one millisecond, so that the id decides.
                    let mut new = outbound(id);
                    new.created_at = NOW + i / 3;
                    messages::insert_outbound(tx, &acme(), &new).await
                })
            })
            .await;
        }
        let mut conn = db.read().await.unwrap();
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let shown = page(&mut conn, &acme(), after, 2).await.unwrap();
            assert!(shown.len() <= 2);
            seen.extend(shown.iter().map(Stored::id));
            after = shown.last().map(Stored::id);
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, wanted);
        // Another tenant's message is no cursor.
        let foreign = page(&mut conn, &other(), Some(wanted[0]), 10)
            .await
            .unwrap();
        assert!(foreign.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_message_is_found_by_the_id_its_provider_gave_any_of_its_tries() {
    each_database(async |db| {
        with_tenants(&db).await;
        let sent = queued(&db).await;
        let received = MessageId::new(&Ids);
        // Longer than PostgreSQL indexes, and with a character it cannot hold.
        let absurd = format!("{}\0", "x".repeat(5000));
        let given = absurd.clone();
        write(&db, move |tx| {
            Box::pin(async move {
                journal::begin_attempt(tx, &acme(), &begin(sent, 1, 1)).await?;
                journal::record_accepted(tx, &acme(), sent, 1, "wamid.1", NOW).await?;
                journal::begin_attempt(tx, &acme(), &begin(sent, 2, 1)).await?;
                journal::record_accepted(tx, &acme(), sent, 2, &given, NOW).await?;
                messages::insert_inbound(tx, &acme(), &inbound(received, "wamid.in")).await
            })
        })
        .await;
        let mut conn = db.read().await.unwrap();
        for (id, wanted) in [
            ("wamid.1", Some((sent, 1))),
            (absurd.as_str(), Some((sent, 2))),
            ("wamid.in", Some((received, 0))),
            ("wamid.none", None),
        ] {
            let found = by_provider_id(&mut conn, &acme(), &main_channel(), id).await;
            assert_eq!(found.unwrap(), wanted, "{:.20}", id);
            let second = "second".parse().unwrap();
            let elsewhere = by_provider_id(&mut conn, &acme(), &second, id).await;
            assert_eq!(elsewhere.unwrap(), None);
        }
    })
    .await;
}

#[tokio::test]
async fn counts_are_the_tenants_own_and_since_the_time_asked_for() {
    each_database(async |db| {
        with_tenants(&db).await;
        let (old, sent) = (MessageId::new(&Ids), queued(&db).await);
        queued(&db).await;
        write(&db, move |tx| {
            Box::pin(async move {
                let mut new = outbound(old);
                new.created_at = NOW - 1;
                messages::insert_outbound(tx, &acme(), &new).await?;
                let change = StatusChange {
                    id: sent,
                    try_number: 1,
                    status: Status::Sent,
                    error: None,
                    now: NOW,
                };
                messages::set_status(tx, &acme(), &change).await?;
                for i in 0..3 {
                    let new = inbound(MessageId::new(&Ids), &format!("wamid.{i}"));
                    messages::insert_inbound(tx, &acme(), &new).await?;
                }
                Ok(())
            })
        })
        .await;
        let mut conn = db.read().await.unwrap();
        let counts = stats::message_counts(&mut conn, &acme(), NOW)
            .await
            .unwrap();
        let counts: Vec<_> = counts.into_values().collect();
        let [counts] = &counts[..] else {
            panic!("one channel has messages: {counts:?}");
        };
        let outbound: Vec<_> = counts.outbound.clone().into_iter().collect();
        assert_eq!(outbound, [(Status::Queued, 1), (Status::Sent, 1)]);
        assert_eq!(counts.inbound, 3);
        let all = stats::message_counts(&mut conn, &acme(), 0).await.unwrap();
        let mut sum = stats::MessageCounts::default();
        all.values().for_each(|counts| sum.add(counts));
        assert_eq!(sum.outbound[&Status::Queued], 2);
        assert_eq!(sum.showing(&[Status::Queued, Status::Failed]), 2);
        let none = stats::message_counts(&mut conn, &other(), 0).await.unwrap();
        assert!(none.is_empty());
    })
    .await;
}
