//! `inbound`: a webhook read.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, Parsed, WebhookRequest};

use super::bindings::exports::wharf::provider::inbound as guest;
use super::bindings::wharf::provider::types::Context;
use super::convert::inbound::{parsed_from_guest, webhook_to_guest};
use super::convert::message::context_to_guest;
use super::exports::{Function, TypeCheck};
use crate::call::Call;
use crate::error::{CallError, LoadReason};

pub(super) const NAME: &str = "wharf:provider/inbound@1.0.0";

type Params<'a> = (Context<'a>, guest::Webhook<'a>, u32);

pub(super) fn check(parse: &Function, types: &mut TypeCheck<'_>) -> Result<(), LoadReason> {
    types.fallible::<Params<'_>, guest::Parsed>(parse)
}

pub(crate) async fn parse(
    call: &Call<'_>,
    context: &CallContext,
    webhook: &WebhookRequest,
    skip: u32,
) -> Result<Parsed, CallError> {
    let arena = Bump::new();
    let params: Params<'_> = (
        context_to_guest(&arena, context),
        webhook_to_guest(&arena, webhook),
        skip,
    );
    let parsed = super::ask(call, &call.code.exports.parse, params).await?;
    parsed_from_guest(parsed).map_err(|what| call.invalid(what))
}
