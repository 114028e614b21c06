//! One text message to one `POST /{phone}/messages`, and that request's outcome to a result.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use wharf_cloud_api::failure;
use wharf_plugin::prelude::*;
use wharf_plugin::types::{Encoding, Hash, Hmac, HmacInput};

use crate::descriptor::{HOST, VERSION_DEFAULT};

/// The platform's limit for a text's body.
const TEXT_CHARS_MAX: usize = 4_096;

pub(crate) fn start(ctx: &Context, message: &Message) -> Result<Progress, Error> {
    let url = messages_url(ctx, message)?;
    let document = envelope(message)?;
    let mut exchange = Exchange::post_json("send", url, document).bearer("access_token");
    match ctx.setting("appsecret_proof") {
        None | Some("false") => {}
        Some("true") => exchange = exchange.query("appsecret_proof", vec![appsecret_proof()]),
        Some(_) => return Err(Error::setting("appsecret_proof", "must be true or false")),
    }
    Ok(exchange.into())
}

pub(crate) fn resume(outcome: Outcome) -> Result<Progress, Error> {
    match outcome {
        Outcome::Response(response) if response.is_success() => accepted(&response),
        Outcome::Response(response) => Err(failure::from_response(&response)),
        Outcome::Failed(transport) => Err(Error::transport(transport, false)),
        Outcome::Stored(_) => Err(Error::new(
            Code::MalformedResponse,
            Retry::Uncertain,
            "the answer to a send was stored as media",
        )),
    }
}

fn messages_url(ctx: &Context, message: &Message) -> Result<String, Error> {
    let version = ctx.setting("graph_version").unwrap_or(VERSION_DEFAULT);
    if !is_version(version) {
        return Err(Error::setting("graph_version", "must look like v26.0"));
    }
    let sender = message.sender.as_str();
    if sender.is_empty() || !sender.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::setting(
            "phone_number_id",
            "must be the number's ID, digits only",
        ));
    }
    Ok(format!("https://{HOST}/{version}/{sender}/messages"))
}

/// `v`, digits, a point, digits: nothing that could leave its path segment.
fn is_version(version: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    version
        .strip_prefix('v')
        .and_then(|numbers| numbers.split_once('.'))
        .is_some_and(|(major, minor)| digits(major) && digits(minor))
}

/// Proof that the caller knows the app secret; the host computes it, neither secret comes here.
fn appsecret_proof() -> Piece {
    Piece::Hmac(Hmac {
        key: "app_secret".to_owned(),
        hash: Hash::Sha256,
        encoding: Encoding::Hex,
        over: vec![HmacInput::Secret("access_token".to_owned())],
    })
}

#[derive(Serialize)]
struct Envelope<'a> {
    messaging_product: &'static str,
    recipient_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Cow<'a, str>>,
    /// A user id; a sibling of `to`, which only takes numbers and groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<&'a str>,
    r#type: &'static str,
    text: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Quoted<'a>>,
    /// Comes back in every status: what settles a send whose answer was lost.
    biz_opaque_callback_data: &'a str,
    #[serde(flatten)]
    options: Options,
}

#[derive(Serialize)]
struct Text<'a> {
    body: &'a str,
    preview_url: bool,
}

#[derive(Serialize)]
struct Quoted<'a> {
    message_id: &'a str,
}

/// The envelope members a tenant may pass through. Closed: any other would let a tenant override what
/// the gateway itself puts there.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_identity_key_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messaging_account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_seconds: Option<u32>,
}

fn envelope(message: &Message) -> Result<String, Error> {
    let Content::Text(text) = &message.content else {
        return Err(Error::unsupported(message.content.kind()));
    };
    check_text(&text.body)?;
    let (recipient_type, to, recipient) = match &message.to {
        // Without the plus sign Meta may prepend the sender's own country code.
        Address::Phone(digits) => ("individual", Some(Cow::Owned(format!("+{digits}"))), None),
        Address::UserId(id) => ("individual", None, Some(id.as_str())),
        Address::Group(id) => ("group", Some(Cow::Borrowed(id.as_str())), None),
    };
    let envelope = Envelope {
        messaging_product: "whatsapp",
        recipient_type,
        to,
        recipient,
        r#type: "text",
        text: Text {
            body: &text.body,
            preview_url: text.preview_url,
        },
        context: message
            .reply_to
            .as_deref()
            .map(|message_id| Quoted { message_id }),
        biz_opaque_callback_data: &message.id,
        options: options(&message.options)?,
    };
    Ok(serde_json::to_string(&envelope).expect("strings and numbers always serialise"))
}

fn check_text(body: &str) -> Result<(), Error> {
    if body.is_empty() {
        return Err(Error::invalid("the text is empty").remedy("Give the text a body."));
    }
    // Bytes first: a character has at least one, so most texts need no counting.
    if body.len() > TEXT_CHARS_MAX && body.chars().count() > TEXT_CHARS_MAX {
        return Err(Error::invalid(format!(
            "the text is longer than {TEXT_CHARS_MAX} characters"
        ))
        .remedy("Shorten the text or send it in parts."));
    }
    Ok(())
}

fn options(json: &str) -> Result<Options, Error> {
    if matches!(json, "" | "{}" | "null") {
        return Ok(Options::default());
    }
    serde_json::from_str(json).map_err(|problem| {
        Error::invalid(format!("the message's options are not understood: {problem}")).remedy(
            "Pass only recipient_identity_key_hash, messaging_account_id, category and ttl_seconds.",
        )
    })
}

#[derive(Deserialize)]
struct Answer {
    messages: Vec<AnswerMessage>,
    #[serde(default)]
    contacts: Vec<AnswerContact>,
}

#[derive(Deserialize)]
struct AnswerMessage {
    id: String,
    /// Templates only: `accepted`, `held_for_quality_assessment` or `paused`.
    message_status: Option<String>,
}

#[derive(Deserialize)]
struct AnswerContact {
    wa_id: Option<String>,
    user_id: Option<String>,
}

fn accepted(response: &HttpResponse) -> Result<Progress, Error> {
    let Some(answer) = response.json::<Answer>() else {
        return Err(failure::from_response(response));
    };
    let Some(message) = answer
        .messages
        .into_iter()
        .find(|message| !message.id.is_empty())
    else {
        return Err(failure::from_response(response));
    };
    let mut accepted = Accepted::id(message.id);
    // WhatsApp has it, which is what `sent` means; that status may come late or never. Only a message
    // that Meta holds back is not sent yet.
    accepted.pending =
        matches!(message.message_status.as_deref(), Some(status) if status != "accepted");
    accepted.recipient = answer
        .contacts
        .into_iter()
        .next()
        .filter(|contact| contact.wa_id.is_some() || contact.user_id.is_some())
        .map(|contact| Party {
            phone: contact.wa_id,
            user_id: contact.user_id,
            username: None,
            name: None,
        });
    Ok(Progress::Done(accepted))
}
