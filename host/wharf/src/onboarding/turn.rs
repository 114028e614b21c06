//! One turn of a session: run as a job, and written down with everything that it brought.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_core::Reason;
use wharf_core::provider::{Descriptor, Finding, FindingVerdict, FlowInfo, Purpose};
use wharf_queue::{Job, Outcome};
use wharf_runtime::Plugin;
use wharf_store::onboarding::{self as store, Session, SessionState, SessionStatus};
use wharf_store::{StoreError, routes};

use super::connect::{self, Connecting, Made};
use super::form::Prompt;
use super::private::{Pending, Private};
use super::{TurnJob, go_on, is_overdue, party, push, route_owner};
use crate::app::App;
use crate::clock::rfc3339;
use crate::flows::FlowError;
use crate::flows::onboarding::{self as flow, Next, Onboarded, Party, Turn};
use crate::http::Chain;

/// Of one session, the newest: a number that is looked at for a day says the same a hundred times.
const FINDINGS_MAX: usize = 200;

/// Runs the turn that the job names, unless the session is elsewhere by now.
pub(crate) async fn run(app: &Arc<App>, job: &Job) -> Result<Outcome, StoreError> {
    let TurnJob { session: id, turn } = match job.decode() {
        Ok(decoded) => decoded,
        Err(outcome) => return Ok(outcome),
    };
    let mut conn = app.db.read().await?;
    let found = store::get(&mut conn, &job.tenant, id).await?;
    drop(conn);
    let is_due = |status| matches!(status, SessionStatus::Running | SessionStatus::Waiting);
    let Some(session) = found.filter(|it| it.turn == turn && is_due(it.state.status)) else {
        return Ok(Outcome::Done);
    };
    if is_overdue(app, &session) {
        go_on::end(app, &session, SessionStatus::Expired).await?;
        return Ok(Outcome::Done);
    }
    let private = Private::open(&app.vault, &session)?;
    match play(app, &session, &private).await {
        Err(Failure::Flow(FlowError::Store(error))) if !job.is_last_attempt() => Err(error),
        Err(failure) => {
            failed(app, &session, private, &failure).await?;
            Ok(Outcome::Done)
        }
        Ok((plugin, turn)) => {
            progressed(app, &session, private, &plugin, turn).await?;
            Ok(Outcome::Done)
        }
    }
}

/// Why a turn came to nothing.
enum Failure {
    Flow(FlowError),
    /// What the session needs is not there any more.
    Gone(String),
}

async fn play(
    app: &Arc<App>,
    session: &Session,
    private: &Private,
) -> Result<(Arc<Plugin>, Turn), Failure> {
    let key = &session.key;
    let Some(plugin) = app.plugins.get(&key.plugin) else {
        return Err(Failure::Gone(format!(
            "the plugin {} is not loaded",
            key.plugin
        )));
    };
    let party = party::of(app, session, private, plugin.descriptor()).await;
    let party = party.map_err(|error| Failure::Flow(error.into()))?;
    let Some(party) = party else {
        let what = "the channel or app that the session is for is gone".to_owned();
        return Err(Failure::Gone(what));
    };
    let turn = one(app, &plugin, party, session, private).await;
    turn.map(|turn| (plugin, turn)).map_err(Failure::Flow)
}

async fn one(
    app: &App,
    plugin: &Plugin,
    party: Party,
    session: &Session,
    private: &Private,
) -> Result<Turn, FlowError> {
    let id = session.key.flow.as_str();
    let inputs = match &private.pending {
        Pending::Start(inputs) => {
            let inputs = inputs.iter();
            let inputs = inputs.map(|(name, value)| (name.clone(), value.to_string()));
            return flow::start(app, plugin, party, id, inputs.collect()).await;
        }
        Pending::Answer(given) => {
            let given = given.iter().map(|(name, values)| {
                let values = values.iter().map(|value| value.to_string());
                (name.clone(), values.collect())
            });
            given.collect()
        }
        Pending::Nothing => Vec::new(),
    };
    let saved = session.state.saved.as_deref().unwrap_or_default();
    flow::answer(app, plugin, party, id, saved, inputs).await
}

/// Back to what was asked, with the reason; a step that asked nobody waits to be tried again.
async fn failed(
    app: &Arc<App>,
    session: &Session,
    mut private: Private,
    failure: &Failure,
) -> Result<(), StoreError> {
    let key = &session.key;
    if let Failure::Flow(error) = failure {
        tracing::warn!(tenant.id = %key.tenant, onboarding.id = %key.id, plugin.name = key.plugin, error = %Chain(error), "a turn of an onboarding flow failed");
    }
    let status = match &private.pending {
        Pending::Answer(_) if session.state.question.is_some() => SessionStatus::Question,
        Pending::Answer(_) if private.visit.is_some() => SessionStatus::Visit,
        _ => SessionStatus::Failed,
    };
    if status != SessionStatus::Failed {
        private.pending = Pending::Nothing;
    }
    let state = SessionState {
        status,
        error: Some(error_of(failure)),
        private: private.seal(&app.vault, &key.tenant, key.id)?,
        due_at: None,
        updated_at: app.now_ms(),
        ..session.state.clone()
    };
    let (key, turn) = (key.clone(), session.turn);
    app.db
        .write(move |tx| {
            Box::pin(async move {
                store::advance(tx, &key.tenant, key.id, turn, &state)
                    .await
                    .map(drop)
            })
        })
        .await
}

fn error_of(failure: &Failure) -> Value {
    let error = match failure {
        Failure::Gone(what) => {
            return json!({
                "code": Reason::Gone.as_str(), "detail": what, "provider_code": null,
                "remedy": "Ask the operator to bring it back and try again, or give this session up.",
            });
        }
        Failure::Flow(error) => error,
    };
    match error {
        FlowError::Provider(error) => json!({
            "code": error.class.as_str(),
            "detail": error.detail,
            "provider_code": error.provider_code,
            "remedy": error.remedy.as_deref().unwrap_or("Try the step again in a while."),
        }),
        other => json!({
            "code": other.slug(),
            "detail": other.to_string(),
            "provider_code": null,
            "remedy": remedy(other),
        }),
    }
}

fn remedy(error: &FlowError) -> &'static str {
    match error {
        FlowError::Answer { .. } => "Correct the answer and send it again.",
        FlowError::State { .. } | FlowError::VersionGone { .. } | FlowError::FlowUnknown { .. } => {
            "Give this session up and begin a new one."
        }
        FlowError::Steps { .. } | FlowError::Time { .. } | FlowError::Store(_) => {
            "Try the step again in a while."
        }
        FlowError::Provider(_)
        | FlowError::Unsupported { .. }
        | FlowError::Plugin(_)
        | FlowError::Denied { .. }
        | FlowError::Items { .. }
        | FlowError::Mismatch { .. }
        | FlowError::Guarded { .. } => {
            "Try the step again; when it stays, ask the operator, whose log has the reason."
        }
    }
}

/// Writes down where the flow stands, with the channels of one that is done.
async fn progressed(
    app: &Arc<App>,
    session: &Session,
    mut private: Private,
    plugin: &Plugin,
    turn: Turn,
) -> Result<(), StoreError> {
    let now = app.now_ms();
    let descriptor = Arc::clone(plugin.descriptor());
    let key = &session.key;
    private.pending = Pending::Nothing;
    private.visit = None;
    let mut state = SessionState {
        status: SessionStatus::Running,
        question: None,
        findings: with_findings(&session.state.findings, &turn.findings, now),
        error: None,
        saved: None,
        due_at: None,
        updated_at: now,
        ..session.state.clone()
    };
    let mut onboarded = None;
    match turn.next {
        Next::Ask {
            title,
            questions,
            saved,
        } => {
            state.status = SessionStatus::Question;
            if let Some(flow) = descriptor.flow(&key.flow) {
                let prompt = Prompt::of(&descriptor, flow, title, questions);
                state.question = Some(json!(prompt));
            }
            state.saved = Some(saved);
        }
        Next::Visit {
            url,
            saved,
            by_path,
            ..
        } => {
            state.status = SessionStatus::Visit;
            state.by_path = by_path;
            private.visit = Some(url.into());
            state.saved = Some(saved);
        }
        Next::Wait { ms, saved } => {
            state.status = SessionStatus::Waiting;
            state.due_at = Some(now + i64::from(ms));
            state.saved = Some(saved);
        }
        Next::Done(done) => {
            state.status = SessionStatus::Done;
            onboarded = Some(*done);
        }
    }
    state.private = match state.status {
        SessionStatus::Done => Vec::new(),
        _ => private.seal(&app.vault, &key.tenant, key.id)?,
    };
    write(app, session, state, onboarded, descriptor).await
}

async fn write(
    app: &Arc<App>,
    session: &Session,
    mut state: SessionState,
    onboarded: Option<Onboarded>,
    descriptor: Arc<Descriptor>,
) -> Result<(), StoreError> {
    let now = app.now_ms();
    let (key, turn, queues) = (session.key.clone(), session.turn, app.queues.clone());
    let mends = is_mending(&descriptor, &key.flow);
    let connecting = Connecting {
        config: Arc::clone(&app.config),
        vault: app.vault.clone(),
        descriptor,
        key: key.clone(),
        now,
    };
    let has_ended = onboarded.is_some();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                if let Some(onboarded) = onboarded {
                    // Another turn may have ended the session: then nothing of this one is kept.
                    let current = store::get(tx, &key.tenant, key.id).await?;
                    if current.is_none_or(|it| it.turn != turn || it.state.status.is_ended()) {
                        return Ok(());
                    }
                    let made = match mends {
                        true => connect::mend(tx, &connecting, &onboarded).await?,
                        false => connect::connect(tx, &connecting, &onboarded).await?,
                    };
                    conclude(&mut state, made, now);
                    routes::delete_of(tx, &route_owner(&key)).await?;
                }
                let mine = store::advance(tx, &key.tenant, key.id, turn, &state).await?;
                if let Some(due_at) = state.due_at.filter(|_| mine) {
                    push(tx, &queues, &key, turn + 1, due_at, now).await?;
                }
                Ok(())
            })
        })
        .await?;
    if has_ended {
        app.directory.forget_all();
    }
    Ok(())
}

fn is_mending(descriptor: &Descriptor, flow: &str) -> bool {
    let flow: Option<&FlowInfo> = descriptor.flow(flow);
    flow.is_some_and(|flow| flow.purpose != Purpose::Connect)
}

/// A flow that is done has ended, whatever of it could be kept; the findings say what could not.
fn conclude(state: &mut SessionState, made: Made, now: i64) {
    state.channels = Value::Array(made.channels);
    state.findings = with_findings(&state.findings, &made.findings, now);
}

/// Findings as people see them.
pub(crate) fn findings_view(findings: &[Finding], now: i64) -> Value {
    with_findings(&Value::Null, findings, now)
}

fn with_findings(before: &Value, new: &[Finding], now: i64) -> Value {
    let mut all = before.as_array().cloned().unwrap_or_default();
    for finding in new {
        let found = json!({
            "step": (!finding.step.is_empty()).then_some(&finding.step),
            "verdict": finding.verdict,
            "title": finding.title,
            "detail": finding.detail,
            "remedy": finding.remedy,
            "at": rfc3339(now),
        });
        let same = |last: &Value| {
            ["step", "verdict", "title", "detail"]
                .iter()
                .all(|name| last[*name] == found[*name])
        };
        if finding.verdict == FindingVerdict::Waiting && all.last().is_some_and(same) {
            all.pop();
        }
        all.push(found);
    }
    let surplus = all.len().saturating_sub(FINDINGS_MAX);
    all.drain(..surplus);
    Value::Array(all)
}
