//! `POST .../Messages.json`: everything that is wrong with a message before Twilio takes it.
//!
//! Rules: <https://www.twilio.com/docs/messaging/api/message-resource> and
//! <https://www.twilio.com/docs/whatsapp/message-features>.

use serde_json::Value;

use super::address::{Address, is_sid};
use super::books::Books;
use super::error::TwilioError;
use super::message::Message;
use super::parameters::Form;
use super::{new_sid, variables};

const BODY_CHARS_MAX: usize = 1600;
const CALLBACK_CHARS_MAX: usize = 4000;

/// Who sends: the number, when it was named, and the service.
struct Origin {
    from: Option<Address>,
    service_sid: Option<String>,
}

/// What is sent.
#[derive(Default)]
struct Payload {
    body: String,
    content: Option<Value>,
    content_sid: Option<String>,
    media_urls: Vec<String>,
    place: Option<String>,
}

/// The message that a form asks for, as it stands at the moment of its acceptance.
pub(super) fn read(
    form: &Form,
    books: &Books,
    account: &str,
    now_ms: u64,
) -> Result<Message, TwilioError> {
    let to = form.get("To").ok_or(TwilioError::of_code(21_604))?;
    let origin = origin(form, books, account)?;
    let to = recipient(to)?;
    if origin.from.as_ref() == Some(&to) {
        return Err(TwilioError::of_code(63_031));
    }
    check_callback(form)?;
    let is_scheduled = schedule(form)?;
    let payload = payload(form, books, account)?;
    let prefix = if payload.media_urls.is_empty() {
        "SM"
    } else {
        "MM"
    };
    let status = match (&origin.from, is_scheduled) {
        (_, true) => "scheduled",
        (None, false) => "accepted",
        (Some(_), false) => "queued",
    };
    Ok(Message {
        sid: new_sid(prefix),
        account_sid: account.to_owned(),
        from: origin.from.filter(|_| !is_scheduled),
        to,
        body: payload.body,
        direction: "outbound-api",
        status: status.to_owned(),
        error_code: None,
        service_sid: origin.service_sid,
        content: payload.content,
        content_sid: payload.content_sid,
        media_count: payload.media_urls.len(),
        media_urls: payload.media_urls,
        place: payload.place,
        status_callback: form.get("StatusCallback").map(str::to_owned),
        created_ms: now_ms,
        updated_ms: now_ms,
        sent_ms: None,
    })
}

fn recipient(text: &str) -> Result<Address, TwilioError> {
    if let Some(address) = Address::parse(text) {
        return Ok(address);
    }
    // A plain number is one of SMS: the pair is impossible.
    let code = if super::address::is_e164(text) {
        21_612
    } else {
        21_211
    };
    Err(TwilioError::because(code, text))
}

fn origin(form: &Form, books: &Books, account: &str) -> Result<Origin, TwilioError> {
    let service = form
        .get("MessagingServiceSid")
        .map(|sid| {
            if !is_sid(sid, "MG") {
                return Err(TwilioError::because(21_705, sid));
            }
            books
                .service(account, sid)
                .ok_or_else(|| TwilioError::because(21_701, sid))
        })
        .transpose()?;
    if let Some(service) = service
        && service.numbers.is_empty()
    {
        return Err(TwilioError::because(21_703, &service.sid));
    }
    let from = form
        .get("From")
        .map(|text| {
            let address = Address::parse(text).ok_or_else(|| {
                let code = if super::address::is_e164(text) {
                    21_606
                } else {
                    21_212
                };
                TwilioError::because(code, text)
            })?;
            if books.online_sender(account, address.key()).is_none() {
                return Err(TwilioError::because(63_007, text));
            }
            Ok(address)
        })
        .transpose()?;
    match (&from, service) {
        (None, None) => Err(TwilioError::of_code(21_603)),
        (Some(from), Some(service)) if !service.numbers.iter().any(|it| it == from.key()) => {
            Err(TwilioError::because(
                21_606,
                format_args!("{from} is no sender of {}", service.sid),
            ))
        }
        _ => Ok(Origin {
            from,
            service_sid: service.map(|service| service.sid.clone()),
        }),
    }
}

fn check_callback(form: &Form) -> Result<(), TwilioError> {
    if let Some(sid) = form.get("ApplicationSid")
        && !is_sid(sid, "AP")
    {
        return Err(TwilioError::invalid("ApplicationSid"));
    }
    let Some(text) = form.get("StatusCallback") else {
        return Ok(());
    };
    let refused = |details: &str| Err(TwilioError::because(21_609, details));
    if text.chars().count() > CALLBACK_CHARS_MAX {
        return refused("it has more than 4000 characters");
    }
    match url::Url::parse(text) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) => match url.host_str() {
            Some(host) if !host.contains('_') => Ok(()),
            _ => refused("its host name is not valid"),
        },
        _ => refused("it is no absolute URL"),
    }
}

/// Whether the message waits for its time.
fn schedule(form: &Form) -> Result<bool, TwilioError> {
    let send_at = form.get("SendAt");
    if form.get("ScheduleType").is_none() {
        return match send_at {
            Some(_) => Err(TwilioError::invalid("SendAt needs ScheduleType")),
            None => Ok(false),
        };
    }
    if form.get("MessagingServiceSid").is_none() {
        return Err(TwilioError::because(
            21_701,
            "a scheduled message needs a messaging service",
        ));
    }
    let is_time = send_at.is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok());
    if is_time {
        Ok(true)
    } else {
        Err(TwilioError::invalid("SendAt has to be a time in ISO 8601"))
    }
}

fn payload(form: &Form, books: &Books, account: &str) -> Result<Payload, TwilioError> {
    let body = form.get("Body").unwrap_or_default();
    let media_urls: Vec<String> = form.all("MediaUrl").map(str::to_owned).collect();
    let actions: Vec<&str> = form.all("PersistentAction").collect();
    if let Some(sid) = form.get("ContentSid") {
        if form.get("Body").is_some() || !media_urls.is_empty() || !actions.is_empty() {
            return Err(TwilioError::invalid(
                "a message with ContentSid has no Body, MediaUrl or PersistentAction",
            ));
        }
        return of_content(sid, form, books, account);
    }
    if form.get("ContentVariables").is_some() {
        return Err(TwilioError::of_code(21_654));
    }
    if body.chars().count() > BODY_CHARS_MAX {
        return Err(TwilioError::of_code(21_617));
    }
    check_media(&media_urls)?;
    let place = place(&actions)?;
    if place.is_some() && (body.is_empty() || !media_urls.is_empty()) {
        return Err(TwilioError::because(
            21_602,
            "a place needs a Body, which is its name, and has no media",
        ));
    }
    if body.is_empty() && media_urls.is_empty() {
        return Err(TwilioError::of_code(21_602));
    }
    Ok(Payload {
        body: body.to_owned(),
        media_urls,
        place,
        ..Payload::default()
    })
}

fn of_content(
    sid: &str,
    form: &Form,
    books: &Books,
    account: &str,
) -> Result<Payload, TwilioError> {
    let content = books
        .content(account, sid)
        .map_err(|_| TwilioError::because(21_655, sid))?;
    let values = form
        .get("ContentVariables")
        .map(|text| variables::read(text, &content.types))
        .transpose()?
        .unwrap_or_default();
    let rendered = variables::render(&content.types, &content.variables, &values);
    let body = variables::bodies(&rendered)
        .next()
        .unwrap_or_default()
        .to_owned();
    if body.chars().count() > BODY_CHARS_MAX {
        return Err(TwilioError::of_code(21_617));
    }
    Ok(Payload {
        body,
        content: Some(rendered),
        content_sid: Some(sid.to_owned()),
        ..Payload::default()
    })
}

/// WhatsApp takes one; Twilio would drop the others without a word, so this fake objects.
fn check_media(urls: &[String]) -> Result<(), TwilioError> {
    if urls.len() > 1 {
        return Err(TwilioError::because(
            21_623,
            "a message on WhatsApp has one medium",
        ));
    }
    for text in urls {
        let is_web = url::Url::parse(text)
            .is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
        if !is_web {
            return Err(TwilioError::because(21_620, text));
        }
    }
    Ok(())
}

/// `geo:{latitude},{longitude}`, with `|{label}` behind it or not.
fn place(actions: &[&str]) -> Result<Option<String>, TwilioError> {
    let [action] = actions else {
        return match actions {
            [] => Ok(None),
            _ => Err(TwilioError::invalid("a message shows one place")),
        };
    };
    let coordinates = action
        .strip_prefix("geo:")
        .and_then(|rest| rest.split('|').next())
        .and_then(|pair| pair.split_once(','));
    let is_within = |text: &str, max: f64| {
        text.trim()
            .parse::<f64>()
            .is_ok_and(|number| number.abs() <= max)
    };
    match coordinates {
        Some((latitude, longitude)) if is_within(latitude, 90.0) && is_within(longitude, 180.0) => {
            Ok(Some((*action).to_owned()))
        }
        _ => Err(TwilioError::invalid(format_args!(
            "PersistentAction '{action}' is no geo:latitude,longitude"
        ))),
    }
}
