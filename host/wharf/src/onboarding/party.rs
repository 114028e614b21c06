//! Who runs a session's flow: with whose settings, secrets and webhooks.

use std::collections::HashMap;
use std::sync::Arc;

use secrecy::ExposeSecret;
use wharf_core::provider::{Descriptor, Purpose};
use wharf_store::onboarding::Session;
use wharf_store::{AccountKey, Owner, StoreError, routes};

use super::private::Private;
use super::route_owner;
use crate::app::App;
use crate::directory::SecretSet;
use crate::flows::onboarding::{Party, Return};

/// Where browsers come back to; a token in `state` says whose they are.
pub(crate) const RETURN_PATH: &str = "onboarding/return";

/// The fixed address, as it is entered at providers that compare it.
pub(crate) fn return_address(app: &App) -> Option<String> {
    let base = app.config.http.public_url.as_ref()?;
    base.join(RETURN_PATH).ok().map(String::from)
}

/// The party of the session's next turn; `None` when the channel that it mends is gone.
pub(super) async fn of(
    app: &App,
    session: &Session,
    private: &Private,
    descriptor: &Descriptor,
) -> Result<Option<Party>, StoreError> {
    let key = &session.key;
    let returns = return_address(app).map(|url| Return {
        url,
        token: private.return_token.clone(),
        by_path: session.state.by_path,
    });
    let mends = descriptor
        .flow(&key.flow)
        .is_some_and(|flow| flow.purpose != Purpose::Connect);
    if let Some(id) = key.channel.as_ref().filter(|_| mends) {
        let Some(channel) = app.directory.channel(&key.tenant, id).await? else {
            return Ok(None);
        };
        return Ok(Some(Party {
            tenant: Some(key.tenant.clone()),
            owner: Owner::Channel(key.tenant.clone(), id.clone()),
            settings: channel.settings.clone(),
            webhook_urls: channel.webhook_urls.clone(),
            secrets: channel,
            return_url: returns,
        }));
    }
    let (mut settings, mut urls, secrets) = match &key.app {
        Some(id) => match app.directory.of_app(id).await? {
            Some(found) => found,
            None => return Ok(None),
        },
        None => (Vec::new(), HashMap::new(), SecretSet::default()),
    };
    settings.extend(private.settings.clone());
    urls.extend(own_urls(app, session).await?);
    let owner = match &key.app {
        Some(id) => Owner::Account(key.tenant.clone(), AccountKey::of_app(id)),
        None => route_owner(key),
    };
    Ok(Some(Party {
        tenant: Some(key.tenant.clone()),
        owner,
        settings,
        secrets: Arc::new(secrets),
        webhook_urls: urls,
        return_url: returns,
    }))
}

/// The addresses that were minted for this session.
async fn own_urls(app: &App, session: &Session) -> Result<Vec<(String, String)>, StoreError> {
    let mut conn = app.db.read().await?;
    let tokens = routes::tokens_of(&mut conn, &app.vault, &route_owner(&session.key)).await?;
    let urls = tokens.into_iter().filter_map(|(webhook, plugin, token)| {
        let url = app.directory.url_of(&plugin, token.expose_secret())?;
        Some((webhook, url))
    });
    Ok(urls.collect())
}
