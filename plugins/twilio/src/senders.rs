//! The Senders resource: a number as a sender of WhatsApp, its state, its profile.
//! Facts: <https://www.twilio.com/docs/whatsapp/isv/register-senders> and Twilio's OpenAPI document.

use serde_json::Value;
use wharf_plugin::prelude::*;
use wharf_plugin::types::HttpMethod;

use crate::account::{MESSAGING, authorize, is_sid};
use crate::ask;
use crate::inbound::{End, PREFIX, is_name};

/// At most 1,000; the default is 20.
const PAGE_SIZE: &str = "100";
/// The setting that saves a search; onboarding fills it in.
pub(crate) const SENDER_SID: &str = "sender_sid";

/// A sender as Twilio shows it.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) sid: String,
    /// `+14155238886`.
    pub(crate) number: String,
    pub(crate) status: String,
    pub(crate) quality: Option<String>,
    pub(crate) limit: Option<String>,
    pub(crate) profile: Value,
    pub(crate) reasons: Vec<Reason>,
}

/// Why a sender is offline.
#[derive(Clone, Debug)]
pub(crate) struct Reason {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Sender {
    /// Nothing for what is no sender, or one of another channel.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let text = |pointer: &str| {
            let text = value.pointer(pointer)?.as_str()?;
            Some(text.to_owned()).filter(|text| !text.is_empty())
        };
        let number = text("/sender_id")?;
        let reasons = value["offline_reasons"].as_array();
        Some(Self {
            sid: text("/sid").filter(|sid| is_sid(sid, "XE"))?,
            number: number_of(&number)?.to_owned(),
            status: text("/status")?,
            quality: text("/properties/quality_rating").filter(|it| is_name(it)),
            limit: text("/properties/messaging_limit").filter(|it| is_name(it)),
            profile: value["profile"].clone(),
            reasons: reasons.into_iter().flatten().map(Reason::read).collect(),
        })
    }

    /// The name that people see above the chat.
    pub(crate) fn title(&self) -> &str {
        let name = self.profile["name"].as_str();
        name.filter(|name| !name.is_empty()).unwrap_or(&self.number)
    }

    pub(crate) fn is_online(&self) -> bool {
        self.status == "ONLINE" || self.status.starts_with("ONLINE:")
    }
}

/// With its `+`. A sender that is no phone number is none that a channel could be named after.
fn number_of(sender_id: &str) -> Option<&str> {
    let number = sender_id.strip_prefix(PREFIX)?;
    matches!(End::read(number), Some(End::Phone(_))).then_some(number)
}

impl Reason {
    fn read(value: &Value) -> Self {
        let code = match &value["code"] {
            Value::Number(code) => code.to_string(),
            code => code.as_str().unwrap_or_default().to_owned(),
        };
        let message = value["message"].as_str().unwrap_or_default().to_owned();
        Self { code, message }
    }

    pub(crate) fn remedy(&self) -> &'static str {
        match self.code.as_str() {
            "63020" => {
                "Accept Twilio's invitation in Meta's Business Manager and complete the business verification."
            }
            "63059" => "Give the id of the WhatsApp Business Account that has the number now.",
            "63101" => {
                "Share the WhatsApp Business Account with Twilio, unlinked from other Twilio accounts, and give its right id."
            }
            "63119" => "Wait an hour; Meta limits operations on one WhatsApp Business Account.",
            _ => "Open the sender in Twilio's console, or its code in Twilio's error dictionary.",
        }
    }
}

pub(crate) fn list_url() -> String {
    format!("https://{MESSAGING}/v2/Channels/Senders")
}

fn url(sid: &str) -> Result<String, Error> {
    if is_sid(sid, "XE") {
        return Ok(format!("{}/{sid}", list_url()));
    }
    Err(Error::setting(
        SENDER_SID,
        "must be XE and 32 hexadecimal digits",
    ))
}

/// A page of the list, the first without a query.
pub(crate) fn list(ctx: &Context, query: Option<&str>) -> Result<Exchange, Error> {
    let exchange = Exchange::get("senders.list", list_url()).answer_bytes_max(ask::PAGE_BYTES_MAX);
    let exchange = match query {
        Some(query) => exchange.raw_query(query),
        None => exchange
            .query_text("Channel", "whatsapp")
            .query_text("PageSize", PAGE_SIZE),
    };
    authorize(ctx, exchange)
}

/// The senders of a page, and the query of the next.
pub(crate) fn page(outcome: Outcome) -> Result<(Vec<Sender>, Option<String>), Error> {
    let answer = ask::answer(outcome, Replay::Safe)?;
    let Some(senders) = answer["senders"].as_array() else {
        return Err(Error::malformed("the list holds no senders", Replay::Safe));
    };
    let senders = senders.iter().filter_map(Sender::read).collect();
    let next = ask::next_query(&answer["meta"]["next_page_url"], &list_url())?;
    Ok((senders, next))
}

pub(crate) fn fetch(ctx: &Context, sid: &str) -> Result<Exchange, Error> {
    authorize(ctx, Exchange::get("senders.get", url(sid)?))
}

/// A change; saying the same again harms nobody.
pub(crate) fn update(ctx: &Context, sid: &str, document: &Value) -> Result<Exchange, Error> {
    let exchange = Exchange::new("senders.update", HttpMethod::Post, url(sid)?)
        .json(document.to_string())
        .replay(Replay::Safe);
    authorize(ctx, exchange)
}

pub(crate) fn one(outcome: Outcome) -> Result<Sender, Error> {
    let answer = ask::answer(outcome, Replay::Safe)?;
    Sender::read(&answer).ok_or_else(|| Error::malformed("the answer is no sender", Replay::Safe))
}

/// The sender of this channel's number: by its SID where it is known, else by a search.
pub(crate) fn find(ctx: &Context) -> Result<Exchange, Error> {
    match ctx.setting(SENDER_SID) {
        Some(sid) => fetch(ctx, sid),
        None => list(ctx, None),
    }
}

/// How a search goes on.
pub(crate) enum Found {
    Sender(Box<Sender>),
    /// The next page.
    More(Box<Exchange>),
    Nowhere,
}

/// What an answer to [`find`] brought.
pub(crate) fn found(ctx: &Context, outcome: Outcome) -> Result<Found, Error> {
    if ctx.setting(SENDER_SID).is_some() {
        return Ok(Found::Sender(Box::new(one(outcome)?)));
    }
    let number = ctx.required("number")?;
    let (senders, next) = page(outcome)?;
    if let Some(sender) = senders.into_iter().find(|it| it.number == number) {
        return Ok(Found::Sender(Box::new(sender)));
    }
    match next {
        Some(query) => Ok(Found::More(Box::new(list(ctx, Some(&query))?))),
        None => Ok(Found::Nowhere),
    }
}

/// The number is no sender here.
pub(crate) fn not_registered() -> Error {
    Error::new(
        Code::Misconfigured,
        Retry::Never,
        "the channel's number is no WhatsApp sender of this Twilio account",
    )
    .provider_code("63007")
    .remedy("Register the number, or give the SID and token of the (sub)account that has it.")
}
