//! `inbound`: a webhook read.

use bumpalo::Bump;
use wharf_core::provider::{CallContext, Parsed, WebhookRequest};

use super::bindings::exports::wharf::provider::inbound as guest;
use super::bindings::wharf::provider::errors::Error;
use super::bindings::wharf::provider::types::Context;
use super::convert::inbound::{parsed_from_guest, webhook_to_guest};
use super::convert::message::context_to_guest;
use super::function::{Signature, signature};
use crate::call::Call;
use crate::error::CallError;

pub(super) const NAME: &str = "wharf:provider/inbound@1.0.0";

signature!(Parse, "parse", <'a>(Context<'a>, guest::Webhook<'a>, u32) -> Result<guest::Parsed, Error>);

pub(crate) async fn parse(
    call: &Call<'_>,
    context: &CallContext,
    webhook: &WebhookRequest,
    skip: u32,
) -> Result<Parsed, CallError> {
    let arena = Bump::new();
    let params: <Parse as Signature>::Params<'_> = (
        context_to_guest(&arena, context),
        webhook_to_guest(&arena, webhook),
        skip,
    );
    let parsed = super::ask(call, &call.code.exports.parse, params).await?;
    parsed_from_guest(parsed).map_err(|what| call.invalid(what))
}
