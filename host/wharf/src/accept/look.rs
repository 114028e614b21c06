//! The plugin's first look at a message, before anything is stored: what this provider can never take is
//! refused, and a dry run shows what would be sent.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use wharf_core::provider::{CallContext, ErrorClass, OutboundMessage, PlatformError, Progress};
use wharf_core::request::MessageRequest;
use wharf_core::{Code, MessageId, TenantId};
use wharf_runtime::{CallError, Plugin};

use super::{Ready, ready};
use crate::app::App;
use crate::clock::random;
use crate::directory::Channel;
use crate::exchange::Actor;
use crate::http::Problem;

/// How long the caller waits for the plugin's first look. It takes microseconds; a plugin that takes
/// longer stands in line with its kind, and its message is taken unseen, for the worker to find out.
///
/// A look that is given up so says nothing about the plugin, and its circuit does not count it: the
/// worker makes the same call without this bound, and there a call that never ends is a fault. Nor would
/// it be just, for how far a call comes in this time depends on who else stands in line.
const FIRST_STEP_MAX: Duration = Duration::from_millis(300);

/// The same for a dry run, which is asked for this look alone and may wait longer for it.
const DRY_RUN_STEP_MAX: Duration = Duration::from_secs(2);

/// Refuses what this provider can never take. A plugin that is not there or cannot say takes everything;
/// but who wants it sent at once is told that the plugin rests after its faults, while others' messages wait.
pub(super) async fn look(
    app: &App,
    id: MessageId,
    ready: &Ready,
    immediate: bool,
) -> Result<(), Problem> {
    let Some(plugin) = app.plugins.get(&ready.channel.plugin) else {
        return Ok(());
    };
    let message = outbound(id, ready);
    let first = first_step(app, &plugin, &ready.channel, &message);
    match tokio::time::timeout(FIRST_STEP_MAX, first).await {
        Ok(Err(CallError::CircuitOpen { retry_after_ms, .. })) if immediate => {
            Err(Problem::new(Code::Overloaded)
                .retry_after_s(retry_after_ms.div_ceil(1000))
                .detail(format!(
                    "plugin {} rests after faults with such messages; nothing was stored",
                    ready.channel.plugin
                )))
        }
        Ok(Err(error)) => refuse_what_the_provider_cannot(&error),
        _ => Ok(()),
    }
}

/// What a `dry_run` shows: the first request, redacted, and nothing stored.
pub(crate) async fn dry_run(
    app: &Arc<App>,
    tenant: &TenantId,
    request: MessageRequest,
) -> Result<Value, Problem> {
    let ready = ready(app, tenant, request).await?;
    let channel = &ready.channel;
    let message = outbound(MessageId::new(&*app.ids), &ready);
    let plugin = app
        .plugins
        .get(&channel.plugin)
        .ok_or_else(|| plugin_missing(channel))?;
    let first = first_step(app, &plugin, channel, &message);
    let progress = tokio::time::timeout(DRY_RUN_STEP_MAX, first)
        .await
        .map_err(|_| {
            Problem::new(Code::Overloaded).detail(format!(
                "plugin {} gave no request within {} s; try again, and look at its processor time if it stays so",
                channel.plugin,
                DRY_RUN_STEP_MAX.as_secs()
            ))
        })?
        .map_err(|error| match error {
            CallError::Guest(error) => refusal(&error),
            other => {
                tracing::warn!(plugin.name = plugin.name(), reason = %other, "a plugin failed at a dry run");
                Problem::new(Code::PluginFailed).detail(other.to_string())
            }
        })?;
    let exchange = match progress {
        Progress::Done(_) => Value::Null,
        Progress::Exchange(exchange) => {
            let actor = Actor::of_channel(channel, plugin.descriptor());
            let prepared = actor.with_grant(app, |grant| app.egress.prepare(&exchange, grant));
            let prepared = prepared.map_err(|denied| {
                Problem::new(Code::PluginFailed)
                    .detail(denied.to_string())
                    .with("reason", denied.slug())
            })?;
            prepared.journal()
        }
    };
    Ok(json!({
        "dry_run": true,
        "channel": channel.id,
        "to": crate::view::address(&ready.to),
        "type": ready.request.content.kind(),
        "exchange": exchange,
    }))
}

fn outbound(id: MessageId, ready: &Ready) -> OutboundMessage {
    let request = &ready.request;
    OutboundMessage {
        id: id.bare(),
        to: ready.to.clone(),
        sender: ready.channel.sender.clone(),
        content: request.content.clone(),
        reply_to: request.reply_to.clone(),
        options: crate::view::options(request.options.as_ref()),
    }
}

async fn first_step(
    app: &App,
    plugin: &Plugin,
    channel: &Channel,
    message: &OutboundMessage,
) -> Result<Progress, CallError> {
    let context = CallContext {
        settings: channel.settings.clone(),
        now_ms: u64::try_from(app.now_ms()).unwrap_or(0),
        seed: random(),
        locale: None,
    };
    let plugin = plugin.on_behalf_of(channel.tenant.as_str());
    plugin.start(&context, message).await
}

/// Only what can never be sent is refused here; every other failure is the worker's to handle.
fn refuse_what_the_provider_cannot(error: &CallError) -> Result<(), Problem> {
    match error {
        CallError::Guest(error) if is_about_the_message(error.class) => Err(refusal(error)),
        _ => Ok(()),
    }
}

/// What the plugin can know from the message alone. The rest (a recipient who opted out, a closed window)
/// only the provider knows, and only when it is asked.
fn is_about_the_message(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::InvalidMessage
            | ErrorClass::Unsupported
            | ErrorClass::MediaRejected
            | ErrorClass::TemplateUnknown
            | ErrorClass::TemplateMismatch
    )
}

/// A plugin's refusal as the API shows it: before anything was stored or sent.
fn refusal(error: &PlatformError) -> Problem {
    let code = match error.class {
        ErrorClass::Unsupported => Code::Unsupported,
        class if is_about_the_message(class) => Code::InvalidMessage,
        ErrorClass::ProviderUnavailable | ErrorClass::MalformedResponse => {
            Code::ProviderUnavailable
        }
        _ => Code::ProviderRejected,
    };
    let mut problem = Problem::new(code)
        .detail(error.detail.clone())
        .with("reason", error.class.as_str());
    if let Some(provider_code) = &error.provider_code {
        problem = problem.with("provider_code", provider_code.clone());
    }
    if let Some(remedy) = &error.remedy {
        problem = problem.with("remedy", remedy.clone());
    }
    problem
}

fn plugin_missing(channel: &Channel) -> Problem {
    Problem::new(Code::PluginFailed).detail(format!("no plugin named {} is loaded", channel.plugin))
}
