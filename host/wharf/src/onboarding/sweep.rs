//! Sessions whose time is over: they end, and give back what was sealed and minted for them.

use wharf_store::StoreError;
use wharf_store::onboarding::{self, SessionStatus};

use super::go_on;
use crate::app::App;

/// Sessions ended in one round, each in a transaction of its own.
const ROUND: u32 = 100;
const DAY_MS: i64 = 86_400_000;

/// Ends what is overdue, and deletes what ended long ago. Returns how many ended.
pub async fn sweep(app: &App) -> Result<u64, StoreError> {
    let now = app.now_ms();
    let mut ended = 0;
    loop {
        let mut conn = app.db.read().await?;
        let overdue = onboarding::overdue(&mut conn, now, ROUND).await?;
        drop(conn);
        if overdue.is_empty() {
            break;
        }
        for session in &overdue {
            ended += u64::from(go_on::end(app, session, SessionStatus::Expired).await?);
        }
    }
    let before = now - i64::from(app.config.onboarding.keep_days) * DAY_MS;
    loop {
        let deleted = app
            .db
            .write(move |tx| Box::pin(async move { onboarding::purge(tx, before, ROUND).await }))
            .await?;
        if deleted == 0 {
            return Ok(ended);
        }
    }
}
