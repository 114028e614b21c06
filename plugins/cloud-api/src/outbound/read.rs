//! A read receipt, with or without a typing indicator: no message, so it has no envelope and no id.

use serde::Deserialize;
use serde_json::json;
use wharf_plugin::messages::ReadReceipt;
use wharf_plugin::prelude::*;

use super::envelope::has_options;
use super::repeatable;
use crate::api::CloudApi;

#[derive(Deserialize)]
struct Answer {
    success: bool,
}

pub(super) fn start(
    api: &impl CloudApi,
    message: &Message,
    receipt: &ReadReceipt,
) -> Result<Progress, Error> {
    if receipt.message.is_empty() {
        return Err(Error::invalid("`message_id` of the read receipt is empty")
            .remedy("Name the received message that was read."));
    }
    if message.reply_to.is_some() {
        return Err(
            Error::invalid("a read receipt cannot answer a message").remedy("Leave `context` out.")
        );
    }
    if has_options(message) {
        return Err(Error::invalid("a read receipt has no options").remedy("Leave them out."));
    }
    let mut document = json!({
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": receipt.message,
    });
    if receipt.typing {
        document["typing_indicator"] = json!({ "type": "text" });
    }
    // Read twice is read, and a typing indicator that is shown again goes away after 25 s too.
    let exchange =
        Exchange::post_json("read", api.messages_url(), document.to_string()).replay(Replay::Safe);
    Ok(api.authenticate(exchange).into())
}

pub(super) fn resume(api: &impl CloudApi, outcome: Outcome) -> Result<Progress, Error> {
    wharf_plugin::flow::one_shot_or(
        outcome,
        Replay::Safe,
        |response| {
            let answer: Answer = response.json()?;
            answer
                .success
                .then(|| Progress::Done(Accepted::without_id()))
        },
        |response| repeatable(api.refused(response)),
    )
}
