//! What surrounds a message of any kind, and the kinds that are a few members: text, location, reaction.

use std::borrow::Cow;
use std::fmt::Display;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use wharf_plugin::messages::{Action, Location, Reaction, Text};
use wharf_plugin::prelude::*;

use super::limit;

const TEXT_CHARS_MAX: usize = 4_096;

/// The members beside the kind's own. None may come from a tenant but by `options`.
pub(super) const RESERVED: [&str; 6] = [
    "biz_opaque_callback_data",
    "context",
    "messaging_product",
    "recipient",
    "recipient_type",
    "to",
];

/// What the Cloud API calls WhatsApp.
pub(super) const PRODUCT: &str = "whatsapp";

/// Whom a message goes to, in the members that say so.
pub(super) struct Receiver<'a> {
    pub(super) kind: &'static str,
    pub(super) to: Option<Cow<'a, str>>,
    pub(super) recipient: Option<&'a str>,
}

impl<'a> Receiver<'a> {
    pub(super) fn of(address: &'a Address) -> Self {
        let (kind, to, recipient) = match address {
            // Without the plus sign Meta may prepend the sender's own country code.
            Address::Phone(digits) => ("individual", Some(format!("+{digits}").into()), None),
            // A sibling of `to`, which only takes numbers and groups.
            Address::UserId(id) => ("individual", None, Some(id.as_str())),
            Address::Group(id) => ("group", Some(id.as_str().into()), None),
        };
        Self {
            kind,
            to,
            recipient,
        }
    }
}

/// Everything but `type` and the member it names.
pub(super) fn of(message: &Message) -> Result<Map<String, Value>, Error> {
    let mut envelope = Map::new();
    let mut set = |name: &str, value: Value| envelope.insert(name.to_owned(), value);
    set("messaging_product", PRODUCT.into());
    let receiver = Receiver::of(&message.to);
    set("recipient_type", receiver.kind.into());
    if let Some(to) = receiver.to {
        set("to", to.into());
    }
    if let Some(recipient) = receiver.recipient {
        set("recipient", recipient.into());
    }
    if let Some(answered) = &message.reply_to {
        set("context", json!({ "message_id": answered }));
    }
    // Comes back in every status: what settles a send whose answer was lost.
    set("biz_opaque_callback_data", message.id.as_str().into());
    if has_options(message)
        && let Ok(Value::Object(options)) = serde_json::to_value(options(message)?)
    {
        envelope.extend(options);
    }
    Ok(envelope)
}

/// The envelope members a tenant may pass through. Closed: any other would let a tenant override what
/// the gateway itself puts there.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_identity_key_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messaging_account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<Category>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_seconds: Option<u32>,
}

/// A message outside the customer-service window that is no template (Direct Send).
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Category {
    Utility,
    Authentication,
}

/// Whether a tenant gave any.
pub(super) fn has_options(message: &Message) -> bool {
    !matches!(message.options.as_str(), "" | "{}" | "null")
}

fn options(message: &Message) -> Result<Options, Error> {
    let options: Options = serde_json::from_str(&message.options).map_err(|problem| {
        Error::invalid(format!("the message's options are not understood: {problem}")).remedy(
            "Pass only recipient_identity_key_hash, messaging_account_id, category and ttl_seconds.",
        )
    })?;
    check_direct_send(message, &options)?;
    Ok(options)
}

/// `ttl_seconds` belongs to `category`: with any other message Meta answers 100.
fn check_direct_send(message: &Message, options: &Options) -> Result<(), Error> {
    let Some(category) = options.category else {
        return match options.ttl_seconds {
            None => Ok(()),
            Some(_) => Err(Error::invalid("`ttl_seconds` needs a `category`")
                .remedy("Add the category, or leave both out.")),
        };
    };
    match &message.content {
        Content::Text(text) if text.preview_url => {
            return Err(limit::no_place(
                "a message with a `category`",
                "text.preview_url",
            ));
        }
        Content::Text(_) | Content::Other(_) => {}
        Content::Interactive(asked) => match &asked.action {
            Action::Buttons(_) | Action::CtaUrl(_) | Action::Other(_) => {}
            _ => {
                return Err(Error::invalid(
                    "of interactive messages only those with buttons or a link have a `category`",
                )
                .remedy("Leave `category` out, or send a template."));
            }
        },
        content => {
            return Err(Error::invalid(format!(
                "a message of type `{}` has no `category`",
                content.kind()
            ))
            .remedy("Leave `category` out; a template has its own."));
        }
    }
    let (name, range) = match category {
        Category::Utility => ("utility", 30..=43_200),
        Category::Authentication => ("authentication", 30..=900),
    };
    match options.ttl_seconds {
        Some(seconds) if !range.contains(&seconds) => Err(Error::invalid(format!(
            "`ttl_seconds` of the category {name} is {} to {}, this one is {seconds}",
            range.start(),
            range.end()
        ))
        .remedy("Give a lifetime within these limits.")),
        _ => Ok(()),
    }
}

pub(super) fn check_text(text: &Text) -> Result<(), Error> {
    limit::text("text.body", &text.body, TEXT_CHARS_MAX)
}

pub(super) fn text(text: &Text) -> Result<Value, Error> {
    check_text(text)?;
    Ok(json!({ "body": text.body, "preview_url": text.preview_url }))
}

/// A place on earth, as a message, a header of a template or a parameter.
pub(super) fn location(member: impl Display, location: &Location) -> Result<Value, Error> {
    for (name, degrees, degrees_max) in [
        ("latitude", location.latitude, 90.0),
        ("longitude", location.longitude, 180.0),
    ] {
        if !(-degrees_max..=degrees_max).contains(&degrees) {
            return Err(Error::invalid(format!(
                "`{member}.{name}` is from -{degrees_max} to {degrees_max} degrees, this one is {degrees}"
            ))
            .remedy("Give degrees of WGS 84."));
        }
    }
    let mut object = json!({
        "latitude": location.latitude,
        "longitude": location.longitude,
    });
    if let Some(name) = &location.name {
        object["name"] = name.as_str().into();
    }
    if let Some(address) = &location.address {
        object["address"] = address.as_str().into();
    }
    Ok(object)
}

pub(super) fn reaction(reaction: &Reaction, message: &Message) -> Result<Value, Error> {
    if reaction.target.is_empty() {
        return Err(limit::missing("reaction.message_id"));
    }
    if message.reply_to.is_some() {
        return Err(Error::invalid("a reaction cannot answer a message")
            .remedy("Leave `context` out: the reaction names its message itself."));
    }
    Ok(json!({
        "message_id": reaction.target,
        // Nothing takes it back.
        "emoji": reaction.emoji.as_deref().unwrap_or_default(),
    }))
}
