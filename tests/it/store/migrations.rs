use wharf_store::{Db, DbConfig, StoreError};

use super::{tenant_names, with_tenants};
use crate::databases::each_empty;

#[tokio::test]
async fn migrations_run_once_and_say_what_is_pending() {
    each_empty(async |config| {
        let db = Db::open(&config).await.unwrap();
        assert_eq!(
            db.pending_migrations().await.unwrap(),
            [
                "0001 spine",
                "0002 media and memos",
                "0003 plugin digest",
                "0004 message options",
                "0005 onboarding",
                "0006 intake",
                "0007 pacing",
                "0009 key scopes"
            ]
        );
        db.migrate().await.unwrap();
        assert!(db.pending_migrations().await.unwrap().is_empty());
        with_tenants(&db).await;
        db.migrate().await.unwrap();
        assert!(db.pending_migrations().await.unwrap().is_empty());
        assert_eq!(tenant_names(&db).await, ["acme", "other"]);
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_named_without_its_password() {
    let opened = Db::open(&DbConfig::new("postgres://wharf:hunter2@127.0.0.1:1/wharf")).await;
    let Err(error @ StoreError::Open { .. }) = opened else {
        panic!("nothing listens on port 1");
    };
    assert_eq!(
        error.to_string(),
        "could not open the database postgres://wharf:***@127.0.0.1:1/wharf"
    );
    assert!(!format!("{error:?}").contains("hunter2"));

    let opened = Db::open(&DbConfig::new("mysql://root:hunter2@localhost/x")).await;
    let Err(error @ StoreError::Url(_)) = opened else {
        panic!("mysql is not supported");
    };
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}
