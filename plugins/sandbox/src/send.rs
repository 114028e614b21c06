//! One message to one `POST /v1/messages`, and its answer to a result.

use serde::Deserialize;
use serde_json::{Map, Value};
use wharf_plugin::prelude::*;

use crate::bounded::Id;
use crate::content;
use crate::descriptor::{KEY, messages_url};
use crate::failure;

pub(crate) fn start(ctx: &Context, message: &Message) -> Progress {
    let kind = message.content.kind();
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| document.insert(name.to_owned(), value);
    put("id", message.id.as_str().into());
    put("to", to(&message.to).into());
    put("type", kind.into());
    put(kind, content::to_json(&message.content));
    if let Some(reply_to) = &message.reply_to {
        put("reply_to", reply_to.as_str().into());
    }
    if let Some(script) = ctx.setting("script") {
        put("script", script.into());
    }
    Exchange::post_json("send", messages_url(), Value::Object(document).to_string())
        .header("authorization", vec![piece::secret(KEY)])
        // The sandbox knows our id and answers a repetition as it answered the first.
        .replay(Replay::Keyed)
        .into()
}

pub(crate) fn resume(outcome: Outcome) -> Result<Progress, Error> {
    match outcome {
        Outcome::Response(response) if response.is_success() => accepted(&response),
        Outcome::Response(response) => Err(failure::from_response(&response)),
        Outcome::Failed(transport) => Err(Error::transport(transport, true)),
        Outcome::Stored(_) => Err(malformed("was stored as media")),
    }
}

fn to(address: &Address) -> String {
    match address {
        Address::Phone(digits) => format!("+{digits}"),
        Address::UserId(id) | Address::Group(id) => id.clone(),
    }
}

#[derive(Deserialize)]
struct Answer {
    id: Id,
}

fn accepted(response: &HttpResponse) -> Result<Progress, Error> {
    match response.json::<Answer>() {
        Some(answer) => Ok(Progress::Done(Accepted::id(answer.id.0))),
        None => Err(malformed("holds no message id")),
    }
}

/// Safe to send again: the exchange is keyed by our id.
fn malformed(problem: &str) -> Error {
    Error::new(
        Code::MalformedResponse,
        Retry::Backoff,
        format!("the sandbox's answer {problem}"),
    )
}
