//! One call that the fuzzer makes: what never changes, and what is bent. It reads both from the arguments of
//! a golden case and writes them back, so that a finding is shown in the names of the interface.

use serde_json::{Value, json};
use wharf_cases::Function;
use wharf_core::provider::{
    CallContext, HttpResponse, MediaRequest, OutboundMessage, Outcome, ProfileRequest,
    StoredResponse, TemplateDraft, TemplatesRequest, WebhookRequest,
};

use super::message;
use crate::kit::exchange::{
    Read, all, bytes, case, media_ref, named, number, optional, text, unknown,
};
use crate::kit::policy;

/// The functions that read what came from outside, or a state: what is fuzzed.
pub(super) const FUNCTIONS: [&str; 10] = [
    "inbound.parse",
    "outbound.resume",
    "media.resume",
    "onboarding.resume",
    "onboarding.answer",
    "templates.resume",
    "health.resume",
    "reconcile.resume",
    "reconcile.catch-up-resume",
    "profile.resume",
];

/// A call that a golden case made.
#[derive(Clone, Debug)]
pub(super) struct Seed {
    /// The case's name.
    pub(super) case: String,
    /// One of [`FUNCTIONS`].
    pub(super) function: &'static str,
    pub(super) context: CallContext,
    pub(super) asked: Asked,
    pub(super) told: Told,
    /// What the provider may answer with, or post.
    pub(super) body_bytes_max: usize,
    /// The answer was to go into the media store.
    pub(super) stores: bool,
    arguments: Vec<Value>,
}

/// What a call is about: the arguments that are never bent.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    Webhook,
    Message(Box<OutboundMessage>),
    Media(MediaRequest),
    Templates(Box<TemplatesRequest>),
    Profile(ProfileRequest),
    Health,
    Reconcile(Box<OutboundMessage>, u64),
    CatchUp(u64),
    Flow(String),
}

/// What comes from outside, and the state.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    Webhook {
        webhook: Webhook,
        skip: u32,
    },
    Outcome {
        state: Vec<u8>,
        outcome: Outcome,
    },
    Answer {
        state: Vec<u8>,
        inputs: Vec<(String, Vec<String>)>,
    },
}

/// [`WebhookRequest`], which cannot be compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Webhook {
    pub(super) name: String,
    pub(super) method: wharf_core::provider::HttpMethod,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) received_at_ms: u64,
}

impl Webhook {
    pub(super) fn request(&self) -> WebhookRequest {
        WebhookRequest {
            name: self.name.clone(),
            method: self.method,
            query: self.query.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            received_at_ms: self.received_at_ms,
        }
    }
}

impl Seed {
    /// A call as it was made; `None` for a function that is not fuzzed.
    pub(super) fn read(case: &str, function: Function, arguments: &[Value]) -> Read<Option<Self>> {
        let name = function.to_string();
        let Some(function) = FUNCTIONS.into_iter().find(|known| *known == name) else {
            return Ok(None);
        };
        Self::of(case, function, arguments).map(Some)
    }

    /// The same for a function of [`FUNCTIONS`] by its name.
    pub(super) fn of(case: &str, function: &'static str, arguments: &[Value]) -> Read<Self> {
        let [context, asked @ .., last] = arguments else {
            return Err("it has too few arguments".to_owned());
        };
        Ok(Self {
            case: case.to_owned(),
            function,
            context: self::context(context)?,
            asked: self::asked(function, asked)?,
            told: told(function, asked, last)?,
            body_bytes_max: usize::MAX,
            stores: false,
            arguments: arguments.to_vec(),
        })
    }

    /// The arguments of a call that differs from this one in what is told.
    pub(super) fn arguments(&self, told: &Told) -> Vec<Value> {
        let mut arguments = self.arguments.clone();
        let last = arguments.len() - 1;
        let (before, shown) = match told {
            Told::Webhook { webhook, skip } => (show_webhook(webhook), json!(skip)),
            Told::Outcome { state, outcome } => (show_bytes(state), show_outcome(outcome)),
            Told::Answer { state, inputs } => (show_bytes(state), json!(inputs)),
        };
        arguments[last - 1] = before;
        arguments[last] = shown;
        arguments
    }
}

fn context(shown: &Value) -> Read<CallContext> {
    let seed = bytes(&shown["seed"])?;
    Ok(CallContext {
        settings: policy::settings(shown),
        now_ms: shown["now"].as_u64().unwrap_or_default(),
        seed: seed
            .try_into()
            .map_err(|_| "`seed` of the context has 32 bytes".to_owned())?,
        locale: optional(&shown["locale"], text)?,
    })
}

fn asked(function: &str, given: &[Value]) -> Read<Asked> {
    let first = given.first().unwrap_or(&Value::Null);
    let second = given.get(1).unwrap_or(&Value::Null);
    Ok(match function {
        "inbound.parse" => Asked::Webhook,
        "outbound.resume" => Asked::Message(Box::new(message::read(first)?)),
        "media.resume" => Asked::Media(match case(first)? {
            ("fetch", locator) => MediaRequest::Fetch(text(locator)?),
            ("upload", media) => MediaRequest::Upload(media_ref(media)?),
            ("delete", id) => MediaRequest::Delete(text(id)?),
            (other, _) => return unknown("media request", other),
        }),
        "templates.resume" => Asked::Templates(Box::new(templates(first)?)),
        "profile.resume" => Asked::Profile(match case(first)? {
            ("get", _) => ProfileRequest::Get,
            ("set", members) => ProfileRequest::Set(message::json(members)?),
            (other, _) => return unknown("profile request", other),
        }),
        "health.resume" => Asked::Health,
        "reconcile.resume" => Asked::Reconcile(
            Box::new(message::read(first)?),
            second.as_u64().unwrap_or_default(),
        ),
        "reconcile.catch-up-resume" => Asked::CatchUp(first.as_u64().unwrap_or_default()),
        _ => Asked::Flow(text(first)?),
    })
}

fn templates(shown: &Value) -> Read<TemplatesRequest> {
    let draft = |shown: &Value| -> Read<TemplateDraft> {
        Ok(TemplateDraft {
            name: text(&shown["name"])?,
            language: text(&shown["language"])?,
            category: text(&shown["category"])?,
            definition: message::json(&shown["definition"])?,
            examples: all(&shown["examples"], |pair| {
                Ok((text(&pair[0])?, media_ref(&pair[1])?))
            })?,
        })
    };
    Ok(match case(shown)? {
        ("list", _) => TemplatesRequest::List,
        ("create", it) => TemplatesRequest::Create(draft(it)?),
        ("edit", pair) => TemplatesRequest::Edit(text(&pair[0])?, draft(&pair[1])?),
        ("delete", pair) => TemplatesRequest::Delete(text(&pair[0])?, optional(&pair[1], text)?),
        (other, _) => return unknown("templates request", other),
    })
}

/// `asked` ends in the webhook or the state.
fn told(function: &str, asked: &[Value], last: &Value) -> Read<Told> {
    let before = asked.last().unwrap_or(&Value::Null);
    Ok(match function {
        "inbound.parse" => Told::Webhook {
            webhook: webhook(before)?,
            skip: number(last)?,
        },
        "onboarding.answer" => Told::Answer {
            state: bytes(before)?,
            inputs: pairs(last, |given| match given {
                Value::String(one) => Ok(vec![one.clone()]),
                given => all(given, text),
            })?,
        },
        _ => Told::Outcome {
            state: bytes(before)?,
            outcome: outcome(last)?,
        },
    })
}

fn webhook(shown: &Value) -> Read<Webhook> {
    let method = text(&shown["method"])?.to_uppercase();
    Ok(Webhook {
        name: text(&shown["name"])?,
        method: named(&method.into())?,
        query: pairs(&shown["query"], text)?,
        headers: pairs(&shown["headers"], text)?,
        body: bytes(&shown["body"])?,
        received_at_ms: shown["received-at"].as_u64().unwrap_or_default(),
    })
}

fn outcome(shown: &Value) -> Read<Outcome> {
    let status = |it: &Value| {
        let status = it["status"].as_u64().and_then(|it| u16::try_from(it).ok());
        status.ok_or_else(|| "`status` is an HTTP status".to_owned())
    };
    Ok(match case(shown)? {
        ("response", it) => Outcome::Response(HttpResponse {
            status: status(it)?,
            headers: pairs(&it["headers"], text)?,
            body: bytes(&it["body"])?,
        }),
        ("stored", it) => Outcome::Stored(StoredResponse {
            status: status(it)?,
            headers: pairs(&it["headers"], text)?,
            media: media_ref(&it["media"])?,
        }),
        ("failed", why) => Outcome::Failed(named(why)?),
        (other, _) => return unknown("outcome", other),
    })
}

/// A list of pairs may be written as an object.
fn pairs<T>(shown: &Value, read: impl Fn(&Value) -> Read<T>) -> Read<Vec<(String, T)>> {
    match shown {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| Ok((name.clone(), read(value)?)))
            .collect(),
        shown => all(shown, |pair| Ok((text(&pair[0])?, read(&pair[1])?))),
    }
}

fn show_webhook(webhook: &Webhook) -> Value {
    json!({
        "name": webhook.name,
        "method": webhook.method.as_str().to_lowercase(),
        "query": webhook.query,
        "headers": webhook.headers,
        "body": show_bytes(&webhook.body),
        "received-at": webhook.received_at_ms,
    })
}

fn show_outcome(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Response(response) => json!({ "response": {
            "status": response.status,
            "headers": response.headers,
            "body": show_bytes(&response.body),
        }}),
        Outcome::Stored(stored) => json!({ "stored": {
            "status": stored.status,
            "headers": stored.headers,
            "media": {
                "handle": stored.media.handle,
                "content-type": stored.media.content_type,
                "size": stored.media.size,
                "sha256": show_bytes(&stored.media.sha256),
                "filename": stored.media.filename,
            },
        }}),
        Outcome::Failed(why) => json!({ "failed": why }),
    }
}

fn show_bytes(bytes: &[u8]) -> Value {
    wharf_cases::show_bytes(bytes.to_vec())
}
