//! A message to its exchanges, and their outcomes to a result.

use serde::Deserialize;
use wharf_plugin::prelude::*;
use wharf_plugin::types::Field;

use crate::account;
use crate::descriptor::{MESSAGE_PARAM, WEBHOOK};
use crate::failure;

pub(crate) fn start(ctx: &Context, message: &Message) -> Result<Progress, Error> {
    let Content::Text(text) = &message.content else {
        return Err(Error::unsupported(message.content.kind()));
    };
    let Address::Phone(digits) = &message.to else {
        return Err(Error::unsupported(message.to.kind()));
    };
    let callback = piece::webhook_url_with(WEBHOOK, &[(MESSAGE_PARAM, &message.id)]);
    let fields = vec![
        Field::text("To", format!("whatsapp:+{digits}")),
        Field::text("From", format!("whatsapp:{}", message.sender)),
        Field::new("StatusCallback", vec![callback]),
        Field::text("Body", text.body.as_str()),
    ];
    let url = account::account_url(ctx, "Messages.json")?;
    let exchange = account::authorize(ctx, Exchange::post_form("send", url, fields))?;
    Ok(exchange.into())
}

pub(crate) fn resume(
    _: &Context,
    _: &Message,
    _: &[u8],
    outcome: Outcome,
) -> Result<Progress, Error> {
    match outcome {
        Outcome::Response(response) if response.is_success() => {
            let sid = response.json::<Answer>().and_then(|answer| answer.sid);
            let accepted = sid.map_or_else(Accepted::without_id, Accepted::id);
            Ok(accepted.pending().into())
        }
        Outcome::Response(response) => Err(failure::from_response(&response, Replay::Unsafe)),
        Outcome::Failed(transport) => Err(Error::transport(transport, false)),
        Outcome::Stored(_) => Err(Error::malformed(
            "the answer to a send was stored as media",
            Replay::Unsafe,
        )),
    }
}

#[derive(Deserialize)]
struct Answer {
    sid: Option<String>,
}
