//! Version 1 of the provider interface: its bindings, and the way from model to guest and back. Each
//! interface has a module with its functions' types and calls.

mod bindings;
mod convert;
mod exports;
mod function;
pub(crate) mod health;
pub(crate) mod inbound;
mod log;
pub(crate) mod manifest;
pub(crate) mod media;
pub(crate) mod onboarding;
pub(crate) mod outbound;
pub(crate) mod profile;
pub(crate) mod reconcile;
pub(crate) mod templates;

pub(crate) use exports::Exports;
pub(crate) use function::{Function, Signature};
pub(crate) use log::link;
pub(crate) use manifest::describe;

use self::bindings::wharf::provider::errors::Error;
use crate::call::Call;
use crate::error::CallError;

/// Calls a function that may end in an error of the interface.
async fn ask<S, T>(
    call: &Call<'_>,
    function: &Function<S>,
    params: S::Params<'_>,
) -> Result<T, CallError>
where
    S: Signature<Answer = Result<T, Error>>,
{
    let answered = call.run(function, params).await?;
    answered.map_err(|error| call.guest(convert::error_from_guest(error)))
}
