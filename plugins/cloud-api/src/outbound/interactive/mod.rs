//! Messages that ask for an answer: what all have around it, and the kinds with one or a few buttons.
//! Limits are Meta's, from the page of each kind below `messages/` of the Cloud API's documentation.

use serde_json::{Map, Value, json};
use wharf_plugin::messages::{Action, CtaUrl, Header, Interactive, ReplyButton};
use wharf_plugin::prelude::Error;

use super::draft::Places;
use super::{limit, media};

mod carousel;
mod flow;
mod list;
mod other;

/// Below it stand the cards of a carousel.
pub(super) const CARDS: &str = "/interactive/action/cards";

const HEADER_CHARS_MAX: usize = 60;
const BODY_CHARS_MAX: usize = 1_024;
const FOOTER_CHARS_MAX: usize = 60;
const BUTTONS_MAX: usize = 3;
const BUTTON_ID_CHARS_MAX: usize = 256;
const BUTTON_TITLE_CHARS_MAX: usize = 20;
const DISPLAY_TEXT_CHARS_MAX: usize = 20;

/// What a kind may have around its action.
pub(super) struct Frame {
    /// As in "a list".
    owner: &'static str,
    header: HeaderRule,
    body_chars_max: usize,
    is_body_needed: bool,
    has_footer: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HeaderRule {
    None,
    Text,
    TextNeeded,
    Any,
}

impl Frame {
    /// Any header, a body that must be there, a footer.
    const fn of(owner: &'static str) -> Self {
        Self {
            owner,
            header: HeaderRule::Any,
            body_chars_max: BODY_CHARS_MAX,
            is_body_needed: true,
            has_footer: true,
        }
    }

    const fn header(mut self, header: HeaderRule) -> Self {
        self.header = header;
        self
    }

    const fn without_footer(mut self) -> Self {
        self.has_footer = false;
        self
    }

    const fn body_chars_max(mut self, chars_max: usize) -> Self {
        self.body_chars_max = chars_max;
        self
    }

    const fn body_optional(mut self) -> Self {
        self.is_body_needed = false;
        self
    }
}

pub(super) fn object<'a>(asked: &'a Interactive, places: &mut Places<'a>) -> Result<Value, Error> {
    match &asked.action {
        Action::Buttons(buttons) => {
            let action = json!({ "buttons": reply_buttons(buttons)? });
            framed(
                asked,
                &Frame::of("a message with buttons"),
                "button",
                action,
                places,
            )
        }
        Action::List(picker) => {
            let action = list::action(picker)?;
            framed(asked, &list::FRAME, "list", action, places)
        }
        Action::CtaUrl(link) => {
            let action = cta_url(link)?;
            framed(
                asked,
                &Frame::of("a message with a link button"),
                "cta_url",
                action,
                places,
            )
        }
        Action::LocationRequest => {
            let frame = Frame::of("a location request")
                .header(HeaderRule::None)
                .without_footer();
            let action = json!({ "name": "send_location" });
            framed(asked, &frame, "location_request_message", action, places)
        }
        Action::Flow(parameters) => {
            let action = flow::action(parameters)?;
            framed(
                asked,
                &Frame::of("a message with a flow"),
                "flow",
                action,
                places,
            )
        }
        Action::Carousel(cards) => {
            let action = carousel::action(cards, places)?;
            framed(asked, &carousel::FRAME, "carousel", action, places)
        }
        Action::Other(raw) => other::object(asked, raw, places),
    }
}

/// The whole object of a kind that is known.
fn framed<'a>(
    asked: &'a Interactive,
    frame: &Frame,
    kind: &str,
    action: Value,
    places: &mut Places<'a>,
) -> Result<Value, Error> {
    let mut object = surroundings(asked, frame, places)?;
    object.insert("type".to_owned(), kind.into());
    object.insert("action".to_owned(), action);
    Ok(Value::Object(object))
}

/// Header, body and footer, by the rules of the kind.
fn surroundings<'a>(
    asked: &'a Interactive,
    frame: &Frame,
    places: &mut Places<'a>,
) -> Result<Map<String, Value>, Error> {
    let mut object = Map::new();
    match (&asked.header, frame.header) {
        (None, HeaderRule::TextNeeded) => return Err(limit::missing("interactive.header")),
        (None, _) => {}
        (Some(_), HeaderRule::None) => {
            return Err(limit::no_place(frame.owner, "interactive.header"));
        }
        (Some(Header::Text(_)), _) | (Some(_), HeaderRule::Any) => {}
        (Some(_), HeaderRule::Text | HeaderRule::TextNeeded) => {
            return Err(Error::invalid(format!(
                "`interactive.header` of {} can only be a text",
                frame.owner
            ))
            .remedy("Send the medium as a message of its own."));
        }
    }
    if let Some(asked) = &asked.header {
        object.insert(
            "header".to_owned(),
            header(asked, "/interactive/header", places)?,
        );
    }
    match asked.body.as_deref() {
        None | Some("") if frame.is_body_needed => {
            return Err(limit::missing("interactive.body.text"));
        }
        None | Some("") => {}
        Some(body) => {
            limit::at_most("interactive.body.text", body, frame.body_chars_max)?;
            object.insert("body".to_owned(), json!({ "text": body }));
        }
    }
    if let Some(footer) = asked.footer.as_deref().filter(|footer| !footer.is_empty()) {
        if !frame.has_footer {
            return Err(limit::no_place(frame.owner, "interactive.footer"));
        }
        limit::at_most("interactive.footer.text", footer, FOOTER_CHARS_MAX)?;
        object.insert("footer".to_owned(), json!({ "text": footer }));
    }
    Ok(object)
}

/// A header's object; `pointer` is where it stands.
fn header<'a>(asked: &'a Header, pointer: &str, places: &mut Places<'a>) -> Result<Value, Error> {
    let (kind, object) = match asked {
        Header::Text(text) => {
            let member = pointer.trim_start_matches('/').replace('/', ".");
            limit::text(format_args!("{member}.text"), text, HEADER_CHARS_MAX)?;
            return Ok(json!({ "type": "text", "text": text }));
        }
        Header::Image(source) => {
            let pointer = format!("{pointer}/image");
            (
                "image",
                media::object(&media::IMAGE, source, pointer, places)?,
            )
        }
        Header::Video(source) => {
            let pointer = format!("{pointer}/video");
            (
                "video",
                media::object(&media::VIDEO, source, pointer, places)?,
            )
        }
        Header::Document(document) => {
            if document.caption.is_some() {
                return Err(limit::no_place("a header", "document.caption"));
            }
            let pointer = format!("{pointer}/document");
            let source = &document.source;
            let mut object = media::object(&media::DOCUMENT, source, pointer, places)?;
            match &document.filename {
                Some(filename) => {
                    object.insert("filename".to_owned(), filename.as_str().into());
                }
                None => media::insert_filename(&mut object, source),
            }
            ("document", object)
        }
    };
    Ok(json!({ "type": kind, kind: object }))
}

fn reply_buttons(buttons: &[ReplyButton]) -> Result<Value, Error> {
    limit::count(
        "a message with buttons",
        "buttons",
        buttons.len(),
        1..=BUTTONS_MAX,
    )?;
    for (index, button) in buttons.iter().enumerate() {
        let member = |name| format!("interactive.action.buttons[{index}].reply.{name}");
        limit::text(member("id"), &button.id, BUTTON_ID_CHARS_MAX)?;
        limit::text(member("title"), &button.title, BUTTON_TITLE_CHARS_MAX)?;
    }
    limit::distinct("reply.id", buttons.iter().map(|button| button.id.as_str()))?;
    let button = |button: &ReplyButton| json!({ "type": "reply", "reply": { "id": button.id, "title": button.title } });
    Ok(buttons.iter().map(button).collect())
}

fn cta_url(link: &CtaUrl) -> Result<Value, Error> {
    const MEMBER: &str = "interactive.action.parameters";
    limit::text(
        format_args!("{MEMBER}.display_text"),
        &link.label,
        DISPLAY_TEXT_CHARS_MAX,
    )?;
    limit::url(format_args!("{MEMBER}.url"), &link.url)?;
    Ok(json!({
        "name": "cta_url",
        "parameters": { "display_text": link.label, "url": link.url },
    }))
}
