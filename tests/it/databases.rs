//! Runs a test on every supported database: a fresh file of SQLite, and a fresh database on the
//! PostgreSQL that `WHARF_TEST_POSTGRES_URL` names (`cargo xtask test` starts one).

#![expect(
    clippy::unwrap_used,
    reason = "a helper that panics fails the test that called it"
)]

use std::io::Write;
use std::sync::Once;

use wharf_store::{Db, DbConfig};
use wharf_test_support::postgres::{create_database, drop_database, unique_name};

/// A migrated, empty database of each kind.
pub(crate) async fn each_database(test: impl AsyncFn(Db)) {
    each_database_with(|_| {}, test).await;
}

/// As [`each_database`], opened with changed limits.
pub(crate) async fn each_database_with(adjust: impl Fn(&mut DbConfig), test: impl AsyncFn(Db)) {
    each_empty(async |mut config| {
        adjust(&mut config);
        let db = Db::open(&config).await.unwrap();
        db.migrate().await.unwrap();
        test(db.clone()).await;
        db.close().await;
    })
    .await;
}

/// Where an empty database of each kind is: not opened, not migrated.
pub(crate) async fn each_empty(test: impl AsyncFn(DbConfig)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wharf.db");
    eprintln!("on SQLite:");
    test(DbConfig::new(format!("sqlite:{}", path.display()))).await;

    let Some(server) = postgres_server() else {
        return;
    };
    let name = unique_name("wharf_it");
    let url = off_the_runtime({
        let (server, name) = (server.clone(), name.clone());
        move || create_database(&server, &name)
    })
    .await;
    eprintln!("on PostgreSQL, database {name}:");
    test(DbConfig::new(url)).await;
    // Only after a success: a failed test leaves its rows to look at.
    off_the_runtime(move || drop_database(&server, &name)).await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own switches, which the task `test` sets"
)]
#[expect(
    clippy::explicit_write,
    reason = "the harness hides what a passing test prints; a skip must be seen"
)]
fn postgres_server() -> Option<String> {
    static SAID: Once = Once::new();
    let server = std::env::var("WHARF_TEST_POSTGRES_URL").ok();
    if server.is_none() {
        let skipped = "SKIPPED on PostgreSQL: WHARF_TEST_POSTGRES_URL is not set";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{skipped}");
        SAID.call_once(|| writeln!(std::io::stderr(), "\n{skipped}\n").unwrap());
    }
    server
}

/// The helpers run `psql` and wait for it.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> T {
    tokio::task::spawn_blocking(work).await.unwrap().unwrap()
}
