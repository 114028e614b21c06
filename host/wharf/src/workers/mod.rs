//! The jobs' handlers, run by apalis workers over our own queue.

mod attempt;
pub(crate) mod cancel;
mod catch_up;
mod deliver;
mod effects;
mod facts;
mod failed;
mod fallback;
mod fetch;
mod gate;
mod heartbeat;
pub mod jobs;
mod maintenance;
pub(crate) mod pace;
mod parse;
mod pin;
mod reconcile;
pub mod revive;
mod rounds;
mod send;
mod settle;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use wharf_core::{ChannelId, TenantId};
use wharf_queue::{Data, Monitor, Queue};

use crate::app::App;

pub use gate::Gate;
pub(crate) use heartbeat::{keep as keep_heartbeat, waiting as catch_up_waiting};
pub use maintenance::start_schedules;

/// The pacing unit of a channel's sends.
pub fn lane_of(tenant: &TenantId, channel: &ChannelId) -> String {
    format!("{tenant}/{channel}")
}

/// Registers every queue's worker and runs them until `stop`; returns once every lease is ended or
/// given back.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let queue = &app.config.queue;
    let queues = app.queues.clone();
    let mut monitor = Monitor::new()
        .should_restart(|context, error| {
            tracing::error!(worker = context.name(), error = %error, "a worker ended and is built anew");
            true
        })
        .shutdown_timeout(Duration::from_millis(queue.shutdown_ms));
    monitor = queues.register(
        monitor,
        Queue::Send,
        queue.send_concurrency,
        Arc::clone(&app),
        |job, app: Data<Arc<App>>| send::handle(job, Arc::clone(&app)),
    );
    monitor = queues.register(
        monitor,
        Queue::Webhook,
        queue.webhook_concurrency,
        Arc::clone(&app),
        |job, app: Data<Arc<App>>| parse::handle(job, Arc::clone(&app)),
    );
    monitor = queues.register(
        monitor,
        Queue::Delivery,
        queue.delivery_concurrency,
        Arc::clone(&app),
        |job, app: Data<Arc<App>>| deliver::handle(job, Arc::clone(&app)),
    );
    monitor = queues.register(
        monitor,
        Queue::Media,
        queue.media_concurrency,
        Arc::clone(&app),
        |job, app: Data<Arc<App>>| fetch::handle(job, Arc::clone(&app)),
    );
    monitor = queues.register(
        monitor,
        Queue::Maintenance,
        queue.maintenance_concurrency,
        Arc::clone(&app),
        |job, app: Data<Arc<App>>| maintenance::handle(job, Arc::clone(&app)),
    );
    let stopped = async move {
        stop.cancelled().await;
        Ok(())
    };
    if let Err(error) = monitor.run_with_signal(stopped).await {
        tracing::error!(error = %error, "the workers did not end well");
    }
    queues.stopped().await;
}
