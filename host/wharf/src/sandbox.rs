//! The sandbox provider's own side: a small messaging service inside the gateway.
//!
//! It answers for `sandbox.wharf.internal`, takes every message, and plays the statuses of a script
//! back as signed webhooks through the same door a real provider uses. So anybody can try Wharf
//! without an account, and what they see is the real path. It never sends anything anywhere.

mod account;

use std::sync::{Arc, Weak};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use wharf_core::provider::HttpMethod;
use wharf_core::webhook::{self, Incoming};
use wharf_core::{ChannelId, MessageId, TenantId};
use wharf_egress::{BoxFuture, LocalService};
use wharf_queue::{Job, NewJob, Outcome, Priority, Queue};
use wharf_store::{Owner, StoreError};

use crate::app::App;
use crate::directory::Channel;
use crate::ingest::{self, Call};
use crate::workers::jobs;

/// The name plugins reach the service by; resolved nowhere but here.
pub(crate) const HOST: &str = "sandbox.wharf.internal";
/// The plugin this is the other side of.
pub(crate) const PLUGIN: &str = "sandbox";
const SECRET: &str = "sandbox_key";
/// What happens to a message whose channel has no script of its own.
const SCRIPT_DEFAULT: &str = "sent+100 delivered+400 read+900";
/// Steps of one script, and the longest wait of one step.
const STEPS_MAX: usize = 16;
const WAIT_MS_MAX: i64 = 24 * 3_600_000;

/// The service as egress calls it.
pub(crate) struct Sandbox {
    app: Weak<App>,
}

impl Sandbox {
    pub(crate) fn new(app: &Arc<App>) -> Self {
        Self {
            app: Arc::downgrade(app),
        }
    }
}

impl LocalService for Sandbox {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> {
        let app = self.app.upgrade();
        Box::pin(async move {
            match app {
                Some(app) => answer(&app, request).await,
                None => refuse(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "stopping",
                    "the gateway is stopping",
                ),
            }
        })
    }
}

#[derive(Deserialize)]
struct Submission {
    id: String,
    #[serde(default)]
    script: Option<String>,
}

async fn answer(app: &Arc<App>, request: Request<Bytes>) -> Response<Bytes> {
    if let Some(response) = account::answer(&request) {
        return response;
    }
    if request.uri().path() != "/v1/messages" {
        return refuse(
            StatusCode::NOT_FOUND,
            "not-found",
            "there is only POST /v1/messages here",
        );
    }
    let submission: Submission = match serde_json::from_slice(request.body()) {
        Ok(submission) => submission,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, "invalid-json", &error.to_string()),
    };
    let Ok(id) = MessageId::from_bare(&submission.id) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "invalid-id",
            "id is the gateway's message id",
        );
    };
    let script = submission
        .script
        .filter(|s| !s.trim().is_empty())
        .unwrap_or_else(|| SCRIPT_DEFAULT.to_owned());
    let steps = match parse_script(&script) {
        Ok(steps) => steps,
        Err(error) => return refuse(StatusCode::UNPROCESSABLE_ENTITY, "invalid-script", &error),
    };
    let key = request
        .headers()
        .get(http::header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    let channel = match owner_of(app, id, key.unwrap_or_default()).await {
        Ok(Some(channel)) => channel,
        Ok(None) => {
            return refuse(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "the sandbox_key is not this channel's",
            );
        }
        Err(_) => {
            return refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                "store",
                "the gateway's database failed",
            );
        }
    };
    // The same id on every repetition: the plugin calls this request keyed.
    let provider_id = format!("sbx_{}", id.bare());
    match schedule(app, &channel, id, &provider_id, &steps).await {
        Ok(()) => respond(StatusCode::OK, &json!({ "id": provider_id })),
        Err(_) => refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "store",
            "the gateway's database failed",
        ),
    }
}

/// The channel the message goes through, when the presented key is that channel's.
async fn owner_of(
    app: &App,
    id: MessageId,
    presented: &str,
) -> Result<Option<Arc<Channel>>, StoreError> {
    let mut conn = app.db.read().await?;
    let Some((tenant, channel)) = wharf_store::messages::channel_of(&mut conn, id).await? else {
        return Ok(None);
    };
    drop(conn);
    let channel = app
        .directory
        .channel(&tenant, &channel)
        .await?
        .filter(|c| c.plugin == PLUGIN);
    let presented = presented.strip_prefix("Bearer ").unwrap_or(presented);
    Ok(channel.filter(|c| {
        c.secrets.live(SECRET).iter().any(|known| {
            bool::from(subtle::ConstantTimeEq::ct_eq(
                known.expose_secret().as_bytes(),
                presented.as_bytes(),
            ))
        })
    }))
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    status: String,
    after_ms: i64,
}

/// Reads `sent+100 delivered+400 read+900`: what is reported, and how long after the send.
fn parse_script(script: &str) -> Result<Vec<Step>, String> {
    let words: Vec<_> = script.split_whitespace().collect();
    if words.len() > STEPS_MAX {
        return Err(format!("a script has at most {STEPS_MAX} steps"));
    }
    words.into_iter().map(parse_step).collect()
}

fn parse_step(word: &str) -> Result<Step, String> {
    let wrong = || {
        format!(
            "{word:?} is not a step: write sent, delivered, read or failed, `+` and milliseconds up to {WAIT_MS_MAX}, as in `sent+100`"
        )
    };
    let (status, after) = word.split_once('+').ok_or_else(wrong)?;
    if !matches!(status, "sent" | "delivered" | "read" | "failed") {
        return Err(wrong());
    }
    let after_ms = after
        .parse()
        .ok()
        .filter(|ms| (0..=WAIT_MS_MAX).contains(ms))
        .ok_or_else(wrong)?;
    Ok(Step {
        status: status.to_owned(),
        after_ms,
    })
}

#[derive(Serialize, Deserialize)]
struct Play {
    channel: ChannelId,
    message: MessageId,
    provider_id: String,
    step: Step,
}

async fn schedule(
    app: &Arc<App>,
    channel: &Channel,
    message: MessageId,
    provider_id: &str,
    steps: &[Step],
) -> Result<(), StoreError> {
    let now = app.now_ms();
    let jobs: Vec<_> = steps
        .iter()
        .enumerate()
        .map(|(index, step)| NewJob {
            // Keyed, so that a repeated submission plays nothing twice.
            id: jobs::keyed_id(&format!("sandbox:{message}:{index}")),
            queue: Queue::Maintenance,
            tenant: channel.tenant.clone(),
            lane: format!("sandbox:{}/{}", channel.tenant, channel.id),
            order_key: None,
            kind: jobs::SANDBOX_STEP,
            payload: json!(Play {
                channel: channel.id.clone(),
                message,
                provider_id: provider_id.to_owned(),
                step: step.clone(),
            }),
            priority: Priority::Normal,
            due_at: now + step.after_ms,
            attempts_max: jobs::SANDBOX_ATTEMPTS_MAX,
        })
        .collect();
    let queues = app.queues.clone();
    app.db
        .write(move |tx| Box::pin(async move { queues.push(tx, &jobs, now).await }))
        .await
}

/// Plays one step: a signed call to this channel's own webhook, verified like anybody's.
pub(crate) async fn play(app: &Arc<App>, job: &Job) -> Result<Outcome, StoreError> {
    let play: Play = match job.decode() {
        Ok(play) => play,
        Err(outcome) => return Ok(outcome),
    };
    let Some(channel) = app.directory.channel(&job.tenant, &play.channel).await? else {
        return Ok(Outcome::Dead {
            reason: format!("channel {} is gone", play.channel),
        });
    };
    let body = json!({
        "sender": channel.sender,
        "statuses": [{
            "id": play.provider_id,
            "message_id": play.message.bare(),
            "status": play.step.status,
            "at_ms": app.now_ms(),
            "error": (play.step.status == "failed")
                .then(|| json!({ "code": "recipient-unknown", "message": "the channel's script says so" })),
        }],
        "messages": [],
    });
    match call_own_webhook(app, &job.tenant, &channel, &body).await? {
        Ok(()) => Ok(Outcome::Done),
        Err(reason) => Ok(Outcome::Dead { reason }),
    }
}

async fn call_own_webhook(
    app: &Arc<App>,
    tenant: &TenantId,
    channel: &Channel,
    body: &Value,
) -> Result<Result<(), String>, StoreError> {
    let owner = Owner::Channel(tenant.clone(), channel.id.clone());
    let Some(plugin) = app.plugins.get(PLUGIN) else {
        return Ok(Err("the sandbox plugin is not loaded".to_owned()));
    };
    let Some(spec) = plugin.descriptor().webhooks.first().cloned() else {
        return Ok(Err("the sandbox plugin declares no webhook".to_owned()));
    };
    let Some(route) = app.directory.route_of_owner(&owner, &spec.name).await? else {
        return Ok(Err("the channel has no webhook address".to_owned()));
    };
    let bytes = Bytes::from(body.to_string());
    let signature = channel
        .secrets
        .live(SECRET)
        .first()
        .map(|key| sign(key, &bytes))
        .unwrap_or_default();
    let headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("x-sandbox-signature".to_owned(), signature),
    ];
    let incoming = Incoming {
        headers: &headers,
        query: &[],
        body: &bytes,
        url: route.url.as_deref(),
        by_own_path: route.by_own_path,
        now_s: app.now_ms() / 1000,
    };
    if let Err(refusal) = webhook::verify(&spec, &incoming, &*route) {
        return Ok(Err(refusal.to_string()));
    }
    let call = Call {
        method: HttpMethod::Post,
        query: Vec::new(),
        headers,
        body: bytes,
    };
    ingest::store(app, &route, &spec, call).await?;
    Ok(Ok(()))
}

fn sign(key: &SecretString, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes())
        .expect("HMAC takes any key length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Response<Bytes> {
    respond(
        status,
        &json!({ "error": { "code": code, "message": message } }),
    )
}

fn respond(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    response
}
