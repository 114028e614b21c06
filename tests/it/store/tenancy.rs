//! What one tenant has, another does not see: each getter, asked by the wrong tenant.

use wharf_core::{MessageId, Status};
use wharf_store::messages::{self, StatusChange};
use wharf_store::{channels, endpoints, keys};

use super::configuration::{channel, endpoint, key};
use super::{
    Ids, NOW, acme, inbound, is_refused, main_channel, other, queued, shown, with_tenants, write,
};
use crate::databases::each_database;

#[tokio::test]
async fn messages_are_seen_and_moved_by_their_own_tenant_only() {
    each_database(async |db| {
        with_tenants(&db).await;
        let sent = queued(&db).await;
        let received = MessageId::new(&Ids);
        write(&db, move |tx| {
            Box::pin(async move {
                messages::insert_inbound(tx, &acme(), &inbound(received, "wamid.in")).await?;
                let tenant = other();
                assert!(messages::get(tx, &tenant, sent).await?.is_none());
                assert!(messages::get_any(tx, &tenant, sent).await?.is_none());
                assert!(messages::get_any(tx, &tenant, received).await?.is_none());
                assert!(messages::page(tx, &tenant, None, 10).await?.is_empty());
                let channel = main_channel();
                let found = messages::by_provider_id(tx, &tenant, &channel, "wamid.in").await?;
                assert!(found.is_none());
                let change = StatusChange {
                    id: sent,
                    try_number: 1,
                    status: Status::Read,
                    error: None,
                    now: NOW,
                };
                let moved = messages::set_status(tx, &tenant, &change).await;
                assert!(is_refused(&moved), "{moved:?}");
                Ok(())
            })
        })
        .await;
        assert_eq!(shown(&db, sent).await.status, Status::Queued);
    })
    .await;
}

#[tokio::test]
async fn channels_endpoints_and_keys_are_their_own_tenants() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                channels::upsert(tx, &channel(acme(), "main", "1")).await?;
                endpoints::upsert(tx, &endpoint(acme(), "hook", &[])).await?;
                keys::insert(tx, &key(acme(), "k1")).await?;
                let tenant = other();
                let hook = "hook".parse().unwrap();
                assert!(channels::get(tx, &tenant, &main_channel()).await?.is_none());
                assert!(channels::list(tx, &tenant).await?.is_empty());
                assert!(endpoints::get(tx, &tenant, &hook).await?.is_none());
                assert!(
                    endpoints::list_for_event(tx, &tenant, "any")
                        .await?
                        .is_empty()
                );
                assert!(keys::list(tx, &tenant).await?.is_empty());
                assert!(!keys::revoke(tx, &tenant, "k1", NOW).await?);
                assert!(!channels::mark_removed(tx, &tenant, &main_channel(), NOW).await?);
                assert!(channels::get(tx, &acme(), &main_channel()).await?.is_some());
                Ok(())
            })
        })
        .await;
    })
    .await;
}
