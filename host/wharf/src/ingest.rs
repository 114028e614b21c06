//! A verified webhook becomes one durable row and one job, in one transaction.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use wharf_core::provider::{HttpMethod, WebhookSpec};
use wharf_core::{JobId, WebhookId};
use wharf_queue::{NewJob, Priority, Queue};
use wharf_store::{StoreError, webhooks};

use crate::app::App;
use crate::directory::Route;
use crate::workers::jobs;

/// Headers every plugin may see, besides those its webhook declares.
const HEADERS_KEPT: [&str; 2] = ["content-type", "user-agent"];

/// A call whose origin is proven.
pub(crate) struct Call {
    pub method: HttpMethod,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// Stores the call; when this returns, nothing short of losing the disk loses it.
pub(crate) async fn store(
    app: &Arc<App>,
    route: &Route,
    spec: &WebhookSpec,
    call: Call,
) -> Result<WebhookId, StoreError> {
    let id = WebhookId::new(&*app.ids);
    let now = app.now_ms();
    let kept = |name: &str| {
        HEADERS_KEPT.contains(&name)
            || spec
                .headers
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(name))
    };
    let row = webhooks::NewWebhook {
        id,
        owner: route.owner.clone(),
        plugin: route.plugin.clone(),
        webhook: route.webhook.clone(),
        method: call.method,
        query: call.query,
        headers: call
            .headers
            .into_iter()
            .filter(|(name, _)| kept(name))
            .collect(),
        body: call.body.to_vec(),
        received_at: now,
    };
    let job = NewJob {
        id: JobId::new(&*app.ids),
        queue: Queue::Webhook,
        tenant: jobs::tenant_or_operator(route.tenant.as_ref()),
        lane: route.owner.to_string(),
        order_key: None,
        kind: jobs::PARSE,
        payload: json!({ "webhook": id }),
        priority: Priority::Normal,
        due_at: now,
        attempts_max: jobs::PARSE_ATTEMPTS_MAX,
    };
    // Refused when the writer's queue is full: the provider is told 503 and calls again.
    let queues = app.queues.clone();
    app.db
        .try_write(move |tx| {
            Box::pin(async move {
                webhooks::insert(tx, &row).await?;
                queues.push(tx, &[job], now).await
            })
        })
        .await?;
    Ok(id)
}
