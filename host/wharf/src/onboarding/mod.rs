//! Onboarding sessions: a tenant connects, mends or disconnects numbers over the API.
//!
//! A request only writes down what was said and pushes a job; the job runs the flow's turn
//! ([`crate::flows::onboarding`]) and writes down where it stands then, all in one transaction with what a
//! finished flow produced. So a crash repeats a turn and loses none, and a wait is a job that is due later.

mod begin;
mod connect;
mod form;
mod go_on;
mod of_app;
mod party;
mod private;
mod remove;
mod shown;
mod sweep;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;
use wharf_core::{Code, OnboardingId, TenantId};
use wharf_queue::{NewJob, Priority, Queue, Queues};
use wharf_store::onboarding::{self, Session, SessionKey, SessionStatus};
use wharf_store::{AccountKey, Owner, StoreError, Tx};

use crate::app::App;
use crate::http::Problem;
use crate::workers::jobs;

pub(crate) use begin::{Begin, Offer, begin, offers};
pub(crate) use form::view as form_view;
pub(crate) use go_on::{Return, answer, give_up, returned};
pub(crate) use of_app::{
    NotRun, State as AppFlowState, flows_of as flows_of_app, ready as app_flow, run as run_app_flow,
};
pub(crate) use party::return_address;
pub(crate) use remove::remove;
pub(crate) use shown::{summary, view};
pub use sweep::sweep;
pub(crate) use turn::{findings_view, run};

/// How often a request looks whether its turn has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a turn's job carries: nothing that was typed in.
#[derive(Serialize, Deserialize)]
struct TurnJob {
    session: OnboardingId,
    turn: i64,
}

/// The tenant's session; 404 when it has no such one.
pub(crate) async fn find(app: &App, tenant: &TenantId, id: &str) -> Result<Session, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let id: OnboardingId = id.parse().map_err(|_| missing())?;
    let mut conn = app.db.read().await?;
    let found = onboarding::get(&mut conn, tenant, id).await?;
    found.ok_or_else(missing)
}

/// The session once its turn has ended, or as it is when that takes longer than a request should wait.
pub(crate) async fn settled(app: &App, key: &SessionKey) -> Result<Session, Problem> {
    let deadline = Instant::now() + Duration::from_millis(app.config.onboarding.answer_wait_ms);
    loop {
        let session = find(app, &key.tenant, &key.id.to_string()).await?;
        if session.state.status != SessionStatus::Running || Instant::now() >= deadline {
            return Ok(session);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Pushes the job of this turn; the same turn twice is one job.
async fn push(
    tx: &mut Tx,
    queues: &Queues,
    key: &SessionKey,
    turn: i64,
    due_at: i64,
    now: i64,
) -> Result<(), StoreError> {
    let job = NewJob {
        id: jobs::keyed_id(&format!("{}:{}:{turn}", jobs::ONBOARDING_TURN, key.id)),
        queue: Queue::Maintenance,
        tenant: key.tenant.clone(),
        lane: format!("onboarding:{}", key.id),
        order_key: None,
        kind: jobs::ONBOARDING_TURN,
        payload: json!(TurnJob {
            session: key.id,
            turn,
        }),
        // Somebody is looking at a page, and the code of a login lives for seconds.
        priority: Priority::High,
        due_at,
        attempts_max: jobs::ONBOARDING_ATTEMPTS_MAX,
    };
    queues.push(tx, &[job], now).await
}

/// Holds the webhooks' addresses that a flow gives to a provider before its channels are there.
fn route_owner(key: &SessionKey) -> Owner {
    let session = format!("onboarding:{}", key.id.bare());
    Owner::Account(key.tenant.clone(), AccountKey::new(&key.plugin, &session))
}

/// Whether the session's time is over, whatever its row says.
fn is_overdue(app: &Arc<App>, session: &Session) -> bool {
    session.key.expires_at <= app.now_ms()
}
