//! Flows that an operator runs for an app of theirs: telling a provider where to call, above all.
//!
//! Nobody sits before a form: what they need stands in the app's settings or comes with the call, answers
//! to what they may ask included. So they have no session, and run to their end while the caller waits.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use wharf_core::AppId;
use wharf_core::provider::{Descriptor, Finding, FlowInfo, InputKind, Level, Purpose};
use wharf_core::request::FieldError;
use wharf_runtime::Plugin;
use wharf_store::{Owner, StoreError, credentials};

use super::form::{self, Prompt};
use crate::app::App;
use crate::flows::FlowError;
use crate::flows::onboarding::{self as flow, Next, Onboarded, Party};

/// All pauses of one flow together; what takes longer is looked at by calling again.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Questions of one flow: the same answer to the same question again and again leads nowhere.
const ANSWERS_MAX: u32 = 10;

/// An app's flow that can be run, with what it is begun with.
pub(crate) struct Ready {
    plugin: Arc<Plugin>,
    app: AppId,
    flow: String,
    inputs: Vec<(String, String)>,
    answers: Map<String, Value>,
}

/// What came of it.
pub(crate) struct Ran {
    pub(crate) findings: Vec<Finding>,
    pub(crate) state: State,
}

/// Where a flow stands when its caller is answered.
pub(crate) enum State {
    Done,
    /// The provider needs longer than a caller waits.
    Waiting,
    /// Asked, and not answered with what fits; as people see it.
    Question(Value),
}

/// Why a flow did not come to its end.
pub(crate) enum NotRun {
    Flow(FlowError),
    /// It sends a browser to the provider, which only a person has.
    Visits,
}

impl From<FlowError> for NotRun {
    fn from(error: FlowError) -> Self {
        Self::Flow(error)
    }
}

impl From<StoreError> for NotRun {
    fn from(error: StoreError) -> Self {
        Self::Flow(error.into())
    }
}

/// The flows that are an app's to run; others are for a number.
pub(crate) fn flows_of(descriptor: &Descriptor) -> impl Iterator<Item = &FlowInfo> {
    let flows = descriptor.flows.iter();
    flows.filter(|flow| matches!(flow.purpose, Purpose::Webhooks | Purpose::Other))
}

/// Checks what is wanted, before anything leaves. None when the app has no such flow.
pub(crate) fn ready(
    plugin: Arc<Plugin>,
    app: AppId,
    name: &str,
    given: &Map<String, Value>,
    answers: Map<String, Value>,
) -> Result<Option<Ready>, Vec<FieldError>> {
    let descriptor = plugin.descriptor();
    let Some(flow) = flows_of(descriptor).find(|flow| flow.id == name) else {
        return Ok(None);
    };
    let asked = form::of_start(descriptor, flow, false);
    let given = form::read(&asked, given, "inputs")?.into_iter();
    let inputs = given.filter_map(|(name, values)| Some((name, values.into_iter().next()?)));
    let inputs = inputs.collect();
    Ok(Some(Ready {
        flow: flow.id.clone(),
        plugin,
        app,
        inputs,
        answers,
    }))
}

/// Runs it to its end and keeps the secrets that it brought, before those of the configuration.
pub(crate) async fn run(app: &Arc<App>, ready: Ready) -> Result<Ran, NotRun> {
    let Ready {
        plugin,
        app: id,
        flow,
        inputs,
        answers,
    } = ready;
    let mut asked = 0;
    let mut findings = Vec::new();
    let mut waited = Duration::ZERO;
    let mut turn = flow::start(app, &plugin, party(app, &id).await?, &flow, inputs).await?;
    loop {
        findings.append(&mut turn.findings);
        let mut given = Vec::new();
        let saved = match turn.next {
            Next::Done(onboarded) => {
                keep(app, &plugin, id, *onboarded).await?;
                let state = State::Done;
                return Ok(Ran { findings, state });
            }
            Next::Wait { ms, saved } => {
                let pause = Duration::from_millis(ms.into());
                waited += pause;
                if waited > WAIT_MAX {
                    let state = State::Waiting;
                    return Ok(Ran { findings, state });
                }
                tokio::time::sleep(pause).await;
                saved
            }
            Next::Ask {
                title,
                questions,
                saved,
            } => {
                asked += 1;
                let descriptor = plugin.descriptor();
                let info = descriptor
                    .flow(&flow)
                    .ok_or_else(|| unknown(&plugin, &flow))?;
                let prompt = Prompt::of(descriptor, info, title, questions);
                let fits = answered(&prompt, &answers).filter(|_| asked <= ANSWERS_MAX);
                let Some(answer) = fits else {
                    let state = State::Question(prompt.view());
                    return Ok(Ran { findings, state });
                };
                given = answer;
                saved
            }
            Next::Visit { .. } => return Err(NotRun::Visits),
        };
        let party = party(app, &id).await?;
        turn = flow::answer(app, &plugin, party, &flow, &saved, given).await?;
    }
}

fn unknown(plugin: &Plugin, flow: &str) -> FlowError {
    FlowError::FlowUnknown {
        plugin: plugin.name().to_owned(),
        flow: flow.to_owned(),
    }
}

/// The answers to this question among those that came with the call, if they fit it.
fn answered(prompt: &Prompt, answers: &Map<String, Value>) -> Option<Vec<(String, Vec<String>)>> {
    let mut of_prompt = answers.clone();
    of_prompt.retain(|name, _| prompt.asked.iter().any(|field| field.input.name == *name));
    let given = form::read(&prompt.asked, &of_prompt, "answers").ok()?;
    (!given.is_empty()).then_some(given)
}

async fn party(app: &App, id: &AppId) -> Result<Party, StoreError> {
    let Some((settings, webhook_urls, secrets)) = app.directory.of_app(id).await? else {
        return Err(StoreError::Refused(format!("the app {id} is gone")));
    };
    Ok(Party {
        tenant: None,
        owner: Owner::App(id.clone()),
        settings,
        secrets: Arc::new(secrets),
        webhook_urls,
        return_url: None,
    })
}

async fn keep(
    app: &Arc<App>,
    plugin: &Plugin,
    id: AppId,
    onboarded: Onboarded,
) -> Result<(), StoreError> {
    let descriptor = plugin.descriptor();
    let mut secrets = onboarded.secrets;
    secrets.retain(|(name, _)| {
        let input = descriptor.input(name);
        input.is_some_and(|input| input.level == Level::App && input.kind == InputKind::Secret)
    });
    if secrets.is_empty() {
        return Ok(());
    }
    let (vault, now, owner) = (app.vault.clone(), app.now_ms(), Owner::App(id));
    app.db
        .write(move |tx| {
            Box::pin(async move {
                for (name, learned) in &secrets {
                    let (value, ends) = (&learned.value, learned.expires_at);
                    credentials::capture(tx, &vault, &owner, name, value, now, ends).await?;
                }
                Ok(())
            })
        })
        .await?;
    app.directory.forget_all();
    Ok(())
}
