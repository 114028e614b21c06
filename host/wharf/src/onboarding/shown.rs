//! A session as the API shows it. Nothing that was typed in is among it.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_store::StoreError;
use wharf_store::onboarding::{Session, SessionStatus};

use super::form::Prompt;
use super::is_overdue;
use super::private::Private;
use crate::app::App;
use crate::clock::rfc3339;

/// As a list shows it.
pub(crate) fn summary(app: &Arc<App>, session: &Session) -> Value {
    let (key, state) = (&session.key, &session.state);
    json!({
        "id": key.id,
        "plugin": key.plugin,
        "flow": key.flow,
        "app": key.app,
        "channel": key.channel,
        "status": status(app, session).as_str(),
        "channels": state.channels,
        "created_at": rfc3339(key.created_at),
        "updated_at": rfc3339(state.updated_at),
        "expires_at": rfc3339(key.expires_at),
    })
}

/// With all that whoever runs it must know to go on.
pub(crate) fn view(app: &Arc<App>, session: &Session) -> Result<Value, StoreError> {
    let state = &session.state;
    let mut shown = summary(app, session);
    let status = status(app, session);
    let prompt: Option<Prompt> = state
        .question
        .clone()
        .filter(|_| status == SessionStatus::Question)
        .and_then(|question| serde_json::from_value(question).ok());
    shown["question"] = prompt.map_or(Value::Null, |prompt| prompt.view());
    shown["visit"] = match status {
        SessionStatus::Visit => match Private::open(&app.vault, session)?.visit {
            Some(url) => json!({ "url": url }),
            None => Value::Null,
        },
        _ => Value::Null,
    };
    shown["wait_until"] = state
        .due_at
        .filter(|_| status == SessionStatus::Waiting)
        .map(rfc3339)
        .into();
    shown["error"] = state.error.clone().unwrap_or_default();
    shown["findings"] = state.findings.clone();
    shown["steps"] = steps(app, session);
    Ok(shown)
}

fn status(app: &Arc<App>, session: &Session) -> SessionStatus {
    match session.state.status {
        ended if ended.is_ended() => ended,
        _ if is_overdue(app, session) => SessionStatus::Expired,
        open => open,
    }
}

/// The flow's steps, each with the last that was found of it.
fn steps(app: &App, session: &Session) -> Value {
    let Some(plugin) = app.plugins.get(&session.key.plugin) else {
        return json!([]);
    };
    let Some(flow) = plugin.descriptor().flow(&session.key.flow) else {
        return json!([]);
    };
    let findings = session.state.findings.as_array();
    let last = |step: &str| {
        let of_step = |found: &&Value| found["step"] == step;
        let found = findings.and_then(|all| all.iter().rev().find(of_step));
        found.map_or(Value::Null, |found| found["verdict"].clone())
    };
    let steps = flow.steps.iter();
    steps
        .map(|(name, title)| json!({ "name": name, "title": title, "verdict": last(name) }))
        .collect()
}
