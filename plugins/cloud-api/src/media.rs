//! The interface `media` over any Cloud API: fetch by a link that expires, upload, delete.

use serde::{Deserialize, Serialize};
use wharf_plugin::flow::{Flow, one_shot_or};
use wharf_plugin::media::{Answer, Progress, Request};
use wharf_plugin::prelude::{Code, Error, Exchange, HttpResponse, Outcome, Replay, Retry};

use crate::api::{CloudApi, Link};
use crate::outbound::{check_upload, repeatable, upload_exchange, uploaded_id};

/// Raise the version when a step changes.
const FETCH: Flow<Step> = Flow::new("fetch", 1);

/// Meta's ids of media have up to 20 digits; some providers have letters in theirs.
const ID_CHARS_MAX: usize = 128;

/// Steps of a fetch. `again`: a link that had expired was looked up anew.
#[derive(Serialize, Deserialize)]
enum Step {
    Locate { again: bool },
    Download { again: bool },
}

/// The first step.
///
/// # Errors
/// An id that is none, a file that WhatsApp does not take.
pub fn start(api: &impl CloudApi, request: &Request) -> Result<Progress, Error> {
    Ok(match request {
        Request::Fetch(id) => locate(api, id, false)?.into(),
        Request::Upload(media) => {
            check_upload(media)?;
            // A wish to upload is no wish to hear of an older upload; later messages may use this one.
            upload_exchange(api, media).refresh_memo().into()
        }
        Request::Delete(id) => {
            let exchange = Exchange::delete("media.delete", api.media_url(segment(id)?));
            api.authenticate(exchange).into()
        }
    })
}

/// Goes on with an outcome.
///
/// # Errors
/// What the provider answered.
pub fn resume(
    api: &impl CloudApi,
    request: &Request,
    state: &[u8],
    outcome: Outcome,
) -> Result<Progress, Error> {
    match request {
        Request::Fetch(id) => match FETCH.step(state)? {
            Step::Locate { again } => download(api, &located(api, outcome)?, again),
            Step::Download { again } => downloaded(api, id, outcome, again),
        },
        Request::Upload(_) => Ok(Progress::Done(Answer::Uploaded(uploaded_id(api, outcome)?))),
        Request::Delete(_) => {
            one_shot_or(outcome, Replay::Safe, is_success, |response| {
                unknown_or(api.refused(response))
            })?;
            Ok(Progress::Done(Answer::Deleted))
        }
    }
}

fn locate(api: &impl CloudApi, id: &str, again: bool) -> Result<Exchange, Error> {
    let exchange = Exchange::get("media.locate", api.media_url(segment(id)?));
    Ok(FETCH.ask(api.authenticate(exchange), &Step::Locate { again }))
}

/// The link in the answer to a look-up. It works for five minutes.
fn located(api: &impl CloudApi, outcome: Outcome) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Located {
        url: String,
    }
    one_shot_or(
        outcome,
        Replay::Safe,
        |response| response.json::<Located>().map(|located| located.url),
        |response| unknown_or(api.refused(response)),
    )
}

fn download(api: &impl CloudApi, url: &str, again: bool) -> Result<Progress, Error> {
    /// The host's limit for a whole URL.
    const URL_BYTES_MAX: usize = 8 * 1024;
    if url.len() > URL_BYTES_MAX {
        return Err(Error::malformed(
            format!(
                "the medium's link has {} bytes, at most {URL_BYTES_MAX} are taken",
                url.len()
            ),
            Replay::Safe,
        ));
    }
    let target = Link::read(url).and_then(|link| Some((api.download_url(&link)?, link.query)));
    let Some((url, query)) = target else {
        return Err(Error::malformed(
            "the medium's link does not lead to a host that may get the credentials",
            Replay::Safe,
        )
        .remedy("Report it: the provider has a media host that this plugin does not know."));
    };
    let mut exchange = Exchange::get("media.download", url).store_answer();
    if !query.is_empty() {
        exchange = exchange.raw_query(query);
    }
    let exchange = api.authenticate_download(exchange);
    Ok(FETCH.ask(exchange, &Step::Download { again }).into())
}

/// The bytes, or once more the link: the one that was used may have expired on the way.
fn downloaded(
    api: &impl CloudApi,
    id: &str,
    outcome: Outcome,
    again: bool,
) -> Result<Progress, Error> {
    match outcome {
        Outcome::Stored(stored) => Ok(Progress::Done(Answer::Fetched(stored.media))),
        Outcome::Response(response) if is_expired(&response) && !again => {
            Ok(locate(api, id, true)?.into())
        }
        Outcome::Response(response) if is_expired(&response) => Err(gone(format!(
            "the medium's link led to HTTP {} twice",
            response.status
        ))),
        outcome => one_shot_or(
            outcome,
            Replay::Safe,
            |_| None::<Progress>,
            // A file server's page, not the API's error object.
            |response| Error::status(response, Replay::Safe),
        ),
    }
}

/// How file servers say that a link is over; 401 and 403 are about the signature in it as often as about
/// the token.
fn is_expired(response: &HttpResponse) -> bool {
    matches!(response.status, 401 | 403 | 404 | 410)
}

/// `{"success":true}`; some answers are empty.
fn is_success(response: &HttpResponse) -> Option<()> {
    #[derive(Deserialize)]
    struct Deleted {
        success: bool,
    }
    if response.body.iter().all(u8::is_ascii_whitespace) {
        return Some(());
    }
    response.json::<Deleted>()?.success.then_some(())
}

/// A missing object is, in this interface, a medium that is over.
fn unknown_or(error: Error) -> Error {
    match error.code {
        Code::Misconfigured => {
            let mut unknown = gone(error.detail);
            unknown.provider_code = error.provider_code;
            unknown.trace_id = error.trace_id;
            unknown
        }
        _ => repeatable(error),
    }
}

fn gone(detail: impl Into<String>) -> Error {
    Error::new(Code::MediaRejected, Retry::Never, detail).remedy(
        "Ask for the file again: received media can be fetched for 7 days, uploaded ones for 30, and only by the account they belong to.",
    )
}

/// An id as one segment of a path.
fn segment(id: &str) -> Result<&str, Error> {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if id.is_empty() || id.len() > ID_CHARS_MAX || !id.bytes().all(is_safe) {
        return Err(Error::invalid(format!(
            "a media ID has 1 to {ID_CHARS_MAX} letters, digits, hyphens and underscores; this one is none"
        ))
        .remedy("Use the media ID as the provider gave it."));
    }
    Ok(id)
}
