//! Taking a message back before anything of it was sent.

use std::sync::Arc;

use wharf_core::{MessageId, Status, TenantId};
use wharf_store::{StoreError, Tx, journal, messages};

use super::settle::{Change, change_status};
use crate::accept::job_of;
use crate::announce::Announcer;
use crate::app::App;

/// What became of the wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Canceled {
    /// Now, or by an earlier call.
    Done,
    /// A worker has it, or it has come to an end.
    TooLate(Status),
    NoSuch,
}

/// Takes the message back when no worker has it: job and status go in one transaction, so it is either
/// sent or canceled, never both.
pub(crate) async fn cancel(
    app: &Arc<App>,
    tenant: &TenantId,
    id: MessageId,
) -> Result<Canceled, StoreError> {
    let announcer = Announcer::of(app, tenant).await?;
    let (owner, now) = (tenant.clone(), app.now_ms());
    let canceled = app
        .db
        .try_write(move |tx| {
            Box::pin(async move { take_back(tx, &announcer, &owner, id, now).await })
        })
        .await?;
    if canceled == Canceled::Done {
        // An immediate send's caller may be waiting for its end.
        app.settled.announce(id);
    }
    Ok(canceled)
}

async fn take_back(
    tx: &mut Tx,
    announcer: &Announcer,
    tenant: &TenantId,
    id: MessageId,
    now: i64,
) -> Result<Canceled, StoreError> {
    let Some(message) = messages::get(tx, tenant, id).await? else {
        return Ok(Canceled::NoSuch);
    };
    match message.status {
        Status::Canceled => return Ok(Canceled::Done),
        Status::Queued | Status::Sending => {}
        other => return Ok(Canceled::TooLate(other)),
    }
    // One that waits to be continued may have reached the provider.
    let open = journal::open_attempt(tx, tenant, id).await?;
    if open.is_some_and(|open| open.try_number == message.try_number)
        || !wharf_queue::withdraw(tx, tenant, job_of(id)).await?
    {
        return Ok(Canceled::TooLate(Status::Sending));
    }
    let change = Change {
        status: Status::Canceled,
        provider_message_id: None,
        error: None,
        at_ms: now,
        now_ms: now,
    };
    change_status(tx, announcer, &message, &change).await?;
    Ok(Canceled::Done)
}
