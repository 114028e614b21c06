//! `wharf queue`: what waits, what died and why, and what to do with it.

use clap::{Args, Subcommand};
use serde_json::json;
use wharf_config::Config;
use wharf_core::{JobId, TenantId};
use wharf_queue::Queue;

use super::{block_on, print};
use crate::gateway;
use crate::workers::revive::{self, Selection};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Jobs of each queue by state, and the age of the oldest that is due
    Status {
        /// One JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Dead letters with their reasons, newest first
    Failed {
        #[command(flatten)]
        which: Which,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: i64,
        /// One JSON object a line instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Give dead letters another try
    Retry {
        #[command(flatten)]
        which: Which,
    },
    /// Delete dead letters for good
    Flush {
        #[command(flatten)]
        which: Which,
        /// Really delete them
        #[arg(long)]
        yes: bool,
    },
}

/// Which dead letters: all that match every option given.
#[derive(Args)]
pub(super) struct Which {
    /// One job, as `failed` shows it
    #[arg(long)]
    id: Vec<JobId>,
    /// send, webhook, delivery, media or maintenance
    #[arg(long)]
    queue: Option<Queue>,
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Every dead letter of every tenant
    #[arg(long)]
    all: bool,
}

impl Which {
    /// What changes dead letters must say which: a forgotten option must not send texts again.
    fn must_choose(&self) -> anyhow::Result<()> {
        let chosen =
            self.all || !self.id.is_empty() || self.queue.is_some() || self.tenant.is_some();
        anyhow::ensure!(
            chosen,
            "say which dead letters: --id, --queue, --tenant or --all"
        );
        Ok(())
    }

    fn selection(&self) -> Selection {
        Selection {
            queue: self.queue,
            tenant: self.tenant.clone(),
            ids: self.id.clone(),
            ..Selection::default()
        }
    }
}

pub(super) fn run(command: &Command, config: Config) -> anyhow::Result<()> {
    block_on(async {
        let opened = gateway::open_existing(config).await?;
        match command {
            Command::Status { json } => status(&opened, *json).await?,
            Command::Failed { which, limit, json } => failed(&opened, which, *limit, *json).await?,
            Command::Retry { which } => {
                which.must_choose()?;
                let revived =
                    revive::all(&opened.db, &which.selection(), opened.clock.now_ms()).await?;
                print(&format!("{revived} dead letters go again"));
            }
            Command::Flush { which, yes } => flush(&opened, which, *yes).await?,
        }
        opened.db.close().await;
        Ok(())
    })
}

async fn status(opened: &gateway::Opened, as_json: bool) -> anyhow::Result<()> {
    let mut conn = opened.db.read().await?;
    let queues = wharf_queue::status(&mut conn, opened.clock.now_ms()).await?;
    if as_json {
        let all: serde_json::Map<_, _> = queues
            .iter()
            .map(|q| {
                let row = json!({
                    "pending": q.pending, "due": q.due, "leased": q.leased, "dead": q.dead,
                    "oldest_due_age_ms": q.oldest_due_age_ms,
                });
                (q.queue.as_str().to_owned(), row)
            })
            .collect();
        print(&serde_json::Value::Object(all).to_string());
        return Ok(());
    }
    print(&format!(
        "{:<12} {:>9} {:>9} {:>9} {:>9}  OLDEST DUE",
        "QUEUE", "PENDING", "DUE", "RUNNING", "DEAD"
    ));
    for q in queues {
        let oldest = q.oldest_due_age_ms.map_or_else(
            || "-".to_owned(),
            |ms| format!("{}.{:03} s", ms / 1000, ms % 1000),
        );
        print(&format!(
            "{:<12} {:>9} {:>9} {:>9} {:>9}  {oldest}",
            q.queue.as_str(),
            q.pending,
            q.due,
            q.leased,
            q.dead
        ));
    }
    Ok(())
}

async fn failed(
    opened: &gateway::Opened,
    which: &Which,
    limit: i64,
    as_json: bool,
) -> anyhow::Result<()> {
    let mut conn = opened.db.read().await?;
    let dead =
        wharf_queue::failed(&mut conn, which.tenant.as_ref(), which.queue, None, limit).await?;
    if !as_json {
        print(&format!(
            "{:<30} {:<12} {:<16} {:<8} REASON",
            "JOB", "QUEUE", "TENANT", "ATTEMPTS"
        ));
    }
    for job in dead {
        if as_json {
            let row = json!({
                "id": format!("{}{}", JobId::PREFIX, job.id), "queue": job.queue, "tenant": job.tenant_id,
                "kind": job.kind, "attempts": job.attempt, "reason": job.reason, "payload": job.payload,
                "dead_at": crate::clock::rfc3339(job.dead_at),
            });
            print(&row.to_string());
        } else {
            print(&format!(
                "{:<30} {:<12} {:<16} {:<8} {}",
                format!("{}{}", JobId::PREFIX, job.id),
                job.queue,
                job.tenant_id,
                job.attempt,
                job.reason.unwrap_or_default()
            ));
        }
    }
    Ok(())
}

async fn flush(opened: &gateway::Opened, which: &Which, yes: bool) -> anyhow::Result<()> {
    which.must_choose()?;
    let selection = which.selection();
    if !yes {
        anyhow::bail!(
            "this deletes dead letters for good; look with `wharf queue failed`, then add --yes"
        );
    }
    let mut flushed = 0;
    loop {
        let of = selection.clone();
        let deleted = opened
            .db
            .write(move |tx| Box::pin(async move { wharf_queue::flush(tx, of.filter()).await }))
            .await?;
        flushed += deleted;
        if deleted == 0 {
            break;
        }
    }
    print(&format!("{flushed} dead letters are deleted"));
    Ok(())
}
