//! The Senders API: how a number comes onto WhatsApp, and what it shows there.
//!
//! The states and their order: <https://www.twilio.com/docs/whatsapp/isv/register-senders>.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::address::Address;
use super::books::Books;
use super::config::ConfiguredSender;
use super::content::json_body;
use super::error::{TwilioError, text_of};
use super::paging::{self, Page};
use super::parameters;
use super::sender_fields::{CONFIGURATION, CREATE, PROFILE, TYPING, UPDATE, WEBHOOK};
use super::serve::Reply;
use super::shapes::{self, Field};
use super::{Shared, new_sid};
use crate::cloud::serve::Request;

/// The code that a number's owner gets by text or voice.
pub const VERIFICATION_CODE: &str = "123456";

/// A number and its way onto WhatsApp.
#[derive(Debug, Clone, PartialEq)]
pub struct Sender {
    pub sid: String,
    pub account_sid: String,
    pub number: String,
    pub status: String,
    pub configuration: Value,
    pub webhook: Value,
    pub profile: Value,
    pub quality_rating: String,
    pub offline_codes: Vec<u32>,
    /// States that the next fetches show, and the one that stays.
    pub(super) ahead: Vec<String>,
}

impl Sender {
    pub(super) fn online(config: &ConfiguredSender) -> Self {
        Self {
            sid: config.sid.clone(),
            account_sid: config.account_sid.clone(),
            number: config.number.clone(),
            status: "ONLINE".to_owned(),
            configuration: json!({ "waba_id": config.waba_id }),
            webhook: json!({
                "callback_url": config.callback_url,
                "callback_method": "POST",
                "status_callback_url": config.status_callback_url,
                "status_callback_method": "POST",
            }),
            profile: json!({ "name": "Lucky Shrub" }),
            quality_rating: "HIGH".to_owned(),
            offline_codes: Vec::new(),
            ahead: Vec::new(),
        }
    }

    pub(super) fn is_online(&self) -> bool {
        self.status.starts_with("ONLINE")
    }

    /// Where a webhook of this kind goes: `callback_url`, `fallback_url` or `status_callback_url`.
    pub(super) fn url(&self, kind: &str) -> Option<String> {
        let url = self.webhook[kind].as_str()?;
        (!url.is_empty()).then(|| url.to_owned())
    }

    fn shown(&self, host: &str) -> Value {
        let reasons: Vec<_> = self
            .offline_codes
            .iter()
            .map(|code| {
                json!({
                    "code": code.to_string(),
                    "message": text_of(*code),
                    "more_info": TwilioError::more_info(*code),
                })
            })
            .collect();
        let limit = "10K Customers/24hr";
        json!({
            "sid": self.sid,
            "status": self.status,
            "sender_id": format!("whatsapp:{}", self.number),
            "configuration": whole(&self.configuration, CONFIGURATION),
            "webhook": whole(&self.webhook, WEBHOOK),
            "profile": whole(&self.profile, PROFILE),
            "properties": {
                "quality_rating": self.quality_rating,
                "messaging_limit": if self.is_online() { Some(limit) } else { None },
            },
            "offline_reasons": if reasons.is_empty() { Value::Null } else { json!(reasons) },
            "compliance": null,
            "url": format!("https://{host}/v2/Channels/Senders/{}", self.sid),
        })
    }

    /// Time passes from fetch to fetch.
    fn poll(&mut self) {
        if !self.ahead.is_empty() {
            self.status = self.ahead.remove(0);
        }
    }
}

/// All fields of a part, null where nothing was said.
fn whole(part: &Value, fields: &[Field]) -> Value {
    let names = fields.iter().map(Field::name);
    names
        .map(|name| (name.to_owned(), part[name].clone()))
        .collect()
}

pub(super) fn call(
    shared: &Shared,
    request: &Request,
    name: &str,
    account: &str,
) -> Result<Reply, TwilioError> {
    let sid = request.path.split('/').nth(4).unwrap_or_default();
    let host = &shared.config.messaging_host;
    match name {
        "senders.create" => create(shared, request, account),
        "senders.list" => list(shared, request, account),
        "senders.fetch" => {
            let mut books = shared.books();
            let sender = find(&mut books, account, sid)?;
            sender.poll();
            Ok(Reply::ok(sender.shown(host)))
        }
        "senders.update" => update(shared, request, account, sid),
        "senders.delete" => {
            let mut books = shared.books();
            find(&mut books, account, sid)?;
            books.senders.retain(|sender| sender.sid != sid);
            Ok(Reply::NoContent)
        }
        _ => Err(TwilioError::not_found(&request.path)),
    }
}

fn find<'a>(books: &'a mut Books, account: &str, sid: &str) -> Result<&'a mut Sender, TwilioError> {
    let mut senders = books.senders.iter_mut();
    senders
        .find(|sender| sender.sid == sid && sender.account_sid == account)
        .ok_or_else(|| TwilioError::not_found(&format!("/v2/Channels/Senders/{sid}")))
}

fn create(shared: &Shared, request: &Request, account: &str) -> Result<Reply, TwilioError> {
    let body = json_body(request)?;
    shapes::check(&body, CREATE, "the body")?;
    check_urls(&body["webhook"])?;
    let sender_id = body["sender_id"].as_str().unwrap_or_default();
    let Some(Address::Phone(number)) = Address::parse(sender_id) else {
        return Err(TwilioError::invalid(format_args!(
            "sender_id '{sender_id}' is no whatsapp:+E164"
        )));
    };
    if body["profile"]["name"]
        .as_str()
        .unwrap_or_default()
        .is_empty()
    {
        return Err(TwilioError::invalid(
            "profile.name is required of a WhatsApp sender",
        ));
    }
    let waba_id = body["configuration"]["waba_id"].as_str();
    let mut books = shared.books();
    if books.senders.iter().any(|sender| sender.number == number) {
        return Err(TwilioError::invalid(format_args!(
            "{sender_id} is a sender already"
        )));
    }
    let failure = link_waba(&mut books, waba_id, account);
    let setup = &shared.config.setup;
    let last = match failure {
        Some(_) => "OFFLINE",
        None if setup.needs_code => "PENDING_VERIFICATION",
        None => "ONLINE",
    };
    let mut ahead: Vec<_> = (0..setup.polls)
        .map(|_| "TWILIO_REVIEW".to_owned())
        .collect();
    ahead.push(last.to_owned());
    let sender = Sender {
        sid: new_sid("XE"),
        account_sid: account.to_owned(),
        number,
        status: "CREATING".to_owned(),
        configuration: body["configuration"].clone(),
        webhook: body["webhook"].clone(),
        profile: body["profile"].clone(),
        quality_rating: "HIGH".to_owned(),
        offline_codes: failure.into_iter().collect(),
        ahead,
    };
    let shown = sender.shown(&shared.config.messaging_host);
    books.senders.push(sender);
    Ok(Reply::Json(StatusCode::ACCEPTED, shown))
}

/// One account has the senders of a business account; why it does not go online, if so.
fn link_waba(books: &mut Books, waba_id: Option<&str>, account: &str) -> Option<u32> {
    let Some(waba_id) = waba_id else {
        // The number joins what the account has already, if it has anything.
        let has_one = books.senders.iter().any(|it| it.account_sid == account);
        return (!has_one).then_some(63_101);
    };
    let is_of_sender = books
        .senders
        .iter()
        .any(|it| it.account_sid == account && it.configuration["waba_id"] == waba_id);
    let waba = books.wabas.iter_mut().find(|waba| waba.id == waba_id);
    match waba {
        None => (!is_of_sender).then_some(63_101),
        Some(waba) => match &waba.account_sid {
            Some(owner) if owner != account => Some(63_101),
            _ => {
                waba.account_sid = Some(account.to_owned());
                None
            }
        },
    }
}

fn update(
    shared: &Shared,
    request: &Request,
    account: &str,
    sid: &str,
) -> Result<Reply, TwilioError> {
    let body = json_body(request)?;
    shapes::check(&body, UPDATE, "the body")?;
    check_urls(&body["webhook"])?;
    let mut books = shared.books();
    let sender = find(&mut books, account, sid)?;
    if let Some(code) = body["configuration"]["verification_code"].as_str() {
        if sender.status != "PENDING_VERIFICATION" {
            return Err(TwilioError::invalid(format_args!(
                "a sender in {} waits for no code",
                sender.status
            )));
        }
        if code != VERIFICATION_CODE {
            return Err(TwilioError::invalid("the verification code is wrong"));
        }
        sender.status = "VERIFYING".to_owned();
        sender.ahead = vec!["ONLINE".to_owned()];
    } else if sender.is_online() {
        sender.status = "ONLINE:UPDATING".to_owned();
        sender.ahead = vec!["ONLINE".to_owned()];
    }
    for (part, of_sender) in [
        ("configuration", &mut sender.configuration),
        ("webhook", &mut sender.webhook),
        ("profile", &mut sender.profile),
    ] {
        let Some(changes) = body[part].as_object() else {
            continue;
        };
        if !of_sender.is_object() {
            *of_sender = json!({});
        }
        for (name, value) in changes {
            of_sender[name.as_str()] = value.clone();
        }
    }
    let shown = sender.shown(&shared.config.messaging_host);
    Ok(Reply::Json(StatusCode::ACCEPTED, shown))
}

fn check_urls(webhook: &Value) -> Result<(), TwilioError> {
    for name in ["callback_url", "fallback_url", "status_callback_url"] {
        let Some(text) = webhook[name].as_str().filter(|text| !text.is_empty()) else {
            continue;
        };
        let is_web = url::Url::parse(text)
            .is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
        if !is_web {
            return Err(TwilioError::invalid(format_args!(
                "webhook.{name} is no absolute URL"
            )));
        }
    }
    Ok(())
}

fn list(shared: &Shared, request: &Request, account: &str) -> Result<Reply, TwilioError> {
    let query = parameters::query(request, parameters::SENDER_LIST)?;
    if query.get("Channel").is_none() {
        return Err(TwilioError::invalid("Channel is required"));
    }
    let host = &shared.config.messaging_host;
    let books = shared.books();
    let of_account = books.senders.iter().filter(|it| it.account_sid == account);
    let all: Vec<_> = of_account
        .map(|sender| (sender.sid.clone(), sender.shown(host)))
        .collect();
    let page = Page::of(&query, &all)?;
    let url = format!("https://{host}/v2/Channels/Senders");
    Ok(Reply::ok(paging::by_meta(&url, "senders", &query, &page)))
}

/// `POST /v1/Services/{MG}/ChannelSenders`.
pub(super) fn join_service(
    shared: &Shared,
    request: &Request,
    account: &str,
) -> Result<Reply, TwilioError> {
    let form = parameters::form(request, parameters::CHANNEL_SENDER)?;
    let service_sid = request.path.split('/').nth(3).unwrap_or_default();
    let mut books = shared.books();
    let sid = form.get("Sid").unwrap_or_default();
    let number = find(&mut books, account, sid)?.number.clone();
    let service = books
        .services
        .iter_mut()
        .find(|service| service.sid == service_sid && service.account_sid == account)
        .ok_or_else(|| TwilioError::not_found(&request.path))?;
    if service.numbers.contains(&number) {
        return Err(TwilioError::invalid("the sender is in the service already"));
    }
    service.numbers.push(number.clone());
    Ok(Reply::created(json!({
        "sid": sid,
        "account_sid": account,
        "messaging_service_sid": service_sid,
        "sender": format!("whatsapp:{number}"),
        "sender_type": "WhatsApp",
    })))
}

/// `POST /v2/Indicators/Typing.json`, which marks the message as read as well.
pub(super) fn typing(
    shared: &Shared,
    request: &Request,
    account: &str,
) -> Result<Reply, TwilioError> {
    let sid = if request.path.starts_with("/v3/") {
        let body = json_body(request)?;
        shapes::check(&body, TYPING, "the body")?;
        body["messageId"].as_str().unwrap_or_default().to_owned()
    } else {
        let form = parameters::form(request, parameters::TYPING)?;
        if form.get("channel").is_none() {
            return Err(TwilioError::invalid("channel is required"));
        }
        form.get("messageId").unwrap_or_default().to_owned()
    };
    let mut books = shared.books();
    let message = books.message(account, &sid)?;
    if message.direction != "inbound" {
        return Err(TwilioError::invalid(
            "messageId has to be of a message that came in",
        ));
    }
    books.message_mut(&sid)?.status = "read".to_owned();
    Ok(Reply::ok(json!({ "success": true })))
}
