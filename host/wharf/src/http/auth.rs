//! Who calls: the tenant behind an API key.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use secrecy::SecretString;
use wharf_core::{Code, TenantId, api_key};

use super::Problem;
use crate::app::App;

/// An authenticated caller. Every operation on a tenant's things begins with one.
pub(super) struct Caller {
    pub(super) tenant: TenantId,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        // One answer for every reason: a caller who guesses learns nothing.
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
        let known = app
            .directory
            .key(&presented.hash)
            .await?
            .ok_or_else(refused)?;
        let now = app.now_ms();
        let live = known.revoked_at.is_none() && known.expires_at.is_none_or(|at| at > now);
        if !live {
            return Err(refused());
        }
        Ok(Self {
            tenant: known.tenant.clone(),
        })
    }
}
