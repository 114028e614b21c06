//! A text message to one `POST /v1/messages`, and its answer to a result.

use serde::Deserialize;
use serde_json::json;
use wharf_plugin::flow::one_shot_or;
use wharf_plugin::prelude::*;

use crate::descriptor::{API_KEY, messages_url};
use crate::failure;

/// The provider answers a repetition with the same `client_ref` as it answered the first.
const REPLAY: Replay = Replay::Keyed;

pub(crate) fn start(_: &Context, message: &Message) -> Result<Progress, Error> {
    let Content::Text(text) = &message.content else {
        return Err(Error::unsupported(message.content.kind()));
    };
    let Address::Phone(to) = &message.to else {
        return Err(Error::unsupported(message.to.kind()));
    };
    let document = json!({
        "client_ref": message.id,
        "from": message.sender,
        "to": to,
        "text": text.body,
        "reply_to": message.reply_to,
    });
    let exchange = Exchange::post_json("send", messages_url(), document.to_string())
        // The host inserts the secret; it never comes here.
        .bearer(API_KEY)
        .replay(REPLAY);
    Ok(exchange.into())
}

pub(crate) fn resume(outcome: Outcome) -> Result<Progress, Error> {
    #[derive(Deserialize)]
    struct Answer {
        id: String,
    }
    let accepted = one_shot_or(
        outcome,
        REPLAY,
        |response| {
            let answer = response
                .json::<Answer>()
                .filter(|answer| !answer.id.is_empty())?;
            // The provider has only queued it: the message counts as sent when a status says so.
            Some(Accepted::id(answer.id).pending())
        },
        |response| failure::from_response(response, REPLAY),
    )?;
    Ok(accepted.into())
}
