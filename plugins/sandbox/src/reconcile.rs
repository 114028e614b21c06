//! What the sandbox remembers of a message, and what it would have posted meanwhile.

use serde::Deserialize;
use wharf_plugin::ReconcileProvider;
use wharf_plugin::prelude::*;
use wharf_plugin::reconcile::{self, CatchUpProgress, Verdict};
use wharf_plugin::types::HttpMethod;

use crate::ask::{answer, request, segment};
use crate::bounded::Id;
use crate::{Sandbox, webhook};

#[derive(Deserialize)]
struct Known {
    id: Option<String>,
}

impl ReconcileProvider for Sandbox {
    fn reconcile_start(
        _: &Context,
        message: &Message,
        _: u64,
    ) -> Result<reconcile::Progress, Error> {
        let path = format!("messages/{}", segment("the message's id", &message.id)?);
        Ok(request("reconcile", HttpMethod::Get, &path).into())
    }

    fn reconcile_resume(
        _: &Context,
        _: &Message,
        _: u64,
        _: &[u8],
        outcome: Outcome,
    ) -> Result<reconcile::Progress, Error> {
        let known: Known = answer(outcome)?;
        let verdict = match known.id.as_deref() {
            None | Some("") => Verdict::Absent,
            Some(id) => match Id::try_from(id.to_owned()) {
                Ok(id) => Verdict::Found(Accepted::id(id.0)),
                // It knows the message, by a name that nobody can use.
                Err(_) => Verdict::Undecided,
            },
        };
        Ok(reconcile::Progress::Done(verdict))
    }

    fn catch_up(_: &Context, since: u64) -> Result<CatchUpProgress, Error> {
        let exchange = request("catch-up", HttpMethod::Get, "events");
        Ok(exchange.query_text("since", since.to_string()).into())
    }

    fn catch_up_resume(
        ctx: &Context,
        _: u64,
        _: &[u8],
        outcome: Outcome,
    ) -> Result<CatchUpProgress, Error> {
        // The answer has the shape of the webhook's body.
        let body: serde_json::Value = answer(outcome)?;
        let items = webhook::items(&body, ctx.now, 0).items;
        Ok(CatchUpProgress::Page(reconcile::Page { items, next: None }))
    }
}
