//! What a start makes of endpoints that are known already: the files are read anew, what receivers said stays.

use wharf_store::endpoints::{self, EndpointRow};
use wharf_store::{Origin, StoreError, Tx};

use super::configuration::endpoint;
use super::{NOW, acme, with_tenants, write};
use crate::databases::each_database;

#[tokio::test]
async fn an_endpoint_that_wants_no_more_stays_disabled_at_the_next_start() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                gone(tx).await?;
                let mut file = endpoint(acme(), "hook", &["message.status"]);
                file.timeout_ms = 9_000;
                endpoints::upsert(tx, &file).await?;
                let expected = EndpointRow {
                    enabled: false,
                    ..file
                };
                assert_eq!(
                    endpoints::get(tx, &acme(), &expected.id).await?,
                    Some(expected)
                );
                Ok(())
            })
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_new_address_or_a_return_to_the_files_enables_it_again() {
    each_database(async |db| {
        with_tenants(&db).await;
        write(&db, |tx| {
            Box::pin(async move {
                gone(tx).await?;
                let mut file = endpoint(acme(), "hook", &[]);
                "https://example.com/new".clone_into(&mut file.url);
                endpoints::upsert(tx, &file).await?;
                assert_eq!(endpoints::get(tx, &acme(), &file.id).await?, Some(file));

                gone(tx).await?;
                let removed =
                    endpoints::mark_removed_except(tx, &acme(), Origin::File, &[], NOW).await?;
                assert_eq!(removed, 1);
                let file = endpoint(acme(), "hook", &[]);
                endpoints::upsert(tx, &file).await?;
                assert_eq!(endpoints::get(tx, &acme(), &file.id).await?, Some(file));
                Ok(())
            })
        })
        .await;
    })
    .await;
}

/// An endpoint of a file whose receiver answered 410.
async fn gone(tx: &mut Tx) -> Result<(), StoreError> {
    let row = endpoint(acme(), "hook", &[]);
    endpoints::upsert(tx, &row).await?;
    endpoints::disable(tx, &acme(), &row.id).await
}
