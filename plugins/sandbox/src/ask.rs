//! The sandbox's small questions and answers, which the optional interfaces share.

use serde::de::DeserializeOwned;
use wharf_plugin::flow::one_shot_or;
use wharf_plugin::prelude::*;
use wharf_plugin::types::HttpMethod;

use crate::descriptor::{HOST, KEY};
use crate::failure;

/// Everything here may be asked twice: it reads, or writes the same again.
pub(crate) const REPLAY: Replay = Replay::Safe;

/// A request to a path below `/v1/`.
pub(crate) fn request(label: &str, method: HttpMethod, path: &str) -> Exchange {
    Exchange::new(label, method, format!("https://{HOST}/v1/{path}"))
        .header("authorization", vec![piece::secret(KEY)])
        .replay(REPLAY)
}

/// An answer of the wanted shape.
pub(crate) fn answer<T: DeserializeOwned>(outcome: Outcome) -> Result<T, Error> {
    one_shot_or(
        outcome,
        REPLAY,
        |response| response.json::<T>(),
        failure::from_response,
    )
}

/// A 2xx whose body says nothing.
pub(crate) fn done(outcome: Outcome) -> Result<(), Error> {
    one_shot_or(outcome, REPLAY, |_| Some(()), failure::from_response)
}

/// An id as one segment of a path: what could leave it is refused.
pub(crate) fn segment<'a>(what: &str, id: &'a str) -> Result<&'a str, Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if id.is_empty() || id.len() > 128 || !id.bytes().all(plain) {
        return Err(Error::invalid(format!(
            "{what} is not an id of the sandbox"
        )));
    }
    Ok(id)
}
