//! Stored objects and remembered answers: whose they are, how long, and how many.

use secrecy::{ExposeSecret, SecretString};
use wharf_core::provider::{HttpResponse, MediaRef, Outcome, StoredResponse};
use wharf_core::{AppId, MediaId, TenantId};
use wharf_store::media::{self, MediaOrigin, MediaRow};
use wharf_store::memos::{self, MemoKey, NewMemo};
use wharf_store::{AccountKey, Context, Owner, StoreError, credentials, on_db};

use super::{Ids, NOW, acme, main_channel, other, vault, with_tenants, write};
use crate::databases::each_database;

fn object(size_bytes: u64, expires_at: i64) -> MediaRow {
    let id = MediaId::new(&Ids);
    MediaRow {
        id,
        content_type: "image/png".to_owned(),
        size_bytes,
        sha256: "00".repeat(32),
        filename: Some("Größe \0.png".to_owned()),
        origin: MediaOrigin::Provider,
        location: format!("objects/acme/{}", id.bare()),
        created_at: NOW,
        expires_at,
    }
}

#[tokio::test]
async fn an_object_is_its_tenants_until_it_ends() {
    each_database(async |db| {
        with_tenants(&db).await;
        let kept = object(10, NOW + 100);
        let new = kept.clone();
        write(&db, move |tx| {
            Box::pin(async move {
                assert!(media::insert(tx, &acme(), &new, 1_000).await?);
                Ok(())
            })
        })
        .await;
        let mut conn = db.read().await.unwrap();
        let found = media::get(&mut conn, &acme(), kept.id, NOW + 99).await;
        let found = found.unwrap().unwrap();
        assert_eq!(found.filename.as_deref(), Some("Größe \u{FFFD}.png"));
        assert_eq!((found.size_bytes, found.id), (10, kept.id));
        let late = media::get(&mut conn, &acme(), kept.id, NOW + 100).await;
        assert_eq!(late.unwrap(), None);
        let others = media::get(&mut conn, &other(), kept.id, NOW).await;
        assert_eq!(others.unwrap(), None);
        let owner = media::tenant_of(&mut conn, kept.id).await.unwrap();
        assert_eq!(owner, Some(acme()));
        drop(conn);
        write(&db, move |tx| {
            Box::pin(async move {
                assert_eq!(media::delete(tx, &other(), kept.id).await?, None);
                let gone = media::delete(tx, &acme(), kept.id).await?.unwrap();
                assert_eq!(gone.location, kept.location);
                assert_eq!(media::delete(tx, &acme(), kept.id).await?, None);
                assert_eq!(media::usage_bytes(tx, &acme()).await?, 0);
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_tenant_stores_no_more_than_it_may_and_what_ends_makes_room() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                let max = 100;
                assert!(!media::insert(tx, &acme(), &object(101, NOW + 1), max).await?);
                let first = object(60, NOW + 1);
                assert!(media::insert(tx, &acme(), &first, max).await?);
                assert!(!media::insert(tx, &acme(), &object(41, NOW + 9), max).await?);
                let second = object(40, NOW + 9);
                assert!(media::insert(tx, &acme(), &second, max).await?);
                assert!(media::insert(tx, &other(), &object(100, NOW + 9), max).await?);
                assert_eq!(media::usage_bytes(tx, &acme()).await?, 100);

                assert_eq!(media::purge(tx, NOW, 10).await?, []);
                let gone = media::purge(tx, NOW + 1, 10).await?;
                assert_eq!(gone.len(), 1);
                assert_eq!((gone[0].id, &gone[0].location), (first.id, &first.location));
                assert_eq!(media::usage_bytes(tx, &acme()).await?, 40);
                let known = media::known(tx, &[first.id, second.id]).await?;
                assert_eq!(known, [second.id]);
                // One at a time, as a large backlog goes.
                assert_eq!(media::purge(tx, NOW + 9, 1).await?.len(), 1);
                assert_eq!(media::purge(tx, NOW + 9, 1).await?.len(), 1);
                assert_eq!(media::usage_bytes(tx, &other()).await?, 0);
                Ok(())
            })
        })
        .await;
    })
    .await;
}

fn key(owner: Owner, key: &str) -> MemoKey {
    MemoKey {
        owner,
        plugin: "dev.wharf.test".to_owned(),
        key: key.to_owned(),
    }
}

fn account(tenant: TenantId) -> Owner {
    Owner::Account(tenant, AccountKey::new("graph", "WABA / 1"))
}

fn response(body: &str) -> Outcome {
    Outcome::Response(HttpResponse {
        status: 200,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    })
}

fn memo(key: &MemoKey, outcome: Outcome, media: Option<MediaId>) -> NewMemo {
    NewMemo {
        key: key.clone(),
        outcome,
        media,
        created_at: NOW,
        expires_at: NOW + 100,
    }
}

#[tokio::test]
async fn an_answer_stands_for_its_owner_plugin_and_key_until_it_ends() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                let vault = vault();
                let own = key(account(acme()), "upload");
                memos::put(tx, &vault, &memo(&own, response("first"), None)).await?;
                memos::put(tx, &vault, &memo(&own, response("second"), None)).await?;
                let found = memos::find(tx, &vault, &own, NOW + 99).await?.unwrap();
                assert_eq!(found.outcome, response("second"));
                assert!(memos::find(tx, &vault, &own, NOW + 100).await?.is_none());
                let mut elsewhere = vec![
                    key(account(other()), "upload"),
                    key(account(acme()), "upload2"),
                    key(Owner::Channel(acme(), main_channel()), "upload"),
                    key(Owner::App("acme".parse::<AppId>().unwrap()), "upload"),
                ];
                elsewhere.push(MemoKey {
                    plugin: "dev.wharf.other".to_owned(),
                    ..own.clone()
                });
                for other in elsewhere {
                    let found = memos::find(tx, &vault, &other, NOW).await?;
                    assert!(found.is_none(), "{other:?}");
                }
                assert_eq!(memos::purge(tx, NOW + 99, 10).await?, 0);
                assert_eq!(memos::purge(tx, NOW + 100, 10).await?, 1);
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_sealed_for_its_place() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                let vault = vault();
                let own = key(account(acme()), "upload");
                memos::put(tx, &vault, &memo(&own, response("s3cret words"), None)).await?;
                let sealed: Vec<u8> =
                    on_db!(&mut **tx, |c| sqlx::query_scalar("select sealed from memo")
                        .fetch_one(c)
                        .await)
                    .doing("read a sealed answer")?;
                let needle = b"s3cret words";
                assert!(!sealed.windows(needle.len()).any(|part| part == needle));
                // Moved by hand to another tenant, it opens nowhere.
                let stolen = key(account(other()), "upload");
                let owner = stolen.owner.to_string();
                on_db!(&mut **tx, |c| sqlx::query(
                    "update memo set owner = $1, tenant_id = 'other'"
                )
                .bind(&owner)
                .execute(c)
                .await
                .map(drop))
                .doing("move an answer")?;
                let found = memos::find(tx, &vault, &stolen, NOW).await;
                assert!(matches!(found, Err(StoreError::Sealing(_))), "{found:?}");
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_names_an_object_stands_while_the_object_lives() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                let vault = vault();
                let object = object(1, NOW + 50);
                let own = key(account(acme()), "fetch");
                let stored = Outcome::Stored(StoredResponse {
                    status: 200,
                    headers: Vec::new(),
                    media: MediaRef {
                        handle: object.id.to_string(),
                        content_type: "image/png".to_owned(),
                        size: 1,
                        sha256: vec![0; 32],
                        filename: None,
                    },
                });
                memos::put(tx, &vault, &memo(&own, stored.clone(), Some(object.id))).await?;
                assert!(memos::find(tx, &vault, &own, NOW).await?.is_none());
                // Another tenant's object of that id is none of ours.
                assert!(media::insert(tx, &other(), &object, 10).await?);
                assert!(memos::find(tx, &vault, &own, NOW).await?.is_none());
                assert!(media::delete(tx, &other(), object.id).await?.is_some());
                assert!(media::insert(tx, &acme(), &object, 10).await?);
                let found = memos::find(tx, &vault, &own, NOW + 49).await?.unwrap();
                assert_eq!(found.outcome, stored);
                assert!(memos::find(tx, &vault, &own, NOW + 50).await?.is_none());
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn what_was_captured_comes_first_until_it_ends_or_somebody_says_otherwise() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                let vault = vault();
                let owner = account(acme());
                let text = owner.to_string();
                assert_eq!(text, "account:acme/graph/WABA / 1");
                assert_eq!(text.parse::<Owner>().unwrap(), owner);
                let secret = |text: &str| SecretString::from(text.to_owned());
                credentials::put(tx, &vault, &owner, "token", 0, &secret("file"), NOW).await?;
                for value in ["old", "new"] {
                    let (value, end) = (secret(value), Some(NOW + 100));
                    credentials::capture(tx, &vault, &owner, "token", &value, NOW, end).await?;
                }
                let shown = async |tx: &mut wharf_store::Tx, now| {
                    let all = credentials::all_of(tx, &vault, &owner, now).await.unwrap();
                    let all = all.iter();
                    all.map(|s| s.2.expose_secret().to_owned())
                        .collect::<Vec<_>>()
                };
                assert_eq!(shown(tx, NOW + 99).await, ["new", "file"]);
                assert_eq!(shown(tx, NOW + 100).await, ["file"]);
                // A configuration that names nothing ends what it brought, and nothing else.
                assert_eq!(credentials::delete_except(tx, &owner, &[]).await?, 1);
                assert_eq!(shown(tx, NOW).await, ["new"]);
                assert_eq!(credentials::purge(tx, NOW + 99, 10).await?, 0);
                assert!(credentials::forget_captured(tx, &owner, "token").await?);
                assert!(!credentials::forget_captured(tx, &owner, "token").await?);
                let value = secret("for ever");
                credentials::capture(tx, &vault, &owner, "token", &value, NOW, None).await?;
                assert_eq!(credentials::purge(tx, i64::MAX, 10).await?, 0);
                assert_eq!(shown(tx, i64::MAX).await, ["for ever"]);
                Ok(())
            })
        })
        .await;
    })
    .await;
}
