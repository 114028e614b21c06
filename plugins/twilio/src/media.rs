//! Media of inbound messages (<https://www.twilio.com/docs/messaging/api/media-resource>): fetched with
//! credentials from Twilio, which redirects to a signed link where credentials must not go; deleted.

use serde::{Deserialize, Serialize};
use wharf_plugin::MediaProvider;
use wharf_plugin::flow::{Flow, one_shot_or};
use wharf_plugin::media::{Answer, Progress, Request};
use wharf_plugin::prelude::*;

use crate::Twilio;
use crate::account::{self, API, is_sid};
use crate::descriptor::CDN;
use crate::failure;

/// Twilio redirects once; one more is room for a change of its host.
const REDIRECTS_MAX: u8 = 2;
/// What the host takes as a URL.
const LINK_BYTES_MAX: usize = 8 * 1024;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Step {
    /// Redirects that were followed.
    Fetch {
        redirects: u8,
    },
    Delete,
}

const MEDIA: Flow<Step> = Flow::new("media", 1);

impl MediaProvider for Twilio {
    fn media_start(ctx: &Context, request: &Request) -> Result<Progress, Error> {
        let (exchange, step) = match request {
            Request::Fetch(locator) => {
                let path = path(locator)?;
                let exchange = Exchange::get("media.fetch", format!("https://{API}{path}"));
                (exchange.store_answer(), Step::Fetch { redirects: 0 })
            }
            Request::Delete(id) => {
                let url = format!("https://{API}{}.json", path(id)?);
                (Exchange::delete("media.delete", url), Step::Delete)
            }
            Request::Upload(_) => {
                return Err(Error::unsupported("media upload").remedy(
                    "Send the medium by a link or from the gateway's store: Twilio keeps no uploads.",
                ));
            }
        };
        let exchange = account::authorize(ctx, exchange)?;
        Ok(MEDIA.ask(exchange, &step).into())
    }

    fn media_resume(
        _: &Context,
        _: &Request,
        state: &[u8],
        outcome: Outcome,
    ) -> Result<Progress, Error> {
        match (MEDIA.step(state)?, outcome) {
            (Step::Fetch { .. }, Outcome::Stored(stored)) => {
                Ok(Progress::Done(Answer::Fetched(stored.media)))
            }
            (Step::Fetch { redirects }, Outcome::Response(response))
                if (300..400).contains(&response.status) =>
            {
                redirected(&response, redirects)
            }
            // A signed link that is refused says nothing about the channel's credentials.
            (Step::Fetch { redirects: 1.. }, Outcome::Response(response))
                if (400..500).contains(&response.status) =>
            {
                Err(expired())
            }
            // A 2xx that was not stored, or no answer: never what a fetch wants.
            (Step::Fetch { .. }, outcome) => {
                one_shot_or(outcome, Replay::Safe, |_| None::<Progress>, refused)
            }
            // Deleted before is deleted.
            (Step::Delete, Outcome::Response(response)) if response.status == 404 => {
                Ok(Progress::Done(Answer::Deleted))
            }
            (Step::Delete, outcome) => one_shot_or(
                outcome,
                Replay::Safe,
                |_| Some(Progress::Done(Answer::Deleted)),
                refused,
            ),
        }
    }
}

/// The path of a medium, from its URL or from the part of it behind the host: nothing that leaves the place
/// where media are.
fn path(locator: &str) -> Result<&str, Error> {
    let path = locator
        .strip_prefix("https://")
        .and_then(|rest| rest.strip_prefix(API))
        .unwrap_or(locator);
    let path = path.strip_suffix(".json").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [
            "",
            "2010-04-01",
            "Accounts",
            account,
            "Messages",
            message,
            "Media",
            media,
        ] if is_sid(account, "AC")
            && (is_sid(message, "MM") || is_sid(message, "SM"))
            && is_sid(media, "ME") =>
        {
            Ok(path)
        }
        _ => Err(
            Error::invalid("the locator is no medium of Twilio's Messages resource")
                .remedy("Name a medium as an inbound message named it."),
        ),
    }
}

/// The next request of a fetch. Only to the hosts that the descriptor names, and never with credentials.
fn redirected(response: &HttpResponse, redirects: u8) -> Result<Progress, Error> {
    let wrong = |detail: &str| {
        Error::malformed(detail, Replay::Safe)
            .remedy("Fetch the medium again; if it stays, tell the plugin's author where Twilio redirects to.")
    };
    if redirects >= REDIRECTS_MAX {
        return Err(wrong("Twilio redirected a medium too often"));
    }
    let location = response.header("location").unwrap_or_default();
    if location.len() > LINK_BYTES_MAX || !location.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong(
            "Twilio redirected a medium to something that is no link",
        ));
    }
    let rest = location
        .strip_prefix("https://")
        .ok_or_else(|| wrong("Twilio redirected a medium to no https link"))?;
    let (host, tail) = rest
        .split_at_checked(rest.find('/').unwrap_or(rest.len()))
        .unwrap_or((rest, ""));
    if !CDN.contains(&host) {
        return Err(wrong(
            "Twilio redirected a medium to a host that this plugin does not know",
        ));
    }
    let tail = tail.split('#').next().unwrap_or_default();
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let mut exchange =
        Exchange::get("media.download", format!("https://{host}{path}")).store_answer();
    if !query.is_empty() {
        exchange = exchange.raw_query(query);
    }
    let step = Step::Fetch {
        redirects: redirects + 1,
    };
    Ok(MEDIA.ask(exchange, &step).into())
}

fn expired() -> Error {
    Error::new(
        Code::ProviderUnavailable,
        Retry::Backoff,
        "Twilio's link to the medium has expired or was refused",
    )
    .remedy("Fetch the medium again: each fetch gets a new link.")
}

/// A medium that is not there is the medium's fault.
fn refused(response: &HttpResponse) -> Error {
    let mut error = failure::from_response(response, Replay::Safe);
    if response.status == 404 || response.status == 410 {
        error.code = Code::MediaRejected;
        error.retry = Retry::Never;
        error.remedy = Some("Nothing can be done: Twilio no longer has the medium.".to_owned());
    }
    error
}
