//! What goes on with a session from outside: answers, a browser that comes back, giving it up.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value};
use wharf_core::{Code, TenantId};
use wharf_store::onboarding::{self, Session, SessionState, SessionStatus};
use wharf_store::{Db, StoreError, routes};

use super::form::{self, Prompt};
use super::private::{Pending, Private};
use super::{find, is_overdue, push, route_owner};
use crate::app::App;
use crate::http::Problem;

/// What became of a browser's return.
pub(crate) enum Return {
    /// The flow goes on.
    Taken,
    /// It was here before, or the session has ended.
    TooLate,
    /// No session has this token.
    Unknown,
}

/// Takes the answers to what is asked, or begins a failed step again when there are none.
pub(crate) async fn answer(
    app: &Arc<App>,
    tenant: &TenantId,
    id: &str,
    answers: &Map<String, Value>,
) -> Result<Session, Problem> {
    let session = find(app, tenant, id).await?;
    let not_waiting = |why: &str| Problem::new(Code::OnboardingNotWaiting).detail(why);
    if is_overdue(app, &session) {
        return Err(not_waiting("its time is over"));
    }
    let mut private = Private::open(&app.vault, &session)?;
    match session.state.status {
        SessionStatus::Question => {
            let prompt: Option<Prompt> = session
                .state
                .question
                .clone()
                .and_then(|question| serde_json::from_value(question).ok());
            let asked = prompt.map(|prompt| prompt.asked).unwrap_or_default();
            let given = form::read(&asked, answers, "answers")
                .map_err(|errors| Problem::new(Code::InvalidRequest).errors(errors))?;
            private.pending = Pending::of_answers(given);
        }
        SessionStatus::Failed if answers.is_empty() => {}
        SessionStatus::Failed => {
            return Err(not_waiting(
                "the step failed; to try it again, answer without answers",
            ));
        }
        SessionStatus::Visit => return Err(not_waiting("a browser must come back first")),
        SessionStatus::Waiting => return Err(not_waiting("it goes on by itself")),
        SessionStatus::Running => return Err(not_waiting("a step is running")),
        SessionStatus::Done | SessionStatus::Canceled | SessionStatus::Expired => {
            return Err(not_waiting("it has ended"));
        }
    }
    match restart(app, &session, &private).await? {
        true => Ok(session),
        false => Err(not_waiting("somebody else answered just now")),
    }
}

/// A browser comes back with these parameters.
pub(crate) async fn returned(
    app: &Arc<App>,
    token: &str,
    params: Vec<(String, Vec<String>)>,
) -> Result<Return, StoreError> {
    let token = SecretString::from(token.to_owned());
    let mut conn = app.db.read().await?;
    let found = onboarding::by_return_token(&mut conn, &token).await?;
    drop(conn);
    let Some(session) = found else {
        return Ok(Return::Unknown);
    };
    if session.state.status != SessionStatus::Visit || is_overdue(app, &session) {
        return Ok(Return::TooLate);
    }
    let mut private = Private::open(&app.vault, &session)?;
    private.pending = Pending::of_answers(params);
    Ok(match restart(app, &session, &private).await? {
        true => Return::Taken,
        false => Return::TooLate,
    })
}

/// Ends a session that has not ended. What the provider was asked for stays.
pub(crate) async fn give_up(app: &App, session: &Session) -> Result<bool, StoreError> {
    end(app, session, SessionStatus::Canceled).await
}

/// Ends the session, and deletes what was sealed and minted for it.
pub(super) async fn end(
    app: &App,
    session: &Session,
    status: SessionStatus,
) -> Result<bool, StoreError> {
    let (key, turn) = (session.key.clone(), session.turn);
    let state = SessionState {
        status,
        question: None,
        saved: None,
        private: Vec::new(),
        due_at: None,
        updated_at: app.now_ms(),
        ..session.state.clone()
    };
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let ended = onboarding::advance(tx, &key.tenant, key.id, turn, &state).await?;
                if ended {
                    routes::delete_of(tx, &route_owner(&key)).await?;
                }
                Ok(ended)
            })
        })
        .await
}

/// The next turn, with what `private` says is to be given to it.
async fn restart(app: &App, session: &Session, private: &Private) -> Result<bool, StoreError> {
    let now = app.now_ms();
    let (key, turn) = (session.key.clone(), session.turn);
    let state = SessionState {
        status: SessionStatus::Running,
        private: private.seal(&app.vault, &key.tenant, key.id)?,
        due_at: None,
        updated_at: now,
        ..session.state.clone()
    };
    let queues = app.queues.clone();
    let db: &Db = &app.db;
    db.try_write(move |tx| {
        Box::pin(async move {
            let mine = onboarding::advance(tx, &key.tenant, key.id, turn, &state).await?;
            if mine {
                push(tx, &queues, &key, turn + 1, now, now).await?;
            }
            Ok(mine)
        })
    })
    .await
}
