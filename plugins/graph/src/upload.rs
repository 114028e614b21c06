//! Resumable uploads: example media of templates and pictures become handles.
//! https://developers.facebook.com/docs/graph-api/guides/upload

use serde::Deserialize;
use wharf_plugin::prelude::*;
use wharf_plugin::types::{HttpMethod, MediaRef};

use crate::call::{Calls, read};

/// A session's id is some hundred characters; it becomes a path.
const SESSION_CHARS_MAX: usize = 2_048;

#[derive(Deserialize)]
struct Session {
    id: String,
}

/// Opens a session for one object. A second one is never used and harms nobody.
pub(crate) fn open(calls: &Calls, app_id: &str, media: &MediaRef) -> Exchange {
    let name = media.filename.as_deref().unwrap_or("example");
    let exchange = calls
        .post("upload.open", &format!("{app_id}/uploads"))
        .query_text("file_name", name)
        .query_text("file_length", media.size.to_string())
        .query_text("file_type", media.content_type.as_str());
    exchange.replay(Replay::Safe)
}

/// The session's id.
pub(crate) fn opened(outcome: Outcome) -> Result<String, Error> {
    read(outcome, Replay::Safe, |response| {
        let id = response.json::<Session>()?.id;
        (id.len() <= SESSION_CHARS_MAX && session_of(&id).is_some()).then_some(id)
    })
    .map_err(of_upload)
}

/// Sends the bytes. They go from the beginning, so sending them again is the same.
pub(crate) fn send(calls: &Calls, session: &str, media: &MediaRef) -> Result<Exchange, Error> {
    let Some((path, query)) = session_of(session) else {
        return Err(Error::malformed(
            "the upload's session has no usable ID",
            Replay::Safe,
        ));
    };
    let token = vec![piece::text("OAuth "), piece::secret("access_token")];
    let mut exchange = Exchange::new("upload.send", HttpMethod::Post, calls.url(path))
        .header("authorization", token)
        .header("file_offset", text("0"))
        .media(media)
        .replay(Replay::Safe);
    for (name, value) in query {
        exchange = exchange.query_text(name, value);
    }
    Ok(calls.prove(exchange))
}

/// The handle that stands for the bytes from here on.
pub(crate) fn sent(outcome: Outcome) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Sent {
        h: String,
    }
    read(outcome, Replay::Safe, |response| {
        let handle = response.json::<Sent>()?.h;
        (!handle.is_empty()).then_some(handle)
    })
    .map_err(of_upload)
}

/// The table speaks of messages; here it is the file that is wrong.
fn of_upload(mut error: Error) -> Error {
    if error.code == Code::InvalidMessage {
        error.remedy =
            Some("Use a file of a type and size that Meta takes; the detail says why.".to_owned());
    }
    error
}

/// A session's id as a path and the parameters that some have behind it (`upload:MTph?sig=ARZ`). The host
/// encodes them again, so what is encoded already is none of ours.
fn session_of(id: &str) -> Option<(&str, Vec<(&str, &str)>)> {
    let (path, query) = id.split_once('?').unwrap_or((id, ""));
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b":=+_-.".contains(&byte);
    let own = path.strip_prefix("upload:")?;
    if own.is_empty() || !path.bytes().all(fits) {
        return None;
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:~".contains(&byte);
    let mut parameters = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        if name.is_empty() || !name.bytes().chain(value.bytes()).all(is_plain) {
            return None;
        }
        parameters.push((name, value));
    }
    Some((path, parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_a_path_with_its_parameters_and_nothing_else() {
        assert_eq!(
            session_of("upload:MTph="),
            Some(("upload:MTph=", Vec::new()))
        );
        assert_eq!(
            session_of("upload:MTph?sig=ARZ-_1"),
            Some(("upload:MTph", vec![("sig", "ARZ-_1")]))
        );
        for wrong in [
            "",
            "upload:",
            "MTph",
            "upload:a/b",
            "upload:a%2fb",
            "upload:a?sig=%41",
            "upload:a?sig",
        ] {
            assert_eq!(session_of(wrong), None, "{wrong}");
        }
    }
}
