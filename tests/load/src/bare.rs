//! The counterpart of everything that stores on request: an axum handler that reads its body and does
//! one insert through the same writer, so under the same group commit, and answers after it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use bytes::Bytes;
use tokio::net::TcpListener;
use wharf_core::{IdSource, MessageId};
use wharf_store::{Db, DbConfig, StoreError, on_db};

/// Serves on a free port of loopback until the runtime ends.
pub(crate) async fn start(folder: &Path) -> anyhow::Result<SocketAddr> {
    let url = format!("sqlite:{}", folder.join("bare.db").display());
    let db = Db::open(&DbConfig::new(url)).await?;
    db.write(|tx| {
        Box::pin(async move {
            on_db!(&mut **tx, |c| {
                sqlx::query("create table taken (id text primary key, body blob not null)")
                    .execute(c)
                    .await
                    .map(drop)
            })
            .map_err(refused)
        })
    })
    .await
    .context("could not make the counterpart's table")?;
    let router = Router::new().route("/", post(take)).with_state(db);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(address)
}

async fn take(State(db): State<Db>, body: Bytes) -> (StatusCode, String) {
    let id = MessageId::new(&wharf::clock::RandomIds as &dyn IdSource);
    let stored = db
        .try_write(move |tx| {
            Box::pin(async move {
                on_db!(&mut **tx, |c| {
                    sqlx::query("insert into taken (id, body) values ($1, $2)")
                        .bind(id.bare())
                        .bind(body.to_vec())
                        .execute(c)
                        .await
                        .map(drop)
                })
                .map_err(refused)
            })
        })
        .await;
    match stored {
        Ok(()) => (StatusCode::ACCEPTED, format!("{{\"id\":\"{id}\"}}")),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    }
}

fn refused(error: sqlx::Error) -> StoreError {
    StoreError::Refused(error.to_string())
}
