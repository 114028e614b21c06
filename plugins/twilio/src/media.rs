//! Media of inbound messages: fetched through Twilio's redirect, deleted.

use wharf_plugin::MediaProvider;
use wharf_plugin::media::{Progress, Request};
use wharf_plugin::prelude::*;

use crate::Twilio;

impl MediaProvider for Twilio {
    fn media_start(_: &Context, _: &Request) -> Result<Progress, Error> {
        Err(Error::unsupported("media"))
    }

    fn media_resume(
        _: &Context,
        _: &Request,
        _: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        one_shot(outcome, Replay::Safe, |_| None::<Progress>)
    }
}
