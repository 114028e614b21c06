//! What an operator configures: tenants, apps, channels, keys, secrets and webhook addresses.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use wharf_core::TenantId;
use wharf_core::provider::Route;
use wharf_core::scope::Scope;
use wharf_store::apps::AppRow;
use wharf_store::channels::ChannelRow;
use wharf_store::endpoints::EndpointRow;
use wharf_store::keys::KeyRow;
use wharf_store::{
    Conn, Context, Origin, Owner, StoreError, apps, channels, credentials, endpoints, keys, on_db,
    routes, tenants,
};

use super::{NOW, acme, is_refused, main_channel, other, vault, with_tenants, write};
use crate::databases::each_database;

pub(super) fn channel(tenant: TenantId, id: &str, sender: &str) -> ChannelRow {
    ChannelRow {
        tenant,
        id: id.parse().unwrap(),
        plugin: "graph".to_owned(),
        app_id: None,
        sender: sender.to_owned(),
        account: Some("waba".to_owned()),
        settings: BTreeMap::from([("phone_number_id".to_owned(), sender.to_owned())]),
        per_second: 80,
        origin: Origin::File,
        created_at: NOW,
    }
}

pub(super) fn endpoint(tenant: TenantId, id: &str, events: &[&str]) -> EndpointRow {
    EndpointRow {
        tenant,
        id: id.parse().unwrap(),
        url: "https://example.com/hook".to_owned(),
        events: events.iter().map(|&event| event.to_owned()).collect(),
        timeout_ms: 15_000,
        enabled: true,
        origin: Origin::File,
        created_at: NOW,
    }
}

pub(super) fn key(tenant: TenantId, id: &str) -> KeyRow {
    KeyRow {
        id: id.to_owned(),
        tenant,
        name: "server".to_owned(),
        hash: format!("hash of {id}"),
        origin: Origin::File,
        scopes: vec![Scope::ALL],
        channels: None,
        requests_per_minute: None,
        replaces: None,
        last_used_at: None,
        created_at: NOW,
        expires_at: Some(NOW + 1000),
        revoked_at: None,
    }
}

fn app(id: &str) -> AppRow {
    AppRow {
        id: id.parse().unwrap(),
        plugin: "graph".to_owned(),
        settings: BTreeMap::from([("app_id".to_owned(), "42".to_owned())]),
        origin: Origin::File,
        created_at: NOW,
    }
}

#[tokio::test]
async fn what_the_files_no_longer_name_is_removed_and_can_come_back() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                apps::upsert(tx, &app("meta")).await?;
                channels::upsert(tx, &channel(acme(), "main", "1")).await?;
                channels::upsert(tx, &channel(acme(), "second", "2")).await?;
                let by_hand = ChannelRow {
                    origin: Origin::Api,
                    ..channel(acme(), "by-hand", "3")
                };
                channels::upsert(tx, &by_hand).await?;
                endpoints::upsert(tx, &endpoint(acme(), "hook", &[])).await?;

                let (file, keep) = (Origin::File, [main_channel()]);
                let gone = channels::mark_removed_except(tx, &acme(), file, &keep, NOW).await?;
                assert_eq!(gone, 1);
                let ids = |rows: Vec<ChannelRow>| -> Vec<String> {
                    rows.iter().map(|row| row.id.to_string()).collect()
                };
                assert_eq!(ids(channels::list(tx, &acme()).await?), ["by-hand", "main"]);
                let second = "second".parse().unwrap();
                assert!(channels::get(tx, &acme(), &second).await?.is_none());
                channels::upsert(tx, &channel(acme(), "second", "22")).await?;
                let back = channels::get(tx, &acme(), &second).await?.unwrap();
                assert_eq!(back, channel(acme(), "second", "22"));

                assert_eq!(
                    endpoints::mark_removed_except(tx, &acme(), file, &[], NOW).await?,
                    1
                );
                assert!(endpoints::list(tx, &acme()).await?.is_empty());
                assert_eq!(apps::list(tx).await?, [app("meta")]);
                assert_eq!(apps::mark_removed_except(tx, file, &[], NOW).await?, 1);
                assert!(apps::get(tx, &app("meta").id).await?.is_none());
                assert_eq!(
                    tenants::mark_removed_except(tx, file, &[other()], NOW).await?,
                    1
                );
                assert_eq!(tenants::list(tx).await?.len(), 1);
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_gets_the_events_it_asked_for() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                endpoints::upsert(tx, &endpoint(acme(), "all", &[])).await?;
                endpoints::upsert(tx, &endpoint(acme(), "some", &["message.status"])).await?;
                let off = EndpointRow {
                    enabled: false,
                    ..endpoint(acme(), "off", &[])
                };
                endpoints::upsert(tx, &off).await?;
                for (kind, wanted) in [
                    ("message.status", vec!["all", "some"]),
                    ("message.received", vec!["all"]),
                ] {
                    let rows = endpoints::list_for_event(tx, &acme(), kind).await?;
                    let ids: Vec<_> = rows.iter().map(|row| row.id.as_str()).collect();
                    assert_eq!(ids, wanted);
                }
                let read = endpoints::get(tx, &acme(), &off.id).await?;
                assert_eq!(read, Some(off));
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn keys_follow_the_files_and_end_with_their_tenant() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                let by_hand = KeyRow {
                    origin: Origin::Api,
                    ..key(acme(), "by-hand")
                };
                keys::insert(tx, &by_hand).await?;
                let (file, both) = (Origin::File, [key(acme(), "k1"), key(acme(), "k2")]);
                keys::sync(tx, &acme(), file, &both, NOW).await?;
                assert_eq!(
                    keys::by_hash(tx, "hash of k1").await?,
                    Some(key(acme(), "k1"))
                );
                keys::sync(tx, &acme(), file, &both[..1], NOW + 7).await?;
                let revoked = |row: Option<KeyRow>| row.unwrap().revoked_at;
                assert_eq!(revoked(keys::by_hash(tx, "hash of k1").await?), None);
                assert_eq!(
                    revoked(keys::by_hash(tx, "hash of k2").await?),
                    Some(NOW + 7)
                );
                assert_eq!(revoked(keys::by_hash(tx, "hash of by-hand").await?), None);
                keys::sync(tx, &acme(), file, &both, NOW + 8).await?;
                assert_eq!(revoked(keys::by_hash(tx, "hash of k2").await?), None);

                // Neither another tenant's key nor one made by hand can be taken over by a file.
                for (tenant, id) in [(other(), "k1"), (acme(), "by-hand")] {
                    let taken = [key(tenant.clone(), id)];
                    let synced = keys::sync(tx, &tenant, file, &taken, NOW).await;
                    assert!(is_refused(&synced), "{synced:?}");
                }
                assert!(keys::revoke(tx, &acme(), "k1", NOW + 9).await?);
                assert!(!keys::revoke(tx, &acme(), "k1", NOW + 10).await?);
                assert_eq!(
                    revoked(keys::by_hash(tx, "hash of k1").await?),
                    Some(NOW + 9)
                );

                tenants::mark_removed_except(tx, file, &[other()], NOW).await?;
                assert_eq!(keys::by_hash(tx, "hash of k2").await?, None);
                assert_eq!(keys::by_hash(tx, "hash of nothing").await?, None);
                Ok(())
            })
        })
        .await;
        let twice = db
            .write(|tx| Box::pin(async move { keys::insert(tx, &key(other(), "k1")).await }))
            .await;
        assert!(twice.is_err_and(|error| error.is_unique_violation()));
    })
    .await;
}

async fn routed(conn: &mut Conn, owner: &Owner, route: &Route) -> Result<Vec<String>, StoreError> {
    let rows = channels::by_route(conn, owner, "graph", route).await?;
    Ok(rows
        .iter()
        .map(|row| format!("{}/{}", row.tenant, row.id))
        .collect())
}

#[tokio::test]
async fn an_item_reaches_the_channels_its_webhook_may_speak_for() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                apps::upsert(tx, &app("meta")).await?;
                let meta = app("meta").id;
                let of_app = |row: ChannelRow| ChannelRow {
                    app_id: Some(meta.clone()),
                    ..row
                };
                channels::upsert(tx, &of_app(channel(acme(), "shared", "1"))).await?;
                channels::upsert(tx, &of_app(channel(other(), "shared", "2"))).await?;
                channels::upsert(tx, &channel(acme(), "own", "3")).await?;
                channels::upsert(tx, &channel(other(), "own", "4")).await?;

                let by_app = Owner::App(meta.clone());
                let by_other = Owner::Channel(other(), "own".parse().unwrap());
                let sender = |id: &str| Route::Sender(id.to_owned());
                let account = Route::Account("waba".to_owned());
                assert_eq!(routed(tx, &by_app, &sender("1")).await?, ["acme/shared"]);
                assert_eq!(
                    routed(tx, &by_app, &account).await?,
                    ["acme/shared", "other/shared"]
                );
                assert!(routed(tx, &by_app, &sender("3")).await?.is_empty());
                assert_eq!(
                    routed(tx, &by_other, &account).await?,
                    ["other/own", "other/shared"]
                );
                // A tenant's own signature says nothing about another tenant's number.
                assert!(routed(tx, &by_other, &sender("1")).await?.is_empty());
                assert!(routed(tx, &by_other, &sender("3")).await?.is_empty());
                assert_eq!(routed(tx, &by_other, &sender("4")).await?, ["other/own"]);
                assert!(routed(tx, &by_app, &Route::App).await?.is_empty());
                let elsewhere = channels::by_route(tx, &by_app, "twilio", &sender("1")).await?;
                assert!(elsewhere.is_empty());
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn credentials_open_for_their_owner_and_name_only() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                let vault = vault();
                let owner = Owner::Channel(acme(), main_channel());
                for (name, slot, secret) in
                    [("token", 0, "t0"), ("token", 1, "t1"), ("secret", 0, "s")]
                {
                    let secret = SecretString::from(secret);
                    credentials::put(tx, &vault, &owner, name, slot, &secret, NOW).await?;
                }
                let replaced = SecretString::from("t00 ü");
                credentials::put(tx, &vault, &owner, "token", 0, &replaced, NOW).await?;
                let all = credentials::all_of(tx, &vault, &owner, NOW).await?;
                let plain: Vec<_> = all
                    .iter()
                    .map(|(name, slot, secret)| (name.as_str(), *slot, secret.expose_secret()))
                    .collect();
                assert_eq!(
                    plain,
                    [
                        ("secret", 0, "s"),
                        ("token", 0, "t00 ü"),
                        ("token", 1, "t1")
                    ]
                );
                let app = Owner::App("acme".parse().unwrap());
                assert!(credentials::all_of(tx, &vault, &app, NOW).await?.is_empty());

                let deleted = credentials::delete_except(tx, &owner, &[("token", 0)]).await?;
                assert_eq!(deleted, 2);
                assert_eq!(credentials::all_of(tx, &vault, &owner, NOW).await?.len(), 1);

                // Moved by hand to another owner, the sealed value is worth nothing.
                on_db!(&mut **tx, |c| sqlx::query(
                    "update credential set owner = 'app:acme'"
                )
                .execute(c)
                .await
                .map(drop))
                .doing("move a credential")?;
                let stolen = credentials::all_of(tx, &vault, &app, NOW).await;
                assert!(matches!(stolen, Err(StoreError::Sealing(_))), "{stolen:?}");
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_webhook_address_keeps_the_token_the_provider_was_told() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                let vault = vault();
                let owner = Owner::Channel(acme(), main_channel());
                let first = SecretString::from("first-token");
                let second = SecretString::from("second-token");
                let ensured = routes::ensure(tx, &vault, &owner, "events", "graph", &first, NOW);
                assert!(ensured.await?);
                let ensured = routes::ensure(tx, &vault, &owner, "events", "graph", &second, NOW);
                assert!(!ensured.await?);

                let found = routes::by_token(tx, &first).await?.unwrap();
                assert_eq!((&found.owner, found.tenant.clone()), (&owner, Some(acme())));
                assert_eq!(
                    (found.webhook.as_str(), found.plugin.as_str()),
                    ("events", "graph")
                );
                assert_eq!(routes::by_token(tx, &second).await?, None);
                let told = routes::token_of(tx, &vault, &owner, "events")
                    .await?
                    .unwrap();
                assert_eq!(told.expose_secret(), "first-token");
                assert!(
                    routes::token_of(tx, &vault, &owner, "status")
                        .await?
                        .is_none()
                );
                let all = routes::tokens_of(tx, &vault, &owner).await?;
                let all: Vec<_> = all
                    .iter()
                    .map(|(webhook, plugin, token)| {
                        (webhook.as_str(), plugin.as_str(), token.expose_secret())
                    })
                    .collect();
                assert_eq!(all, [("events", "graph", first.expose_secret())]);
                assert_eq!(routes::list(tx).await?, [found]);
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[test]
fn owners_read_back_and_nothing_else_does() {
    let owners = [
        Owner::App("meta".parse().unwrap()),
        Owner::Channel(acme(), main_channel()),
        Owner::Endpoint(acme(), "hook".parse().unwrap()),
    ];
    let texts = owners.each_ref().map(ToString::to_string);
    assert_eq!(
        texts,
        ["app:meta", "channel:acme/main", "endpoint:acme/hook"]
    );
    for (owner, text) in owners.iter().zip(&texts) {
        assert_eq!(text.parse::<Owner>().as_ref(), Ok(owner));
    }
    for wrong in [
        "",
        "meta",
        "app:",
        "app:a/b",
        "channel:acme",
        "channel:/main",
        "tenant:a/b",
    ] {
        assert!(wrong.parse::<Owner>().is_err(), "{wrong:?}");
    }
}
