//! The form of the Messages resource
//! (<https://www.twilio.com/docs/messaging/api/message-resource>): who sends to whom, where statuses go, and what a
//! tenant may add. Must not know kinds of messages.

use serde_json::{Map, Value as Json};
use wharf_plugin::prelude::*;
use wharf_plugin::types::Field;

use crate::account;
use crate::descriptor::{MESSAGE_PARAM, WEBHOOK};

/// A message waits in Twilio's queue for at most 10 hours.
const VALIDITY_PERIOD_S_MAX: u64 = 36_000;
/// No id of WhatsApp's comes near it.
const USER_ID_BYTES_MAX: usize = 128;
/// What a tenant may add to any message.
const OPTIONS: [&str; 6] = [
    "ValidityPeriod",
    "SendAt",
    "ScheduleType",
    "ContentRetention",
    "AddressRetention",
    "RiskCheck",
];

/// The exchange that posts the message with these fields.
pub(crate) fn post(
    ctx: &Context,
    message: &Message,
    content: Vec<Field>,
) -> Result<Exchange, Error> {
    let mut fields = envelope(ctx, message)?;
    fields.extend(content);
    let url = account::account_url(ctx, "Messages.json")?;
    account::authorize(ctx, Exchange::post_form("send", url, fields))
}

/// Everything but the content. Fails for what no content changes, so that it is known before any exchange.
pub(crate) fn envelope(ctx: &Context, message: &Message) -> Result<Vec<Field>, Error> {
    if message.reply_to.is_some() {
        return Err(Error::new(
            Code::Unsupported,
            Retry::Never,
            "Twilio cannot quote the message that this one answers (`reply`)",
        )
        .remedy("Send the message without naming the one it answers."));
    }
    let service = service(ctx)?;
    let mut fields = vec![
        Field::text("To", recipient(&message.to)?),
        Field::text("From", sender(&message.sender)?),
    ];
    if let Some(service) = service {
        fields.push(Field::text("MessagingServiceSid", service));
    }
    // Carries our id back with every status, under Twilio's signature.
    let callback = piece::webhook_url_with(WEBHOOK, &[(MESSAGE_PARAM, &message.id)]);
    fields.push(Field::new("StatusCallback", vec![callback]));
    options(&message.options, service.is_some(), &mut fields)?;
    Ok(fields)
}

fn recipient(to: &Address) -> Result<String, Error> {
    match to {
        Address::Phone(digits) if is_number(digits) => Ok(format!("whatsapp:+{digits}")),
        Address::Phone(_) => Err(Error::invalid("the recipient's number is not in E.164")
            .remedy("Give the number in international form, as in +4915112345678.")),
        // A business-scoped user id stands without a plus sign.
        Address::UserId(id) if is_user_id(id) => Ok(format!("whatsapp:{id}")),
        Address::UserId(_) => Err(Error::invalid("the recipient is no user id of WhatsApp's")
            .remedy("Give the user id as an inbound message names it, as in US.1234567890.")),
        Address::Group(_) => Err(Error::unsupported(to.kind())),
    }
}

fn is_number(digits: &str) -> bool {
    (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_user_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !id.is_empty() && id.len() <= USER_ID_BYTES_MAX && id.bytes().all(plain)
}

fn sender(sender: &str) -> Result<String, Error> {
    match sender.strip_prefix('+') {
        Some(digits) if is_number(digits) => Ok(format!("whatsapp:{sender}")),
        _ => Err(Error::setting(
            "number",
            "must be the number with its plus sign, as in +14155238886",
        )),
    }
}

fn service(ctx: &Context) -> Result<Option<&str>, Error> {
    match ctx.setting("messaging_service_sid") {
        Some(sid) if !account::is_sid(sid, "MG") => Err(Error::setting(
            "messaging_service_sid",
            "must be MG and 32 hexadecimal digits",
        )),
        sid => Ok(sid),
    }
}

/// The envelope members that a tenant may pass. Closed: any other would let a tenant override what the gateway
/// itself puts there.
fn options(document: &str, service: bool, fields: &mut Vec<Field>) -> Result<(), Error> {
    if matches!(document, "" | "{}" | "null") {
        return Ok(());
    }
    let unknown = |what: String| {
        Error::invalid(what).remedy(
            "Pass only ValidityPeriod, SendAt, ScheduleType, ContentRetention, AddressRetention and RiskCheck.",
        )
    };
    let options: Map<String, Json> = serde_json::from_str(document)
        .map_err(|_| unknown("the message's options are no JSON object".to_owned()))?;
    for (name, value) in options {
        let text = scalar(&value).filter(|_| OPTIONS.contains(&name.as_str()));
        let Some(text) = text else {
            return Err(unknown(format!(
                "the message's option `{name}` is not understood"
            )));
        };
        check(&name, &text, service)?;
        fields.push(Field::text(name, text));
    }
    Ok(())
}

/// Twilio's own limit of a parameter.
pub(crate) fn check(name: &str, value: &str, service: bool) -> Result<(), Error> {
    match name {
        "ValidityPeriod" => match value.parse::<u64>() {
            Ok(seconds) if (1..=VALIDITY_PERIOD_S_MAX).contains(&seconds) => Ok(()),
            _ => Err(Error::invalid(format!(
                "ValidityPeriod is 1 to {VALIDITY_PERIOD_S_MAX} seconds, this one is {value}"
            ))),
        },
        "SendAt" | "ScheduleType" if !service => Err(Error::setting(
            "messaging_service_sid",
            "is not set, and Twilio schedules messages of a messaging service only",
        )),
        _ => Ok(()),
    }
}

/// A parameter's text: forms know no other type.
pub(crate) fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
