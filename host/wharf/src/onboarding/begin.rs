//! Who may connect what, and how a session begins.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use wharf_core::provider::{Descriptor, FlowInfo, InputKind, Level, Purpose};
use wharf_core::request::FieldError;
use wharf_core::{AppId, ChannelId, Code, OnboardingId, TenantId};
use wharf_runtime::Plugin;
use wharf_store::onboarding::{self, SessionKey, SessionState, SessionStatus};
use wharf_store::{StoreError, channels, routes};
use zeroize::Zeroizing;

use super::private::{Pending, Private};
use super::{form, push, route_owner};
use crate::app::App;
use crate::clock::random;
use crate::http::Problem;

const HOUR_MS: i64 = 3_600_000;
/// How long to stay away while as many sessions are open as may be.
const FULL_RETRY_AFTER_S: u64 = 60;

/// A plugin that a tenant may connect numbers with, and the operator's apps for it.
pub(crate) struct Offer {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) apps: Vec<AppId>,
}

/// What a session is begun with.
pub(crate) struct Begin {
    pub(crate) plugin: String,
    pub(crate) flow: String,
    /// Absent: the only app there is. `Some(None)`: none.
    pub(crate) app: Option<Option<String>>,
    pub(crate) channel: Option<String>,
    pub(crate) inputs: Map<String, Value>,
}

/// All that this tenant may connect with, by the plugins' names.
pub(crate) fn offers(app: &App, tenant: &TenantId) -> Vec<Offer> {
    if !app.config.onboarding.enabled {
        return Vec::new();
    }
    let of_tenant = app.config.tenants.get(tenant.as_str());
    let allowed = of_tenant.and_then(|tenant| tenant.providers.as_ref());
    let plugins = app.plugins.all();
    let plugins = plugins.iter().filter(|plugin| {
        let name = plugin.name();
        allowed.is_none_or(|allowed| allowed.iter().any(|it| it == name))
            && plugin.has(wharf_runtime::Interface::Onboarding)
    });
    let offers = plugins.map(|plugin| Offer {
        apps: apps_of(app, tenant, plugin.name()),
        plugin: Arc::clone(plugin),
    });
    offers.collect()
}

fn apps_of(app: &App, tenant: &TenantId, plugin: &str) -> Vec<AppId> {
    let apps = app.config.apps.iter();
    let usable = apps.filter(|(_, it)| {
        let open = it.tenants.as_ref();
        it.plugin == plugin && open.is_none_or(|all| all.iter().any(|t| t == tenant.as_str()))
    });
    usable.filter_map(|(name, _)| name.parse().ok()).collect()
}

/// Checks, stores and pushes the first turn. Nothing has left when this returns.
pub(crate) async fn begin(
    app: &Arc<App>,
    tenant: &TenantId,
    begin: Begin,
) -> Result<SessionKey, Problem> {
    let offers = offers(app, tenant);
    let offer = offers.iter().find(|it| it.plugin.name() == begin.plugin);
    let Some(offer) = offer else {
        return Err(Problem::new(Code::PluginNotAllowed).detail(format!(
            "no plugin {:?} is open to this tenant",
            shortened(&begin.plugin)
        )));
    };
    let descriptor = Arc::clone(offer.plugin.descriptor());
    let Some(flow) = descriptor.flow(&begin.flow) else {
        let known: Vec<_> = descriptor
            .flows
            .iter()
            .map(|flow| flow.id.as_str())
            .collect();
        return Err(wrong(
            "/flow",
            format!("{} has the flows {}", begin.plugin, known.join(", ")),
        ));
    };
    let mends = flow.purpose != Purpose::Connect;
    let channel = channel_of(app, tenant, &descriptor, &begin, mends).await?;
    let of_app = match mends {
        true => None,
        false => choose_app(offer, begin.app)?,
    };
    let asked = form::of_start(&descriptor, flow, of_app.is_none());
    let given = form::read(&asked, &begin.inputs, "inputs")
        .map_err(|errors| Problem::new(Code::InvalidRequest).errors(errors))?;
    let now = app.now_ms();
    let key = SessionKey {
        tenant: tenant.clone(),
        id: OnboardingId::new(&*app.ids),
        plugin: begin.plugin,
        flow: begin.flow,
        app: of_app,
        channel,
        created_at: now,
        expires_at: now + i64::from(app.config.onboarding.session_hours) * HOUR_MS,
    };
    let private = private_of(&descriptor, flow, &key, given);
    store(app, &descriptor, key, private, mends).await
}

/// The channel that is mended, or the name for a new one.
async fn channel_of(
    app: &Arc<App>,
    tenant: &TenantId,
    descriptor: &Descriptor,
    begin: &Begin,
    mends: bool,
) -> Result<Option<ChannelId>, Problem> {
    let Some(name) = &begin.channel else {
        return match mends {
            true => Err(wrong("/channel", "this flow needs the channel it is for")),
            false => Ok(None),
        };
    };
    let id: Result<ChannelId, _> = name.parse();
    let id = id.map_err(|error| wrong("/channel", error.to_string()))?;
    let found = app.directory.channel(tenant, &id).await?;
    if !mends {
        return match found {
            None => Ok(Some(id)),
            Some(_) => Err(Problem::new(Code::ChannelTaken).detail(format!("channel {id}"))),
        };
    }
    let found = found.filter(|channel| channel.plugin == begin.plugin);
    let found = found.ok_or_else(|| Problem::new(Code::ChannelUnknown))?;
    let sets_webhooks = descriptor
        .flow(&begin.flow)
        .is_some_and(|flow| flow.purpose == Purpose::Webhooks);
    let is_of_app = found.app.is_some() && has_app_webhook(descriptor);
    if sets_webhooks && is_of_app {
        return Err(Problem::new(Code::PluginNotAllowed).detail(
            "the webhook is that of the operator's app, which tenants share; the operator sets it",
        ));
    }
    Ok(Some(id))
}

/// Whether messages come in by a webhook that all tenants of an app share.
fn has_app_webhook(descriptor: &Descriptor) -> bool {
    let mut webhooks = descriptor.webhooks.iter();
    webhooks.any(|webhook| webhook.level == Level::App && webhook.name == "main")
}

fn choose_app(offer: &Offer, wanted: Option<Option<String>>) -> Result<Option<AppId>, Problem> {
    match wanted {
        Some(None) => Ok(None),
        Some(Some(name)) => {
            let found = offer.apps.iter().find(|id| id.as_str() == name);
            found.cloned().map(Some).ok_or_else(|| {
                Problem::new(Code::PluginNotAllowed).detail(format!(
                    "no app {:?} is open to this tenant",
                    shortened(&name)
                ))
            })
        }
        None => match offer.apps.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.clone())),
            several => {
                let names: Vec<_> = several.iter().map(AppId::as_str).collect();
                let detail = format!("name one of {}, or null for none", names.join(", "));
                Err(wrong("/app", detail))
            }
        },
    }
}

/// What the tenant says of an app of its own is the flow's from the beginning; all is given to the plugin,
/// but for secrets.
fn private_of(
    descriptor: &Descriptor,
    flow: &FlowInfo,
    key: &SessionKey,
    given: Vec<(String, Vec<String>)>,
) -> Private {
    let mut settings = Vec::new();
    let mut start = Vec::new();
    for (name, values) in given {
        let Some(value) = values.into_iter().next() else {
            continue;
        };
        let own = flow.inputs.iter().any(|input| input.name == name);
        let input = descriptor.input(&name).filter(|_| !own);
        let of_app = input.filter(|it| it.level == Level::App && key.app.is_none());
        if of_app.is_some_and(|it| it.kind != InputKind::Secret) {
            settings.push((name.clone(), value.clone()));
        }
        start.push((name, Zeroizing::new(value)));
    }
    Private {
        return_token: Zeroizing::new(URL_SAFE_NO_PAD.encode(random::<32>())),
        visit: None,
        settings,
        pending: Pending::Start(start),
    }
}

async fn store(
    app: &Arc<App>,
    descriptor: &Arc<Descriptor>,
    key: SessionKey,
    private: Private,
    mends: bool,
) -> Result<SessionKey, Problem> {
    let now = app.now_ms();
    let state = SessionState {
        status: SessionStatus::Running,
        question: None,
        findings: json!([]),
        error: None,
        channels: json!([]),
        by_path: false,
        saved: None,
        private: private.seal(&app.vault, &key.tenant, key.id)?,
        due_at: None,
        updated_at: now,
    };
    let token = SecretString::from(private.return_token.as_str());
    let open_max = i64::from(app.config.onboarding.open_max);
    let (queues, vault) = (app.queues.clone(), app.vault.clone());
    let (descriptor, stored) = (Arc::clone(descriptor), key.clone());
    let kept = app
        .db
        .try_write(move |tx| {
            Box::pin(async move {
                let key = &stored;
                if !onboarding::insert(tx, key, &state, &token, open_max).await? {
                    return Ok(false);
                }
                for webhook in descriptor.webhooks.iter().filter(|_| !mends) {
                    // The app's is the app's; without one it is the tenant's own.
                    if webhook.level == Level::App && key.app.is_some() {
                        continue;
                    }
                    let token = SecretString::from(URL_SAFE_NO_PAD.encode(random::<32>()));
                    let (owner, plugin) = (route_owner(key), key.plugin.as_str());
                    routes::ensure(tx, &vault, &owner, &webhook.name, plugin, &token, now).await?;
                }
                push(tx, &queues, key, 1, now, now).await?;
                Ok::<_, StoreError>(true)
            })
        })
        .await?;
    match kept {
        true => Ok(key),
        false => Err(Problem::new(Code::TooManyRequests)
            .retry_after_s(FULL_RETRY_AFTER_S)
            .detail(format!(
                "{open_max} sessions are open (onboarding.open_max); end one or give it up"
            ))),
    }
}

fn wrong(pointer: &str, detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidRequest).errors(vec![FieldError {
        pointer: pointer.to_owned(),
        code: "invalid",
        detail: detail.into(),
    }])
}

/// What a caller sent, short enough to be said again.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Whether the tenant has a live channel of this name.
pub(super) async fn is_taken(
    conn: &mut wharf_store::Conn,
    tenant: &TenantId,
    id: &ChannelId,
) -> Result<bool, StoreError> {
    Ok(channels::get(conn, tenant, id).await?.is_some())
}
