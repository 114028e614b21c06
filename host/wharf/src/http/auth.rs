//! Who calls: the tenant behind an API key and what the key may do, or the operator.
//!
//! Every operation on a tenant's things begins with a [`Caller`], every one of the operator's with an
//! [`Operator`]. That the key is live, has the scope that method and path need, is within its rate, and, when it
//! is bound to channels, that the operation asks for them, is checked before either exists.

use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::header;
use axum::http::request::Parts;
use secrecy::SecretString;
use wharf_core::request::FieldError;
use wharf_core::scope::{self, Scope};
use wharf_core::{ChannelId, Code, TenantId, api_key};
use wharf_store::keys::KeyRow;
use wharf_store::tenants;

use super::Problem;
use crate::app::App;
use crate::callers::{RateHeaders, note_use};

/// The tenant that an operator's key acts for.
const FOR_TENANT: &str = "wharf-tenant";

static EVERYTHING: [Scope; 1] = [Scope::ALL];

/// An authenticated caller.
pub(super) struct Caller {
    pub(super) tenant: TenantId,
    /// None for the operator, who may do everything.
    key: Option<Arc<KeyRow>>,
}

/// The operator.
pub(super) struct Operator;

/// Where a request's [`RateHeaders`] are left for its answer.
#[derive(Clone, Default)]
pub(super) struct RateSlot(Arc<OnceLock<RateHeaders>>);

impl RateSlot {
    pub(super) fn take(&self) -> Option<&RateHeaders> {
        self.0.get().filter(|headers| !headers.left.is_empty())
    }
}

impl Caller {
    /// What the key may do.
    pub(super) fn scopes(&self) -> &[Scope] {
        match &self.key {
            Some(key) => &key.scopes,
            None => &EVERYTHING,
        }
    }

    /// The channels that the key is bound to; None for all.
    pub(super) fn channels(&self) -> Option<&[ChannelId]> {
        self.key.as_ref()?.channels.as_deref()
    }

    pub(super) fn may_use(&self, channel: &ChannelId) -> bool {
        self.channels().is_none_or(|bound| bound.contains(channel))
    }

    /// Keeps a request to the channels of its key; one that names none means the key's only one.
    pub(super) fn bind(&self, channel: &mut Option<ChannelId>) -> Result<(), Problem> {
        let Some(bound) = self.channels() else {
            return Ok(());
        };
        match (&*channel, bound) {
            (Some(named), _) if bound.contains(named) => Ok(()),
            (None, [only]) => {
                *channel = Some(only.clone());
                Ok(())
            }
            (None, _) => {
                let detail = format!("name one of the key's channels: {}", listed(bound));
                let error = FieldError::new("/channel", "missing", detail);
                Err(Problem::new(Code::InvalidRequest).errors(vec![error]))
            }
            (Some(_), _) => Err(bound_elsewhere(bound)),
        }
    }
}

/// The refusal of a key that is bound to other channels.
pub(super) fn bound_elsewhere(bound: &[ChannelId]) -> Problem {
    let detail = format!("this key is bound to other channels: {}", listed(bound));
    Problem::new(Code::Forbidden).detail(detail)
}

fn listed(channels: &[ChannelId]) -> String {
    let names: Vec<_> = channels.iter().map(ChannelId::as_str).collect();
    names.join(", ")
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let key = match identify(parts, app).await? {
            Holder::Tenant(key) => key,
            Holder::Operator => return acting_for(parts, app).await,
        };
        let granted = app.callers.ask(
            &key,
            app.config.http.tenant_requests_per_minute,
            app.now_ms(),
        );
        if let Some(slot) = parts.extensions.get::<RateSlot>() {
            let _ = slot.0.set(granted.headers);
        }
        if let Some(wait_s) = granted.refused {
            return Err(Problem::new(Code::TooManyRequests).retry_after_s(wait_s));
        }
        may(parts, &key)?;
        note_use(app, &key);
        Ok(Self {
            tenant: key.tenant.clone(),
            key: Some(key),
        })
    }
}

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        match identify(parts, app).await? {
            Holder::Operator => Ok(Self),
            Holder::Tenant(_) => {
                Err(Problem::new(Code::Forbidden).detail("this takes a key of the operator"))
            }
        }
    }
}

enum Holder {
    Tenant(Arc<KeyRow>),
    Operator,
}

/// Whose key it is. One answer for every reason why not: a caller who guesses learns nothing.
async fn identify(parts: &Parts, app: &App) -> Result<Holder, Problem> {
    let refused = || Problem::new(Code::Unauthorized);
    let mut given = parts.headers.get_all(header::AUTHORIZATION).iter();
    let value = given
        .next()
        .and_then(|v| v.to_str().ok())
        .ok_or_else(refused)?;
    if given.next().is_some() {
        return Err(refused());
    }
    let (scheme, key) = value.split_once(' ').ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused());
    }
    let key = SecretString::from(key.trim().to_owned());
    let presented = api_key::parse(&key).ok_or_else(refused)?;
    let mut operators = app.config.operator_keys.values();
    if operators.any(|key| hex::encode(key.hash.0) == presented.hash) {
        return Ok(Holder::Operator);
    }
    let known = app
        .directory
        .key(&presented.hash)
        .await?
        .filter(|key| key.is_live(app.now_ms()));
    known.map(Holder::Tenant).ok_or_else(refused)
}

/// Whether the key may do what is asked.
fn may(parts: &Parts, key: &KeyRow) -> Result<(), Problem> {
    let route = parts.extensions.get::<MatchedPath>();
    let route = route.map_or("", MatchedPath::as_str);
    let needed = scope::needed(parts.method.as_str(), route);
    if !scope::allows(&key.scopes, &needed) {
        let detail = format!("this takes a key with the scope {needed}");
        return Err(Problem::new(Code::Forbidden).detail(detail));
    }
    if key.channels.is_some() && !scope::heeds_channels(route) {
        let detail = "this takes a key that is not bound to channels";
        return Err(Problem::new(Code::Forbidden).detail(detail));
    }
    Ok(())
}

/// The operator, in the place of a tenant.
async fn acting_for(parts: &Parts, app: &App) -> Result<Caller, Problem> {
    let named = parts.headers.get(FOR_TENANT);
    let named = named.ok_or_else(|| {
        Problem::new(Code::Forbidden)
            .detail("an operator's key acts for the tenant that the header Wharf-Tenant names")
    })?;
    let missing = || Problem::new(Code::NotFound).detail("Wharf-Tenant names no tenant");
    let tenant: TenantId = named
        .to_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(missing)?;
    let mut conn = app.db.read().await?;
    let known = tenants::list(&mut conn).await?;
    if !known.iter().any(|row| row.id == tenant) {
        return Err(missing());
    }
    Ok(Caller { tenant, key: None })
}
