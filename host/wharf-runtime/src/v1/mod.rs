//! Version 1 of the provider interface: its bindings, and the way from model to guest and back. Each
//! interface has a module with its functions' types and calls.

mod bindings;
mod convert;
mod exports;
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
pub(crate) use log::link;
pub(crate) use manifest::describe;

use wasmtime::component::{ComponentNamedList, Lift, Lower};

use self::bindings::wharf::provider::errors::Error;
use self::exports::Function;
use crate::call::Call;
use crate::error::CallError;

/// Calls a function that may end in an error of the interface.
async fn ask<P, R>(call: &Call<'_>, function: &Function, params: P) -> Result<R, CallError>
where
    P: ComponentNamedList + Lower + Send + Sync,
    R: Lift + Send + Sync + 'static,
{
    let answered: Result<R, Error> = call.run(function.index, params).await?;
    answered.map_err(|error| call.guest(convert::error_from_guest(error)))
}
