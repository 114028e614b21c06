//! Media that the sandbox holds: nothing is kept, every id fetches the same picture.

use serde::Deserialize;
use wharf_plugin::MediaProvider;
use wharf_plugin::media::{Answer, Progress, Request};
use wharf_plugin::prelude::{Context, Error, Exchange, Outcome, Replay, one_shot};
use wharf_plugin::types::HttpMethod;

use crate::Sandbox;
use crate::ask::{answer, done, request, segment};
use crate::bounded::Id;
use crate::failure;

#[derive(Deserialize)]
struct Uploaded {
    id: Id,
}

impl MediaProvider for Sandbox {
    fn media_start(_: &Context, wanted: &Request) -> Result<Progress, Error> {
        let exchange: Exchange = match wanted {
            Request::Fetch(id) => {
                let path = format!("media/{}", segment("the locator", id)?);
                request("media.fetch", HttpMethod::Get, &path).store_answer()
            }
            Request::Upload(media) => {
                request("media.upload", HttpMethod::Post, "media").media(media)
            }
            Request::Delete(id) => {
                let path = format!("media/{}", segment("the id", id)?);
                request("media.delete", HttpMethod::Delete, &path)
            }
        };
        Ok(exchange.into())
    }

    fn media_resume(
        _: &Context,
        wanted: &Request,
        _: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        let answer = match (wanted, outcome) {
            (Request::Fetch(_), Outcome::Stored(stored)) => Answer::Fetched(stored.media),
            (Request::Fetch(_), Outcome::Response(response)) if !response.is_success() => {
                return Err(failure::from_response(&response));
            }
            // A 2xx that was not stored, or no answer: never what a fetch wants.
            (Request::Fetch(_), outcome) => {
                return one_shot(outcome, Replay::Safe, |_| None::<Progress>);
            }
            (Request::Upload(_), outcome) => Answer::Uploaded(answer::<Uploaded>(outcome)?.id.0),
            (Request::Delete(_), outcome) => {
                done(outcome)?;
                Answer::Deleted
            }
        };
        Ok(Progress::Done(answer))
    }
}
