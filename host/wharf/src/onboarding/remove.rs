//! A channel that the API made goes, with its secrets. What files made is the files'.

use std::sync::Arc;

use wharf_core::{ChannelId, Code, TenantId};
use wharf_store::channels::MadeBy;
use wharf_store::{Origin, Owner, StoreError, Tx, Vault, channels, credentials, routes};

use super::connect::file_of;
use crate::app::App;
use crate::http::Problem;

/// Removes the channel here; at the provider it stays as it is.
pub(crate) async fn remove(app: &Arc<App>, tenant: &TenantId, id: &str) -> Result<(), Problem> {
    let missing = || Problem::new(Code::NotFound);
    let id: ChannelId = id.parse().map_err(|_| missing())?;
    let mut conn = app.db.read().await?;
    let row = channels::get(&mut conn, tenant, &id).await?;
    drop(conn);
    let row = row.ok_or_else(missing)?;
    if row.origin == Origin::File {
        let file = file_of(&app.config, tenant, &id);
        let detail = format!("channel {id} stands in {file}");
        return Err(Problem::new(Code::ChannelFromFile).detail(detail));
    }
    let (tenant, vault, now) = (tenant.clone(), app.vault.clone(), app.now_ms());
    app.db
        .try_write(move |tx| {
            Box::pin(async move {
                release_routes(tx, &vault, &tenant, &id).await?;
                channels::mark_removed(tx, &tenant, &id, now).await?;
                let owner = Owner::Channel(tenant, id);
                routes::delete_of(tx, &owner).await?;
                credentials::delete_of(tx, &owner).await?;
                Ok(())
            })
        })
        .await?;
    app.directory.forget_all();
    Ok(())
}

/// The provider was told one address for all numbers of a session, which one of its channels holds: another
/// one takes it over before that one goes, or gets another.
pub(super) async fn release_routes(
    tx: &mut Tx,
    vault: &Vault,
    tenant: &TenantId,
    id: &ChannelId,
) -> Result<(), StoreError> {
    let made = channels::made_by(tx, tenant, id).await?;
    let Some(made) = made.filter(|made| made.leads) else {
        return Ok(());
    };
    let others = channels::siblings(tx, tenant, id, made.session).await?;
    let Some(other) = others.first() else {
        return Ok(());
    };
    let from = Owner::Channel(tenant.clone(), id.clone());
    let to = Owner::Channel(tenant.clone(), other.clone());
    routes::hand_over(tx, vault, &from, &to).await?;
    let title = channels::made_by(tx, tenant, other).await?;
    let next = MadeBy {
        title: title.map(|made| made.title).unwrap_or_default(),
        ..made
    };
    channels::note_session(tx, tenant, other, &next).await
}
