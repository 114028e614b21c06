//! A text without options, which most messages are. It is written straight into JSON: making a tree of values
//! first took the larger part of a call.

use serde::Serialize;
use wharf_plugin::messages::Text;
use wharf_plugin::prelude::*;

use super::envelope::{self, Receiver};
use crate::api::CloudApi;

#[derive(Serialize)]
struct Document<'a> {
    biz_opaque_callback_data: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Quoted<'a>>,
    messaging_product: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<&'a str>,
    recipient_type: &'static str,
    text: Body<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    r#type: &'static str,
}

#[derive(Serialize)]
struct Quoted<'a> {
    message_id: &'a str,
}

#[derive(Serialize)]
struct Body<'a> {
    body: &'a str,
    preview_url: bool,
}

pub(super) fn start(
    api: &impl CloudApi,
    message: &Message,
    text: &Text,
) -> Result<Progress, Error> {
    envelope::check_text(text)?;
    let Receiver {
        kind,
        to,
        recipient,
    } = Receiver::of(&message.to);
    let document = Document {
        biz_opaque_callback_data: &message.id,
        context: message
            .reply_to
            .as_deref()
            .map(|message_id| Quoted { message_id }),
        messaging_product: envelope::PRODUCT,
        recipient,
        recipient_type: kind,
        text: Body {
            body: &text.body,
            preview_url: text.preview_url,
        },
        to: to.as_deref(),
        r#type: "text",
    };
    let document = serde_json::to_string(&document).expect("texts and flags always serialise");
    let exchange = Exchange::post_json("send", api.messages_url(), document);
    Ok(api.authenticate(exchange).into())
}
