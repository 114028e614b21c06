//! A message to its exchanges, and their outcomes to a result. What needs a content (interactive messages,
//! templates) asks the Content API first and goes on from there; when Twilio no longer knows the content that
//! the gateway remembers, it is asked once more and the message sent again.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use wharf_plugin::flow::{Flow, one_shot_or};
use wharf_plugin::messages::{ReadReceipt, Template};
use wharf_plugin::prelude::*;
use wharf_plugin::types::Field;

use crate::account::{self, MESSAGING, is_sid};
use crate::content::{self, Found, PAGES_MAX};
use crate::inbound::is_name;
use crate::interactive;
use crate::variables::Variables;
use crate::{definition, failure, form, other, plain, template};

/// The content that a message names is not there: 21655 of the Messages resource, 92006 of the Content API.
const CONTENT_GONE: [u32; 2] = [21_655, 92_006];

/// What the next outcome is of. `fresh`: what the message stands on was asked for a moment ago, so a refusal
/// of it is final.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Step {
    Send { fresh: bool },
    Create { fresh: bool },
    Read { fresh: bool },
    Find { fresh: bool, page: u8 },
    Typing,
}

const SEND: Flow<Step> = Flow::new("send", 1);

pub(crate) fn start(ctx: &Context, message: &Message) -> Result<Progress, Error> {
    if let Content::Read(receipt) = &message.content {
        return typing(ctx, receipt);
    }
    let fields = match &message.content {
        Content::Text(text) => plain::text(text)?,
        Content::Image(media)
        | Content::Video(media)
        | Content::Audio(media)
        | Content::Document(media)
        | Content::Sticker(media) => plain::media(message.content.kind(), media)?,
        Content::Location(location) => plain::location(location)?,
        Content::Interactive(_) => return create(ctx, message, false),
        Content::Template(template) => return templated(ctx, message, template),
        Content::Other(raw) => {
            let passed = other::read(raw, has_service(ctx))?;
            if passed.content.is_some() {
                return create(ctx, message, false);
            }
            passed.fields
        }
        Content::Contacts(_) | Content::Reaction(_) | Content::Read(_) => {
            return Err(Error::unsupported(message.content.kind()));
        }
    };
    post(ctx, message, fields, true)
}

pub(crate) fn resume(
    ctx: &Context,
    message: &Message,
    state: &[u8],
    outcome: Outcome,
) -> Result<Progress, Error> {
    match (SEND.step(state)?, &message.content) {
        (Step::Send { fresh }, _) => sent(ctx, message, outcome, fresh),
        (Step::Create { fresh }, _) => {
            let found = content::created(outcome)?;
            post(ctx, message, fields_of(ctx, message, &found)?, fresh)
        }
        (Step::Read { fresh }, Content::Template(template)) => {
            match is_404(&outcome) {
                // Deleted since the gateway's list was made; its name may have a new one.
                true => find(ctx, message, None, 1, true),
                false => {
                    let found = content::created(outcome)?;
                    post(ctx, message, filled(template, &found)?, fresh)
                }
            }
        }
        (Step::Find { fresh, page }, Content::Template(template)) => {
            let searched = content::searched(outcome, &template.name, &template.language)?;
            match (searched.found, searched.next) {
                (Some(found), _) => post(ctx, message, filled(template, &found)?, fresh),
                (None, Some(next)) if page < PAGES_MAX => {
                    find(ctx, message, Some(&next), page + 1, fresh)
                }
                (None, _) => Err(unknown(template)),
            }
        }
        (Step::Typing, _) => typed(outcome),
        (Step::Read { .. } | Step::Find { .. }, _) => Err(Error::new(
            Code::Misconfigured,
            Retry::Uncertain,
            "the state belongs to a template, the message is none",
        )),
    }
}

/// Creates the content that the message needs.
fn create(ctx: &Context, message: &Message, fresh: bool) -> Result<Progress, Error> {
    form::envelope(ctx, message)?;
    let exchange = match &message.content {
        Content::Interactive(interactive) => {
            content::create(ctx, &interactive::draft(interactive)?, fresh)?
        }
        Content::Other(raw) => {
            let document = other::read(raw, has_service(ctx))?
                .content
                .unwrap_or_default();
            content::create_document(ctx, document, fresh)?
        }
        other => return Err(Error::unsupported(other.kind())),
    };
    Ok(SEND.ask(exchange, &Step::Create { fresh }).into())
}

/// The message's fields, now that its content is there.
fn fields_of(ctx: &Context, message: &Message, found: &Found) -> Result<Vec<Field>, Error> {
    let rest = match &message.content {
        Content::Interactive(interactive) => {
            let draft = interactive::draft(interactive)?;
            draft.variables.field().into_iter().collect()
        }
        Content::Other(raw) => other::read(raw, has_service(ctx))?.fields,
        other => return Err(Error::unsupported(other.kind())),
    };
    let mut fields = vec![Field::text("ContentSid", found.sid.as_str())];
    fields.extend(rest);
    Ok(fields)
}

/// A template is sent at once where the gateway's list has id and definition, and is looked for otherwise.
fn templated(ctx: &Context, message: &Message, template: &Template) -> Result<Progress, Error> {
    form::envelope(ctx, message)?;
    template::check(template)?;
    let Some(sid) = template::sid(template) else {
        return find(ctx, message, None, 1, false);
    };
    match template::components(template) {
        Some(components) => {
            let variables = template::variables(template, &components)?;
            post(ctx, message, named(sid, variables), false)
        }
        None => {
            let exchange = content::read(ctx, sid, false)?;
            Ok(SEND.ask(exchange, &Step::Read { fresh: false }).into())
        }
    }
}

fn find(
    ctx: &Context,
    _: &Message,
    query: Option<&str>,
    page: u8,
    fresh: bool,
) -> Result<Progress, Error> {
    let exchange = content::list(ctx, query, fresh)?;
    Ok(SEND.ask(exchange, &Step::Find { fresh, page }).into())
}

fn is_404(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Response(response) if response.status == 404)
}

fn filled(template: &Template, found: &Found) -> Result<Vec<Field>, Error> {
    let components = definition::components(&found.types);
    let variables = template::variables(template, &components)?;
    Ok(named(&found.sid, variables))
}

fn named(sid: &str, variables: Variables) -> Vec<Field> {
    let mut fields = vec![Field::text("ContentSid", sid)];
    fields.extend(variables.field());
    fields
}

fn unknown(template: &Template) -> Error {
    Error::new(
        Code::TemplateUnknown,
        Retry::Never,
        format!(
            "the account has no content for the template {} in {}",
            template.name, template.language
        ),
    )
    .remedy("Check the template's name and language, and bring the gateway's list of templates up to date.")
}

fn post(
    ctx: &Context,
    message: &Message,
    fields: Vec<Field>,
    fresh: bool,
) -> Result<Progress, Error> {
    let exchange = form::post(ctx, message, fields)?;
    Ok(SEND.ask(exchange, &Step::Send { fresh }).into())
}

fn has_service(ctx: &Context) -> bool {
    ctx.setting("messaging_service_sid").is_some()
}

fn sent(
    ctx: &Context,
    message: &Message,
    outcome: Outcome,
    fresh: bool,
) -> Result<Progress, Error> {
    if !fresh && gone(&outcome) {
        return match &message.content {
            Content::Template(_) => find(ctx, message, None, 1, true),
            _ => create(ctx, message, true),
        };
    }
    one_shot_or(outcome, Replay::Unsafe, accepted, |response| {
        failure::from_response(response, Replay::Unsafe)
    })
    .map(Progress::Done)
}

/// Whether Twilio no longer knows the content that a message names.
fn gone(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Response(response) if !response.is_success() => {
            failure::code_of(response).is_some_and(|code| CONTENT_GONE.contains(&code))
        }
        _ => false,
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    sid: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    error_code: Json,
    #[serde(default)]
    error_message: Option<String>,
}

/// The message as Twilio made it. One without an id was taken all the same, and is never sent again: the
/// status callback carries our id.
fn accepted(response: &HttpResponse) -> Result<Accepted, Error> {
    // An object by all means: a list of nothing would otherwise be an answer without any of its members. And
    // one that says something of a message: `{}` may be anybody's.
    let answer = response
        .json::<serde_json::Map<String, Json>>()
        .and_then(|members| serde_json::from_value::<Answer>(members.into()).ok())
        .filter(|answer| answer.sid.is_some() || answer.status.is_some())
        .ok_or_else(|| {
            Error::malformed(
                "the answer is not what the provider documents",
                Replay::Unsafe,
            )
        })?;
    let status = answer.status.as_deref().unwrap_or_default();
    if matches!(status, "failed" | "undelivered") {
        let code = match &answer.error_code {
            Json::Number(number) => number.to_string(),
            Json::String(text) => text.clone(),
            _ => String::new(),
        };
        return Err(failure::from_status(&code, answer.error_message.as_deref()));
    }
    let accepted = match answer.sid.filter(|sid| is_message(sid)) {
        Some(sid) => Accepted::id(sid),
        None => Accepted::without_id(),
    };
    let mut accepted = match status {
        "sent" | "delivered" | "read" => accepted,
        // Queued, accepted by a messaging service, scheduled: WhatsApp does not have it yet.
        _ => accepted.pending(),
    };
    accepted.recipient = answer.to.as_deref().and_then(party);
    Ok(accepted)
}

fn is_message(sid: &str) -> bool {
    is_sid(sid, "SM") || is_sid(sid, "MM")
}

/// `whatsapp:+E164`, or `whatsapp:` and a user id.
fn party(address: &str) -> Option<Party> {
    let address = address.strip_prefix("whatsapp:")?;
    match address.strip_prefix('+') {
        Some(digits) => is_name(digits).then(|| Party::phone(digits)),
        None => is_name(address).then(|| Party::user_id(address)),
    }
}

/// Twilio has one call for both: typing marks as read, and there is no other way to.
fn typing(ctx: &Context, receipt: &ReadReceipt) -> Result<Progress, Error> {
    if !receipt.typing {
        return Err(Error::unsupported("read").remedy(
            "Ask for the typing indicator too: Twilio marks a message as read only with it.",
        ));
    }
    if !is_message(&receipt.message) {
        return Err(
            Error::invalid("the message to mark as read is no id of Twilio's")
                .remedy("Name an inbound message by its id, SM or MM and 32 hexadecimal digits."),
        );
    }
    let fields = vec![
        Field::text("channel", "whatsapp"),
        Field::text("messageId", receipt.message.as_str()),
    ];
    let url = format!("https://{MESSAGING}/v2/Indicators/Typing.json");
    let exchange = Exchange::post_form("typing", url, fields).replay(Replay::Safe);
    let exchange = account::authorize(ctx, exchange)?;
    Ok(SEND.ask(exchange, &Step::Typing).into())
}

fn typed(outcome: Outcome) -> Result<Progress, Error> {
    let read = |response: &HttpResponse| {
        let answer: Json = response.json()?;
        (answer["success"] == true).then(Accepted::without_id)
    };
    one_shot_or(outcome, Replay::Safe, read, |response| {
        failure::from_response(response, Replay::Safe)
    })
    .map(Progress::Done)
}
