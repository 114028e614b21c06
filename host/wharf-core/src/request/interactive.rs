//! Interactive messages: what stands around an action, and the actions that are modelled. Another `type` is a
//! provider's own and passed through.

use serde_json::{Value, json};

use super::limits::{self, Chars};
use super::media::{self, MediaRole};
use super::reader::{Object, Reader};
use super::{cards, content};
use crate::provider::{
    Action, CtaUrl, Header, Interactive, ListPicker, ListRow, ListSection, Media, Raw, ReplyButton,
};

pub(super) fn interactive(read: &mut Reader, object: &Object<'_>) -> Option<Interactive> {
    read.only(
        object,
        &["type", "header", "body", "footer", "action", "media"],
    );
    if !object.has("type") {
        let give = "give `type`, such as button, list, cta_url, flow, carousel";
        return read.missing(object, "type", give);
    }
    let kind = read.string(object, "type")?;
    let frame = Frame::of(&kind);
    if object.has("media") && frame.is_modelled {
        let detail = "`media` belongs beside an action that is the provider's own";
        read.error(&object.pointer("media"), "invalid", detail);
    }
    let header = frame.header(read, object);
    let body = frame.body(read, object);
    let footer = frame.footer(read, object);
    let action = match kind.as_str() {
        "button" => buttons(read, object),
        "list" => list(read, object),
        "cta_url" => named(read, object, "cta_url")
            .and_then(|parameters| cta_url(read, &parameters))
            .map(Action::CtaUrl),
        "location_request_message" => location_request(read, object),
        "flow" => flow(read, object),
        "carousel" => cards::cards(read, object).map(Action::Carousel),
        kind => other(read, object, kind),
    };
    Some(Interactive {
        header,
        body,
        footer,
        action: action?,
    })
}

/// What may stand around an action.
struct Frame {
    is_modelled: bool,
    headers: &'static [&'static str],
    body: &'static Chars,
    needs_body: bool,
    has_footer: bool,
}

impl Frame {
    fn of(kind: &str) -> Self {
        let all: &[&str] = &["text", "image", "video", "document"];
        let (is_modelled, headers, body, has_footer) = match kind {
            "button" | "cta_url" | "flow" => (true, all, &limits::BODY, true),
            "list" => (true, &all[..1], &limits::LIST_BODY, true),
            "location_request_message" | "carousel" => (true, &all[..0], &limits::BODY, false),
            _ => (false, all, &limits::LIST_BODY, true),
        };
        Self {
            is_modelled,
            headers,
            body,
            needs_body: is_modelled,
            has_footer,
        }
    }

    fn header(&self, read: &mut Reader, object: &Object<'_>) -> Option<Header> {
        if self.headers.is_empty() {
            if object.has("header") {
                let detail = "an interactive message of this type has no header";
                read.error(&object.pointer("header"), "invalid", detail);
            }
            return None;
        }
        let inner = read.object(object, "header")?;
        header(read, &inner, self.headers)
    }

    fn body(&self, read: &mut Reader, object: &Object<'_>) -> Option<String> {
        if !object.has("body") {
            if self.needs_body {
                let give = "give `body` as {\"text\": \"...\"}";
                return read.missing(object, "body", give);
            }
            return None;
        }
        words(read, object, "body", self.body)
    }

    fn footer(&self, read: &mut Reader, object: &Object<'_>) -> Option<String> {
        if object.has("footer") && !self.has_footer {
            let detail = "an interactive message of this type has no footer";
            read.error(&object.pointer("footer"), "invalid", detail);
            return None;
        }
        words(read, object, "footer", &limits::FOOTER)
    }
}

/// `{"text": "..."}`.
pub(super) fn words(
    read: &mut Reader,
    within: &Object<'_>,
    name: &str,
    limit: &Chars,
) -> Option<String> {
    let object = read.object(within, name)?;
    read.only(&object, &["text"]);
    read.needed_text(&object, "text", limit)
}

/// What stands above a message or a card; one of these kinds.
pub(super) fn header(read: &mut Reader, object: &Object<'_>, kinds: &[&str]) -> Option<Header> {
    if !object.has("type") {
        let give = format!("give `type`, one of {}", kinds.join(", "));
        return read.missing(object, "type", &give);
    }
    let kind = read.word(object, "type", kinds)?;
    read.only(object, &["type", kind]);
    Some(match kind {
        "text" => Header::Text(read.needed_text(object, "text", &limits::HEADER)?),
        "image" => Header::Image(media::bare(read, object, kind, MediaRole::Image)?),
        "video" => Header::Video(media::bare(read, object, kind, MediaRole::Video)?),
        _ => Header::Document(document(read, object)?),
    })
}

fn document(read: &mut Reader, within: &Object<'_>) -> Option<Media> {
    let give = "give {\"id\": ...} or {\"link\": \"https://...\"}";
    let object = read.needed_object(within, "document", give)?;
    read.only(&object, &["id", "link", "filename"]);
    let filename = read.text(&object, "filename", &limits::FILENAME);
    let source = media::source(read, &object, MediaRole::Document)?;
    Some(Media {
        source,
        caption: None,
        filename,
        voice: false,
    })
}

fn action<'v>(read: &mut Reader, object: &Object<'v>) -> Option<Object<'v>> {
    read.needed_object(object, "action", "give `action`, as its type wants it")
}

/// The parameters of an action that carries its name.
fn named<'v>(read: &mut Reader, object: &Object<'v>, name: &str) -> Option<Object<'v>> {
    let action = action(read, object)?;
    action_name(read, &action, name);
    read.only(&action, &["name", "parameters"]);
    read.needed_object(&action, "parameters", "give the parameters of the action")
}

pub(super) fn action_name(read: &mut Reader, action: &Object<'_>, name: &str) {
    if action.has("name") {
        read.word(action, "name", &[name]);
    } else {
        read.missing::<()>(action, "name", &format!("give `name`, here \"{name}\""));
    }
}

fn buttons(read: &mut Reader, object: &Object<'_>) -> Option<Action> {
    let action = action(read, object)?;
    read.only(&action, &["buttons"]);
    let given = read.needed_objects(&action, "buttons", &limits::BUTTONS)?;
    let mut buttons = Vec::new();
    for button in &given {
        read.only(button, &["type", "reply"]);
        if button.has("type") {
            read.word(button, "type", &["reply"]);
        }
        let give = "give `reply` as {\"id\": \"...\", \"title\": \"...\"}";
        let Some(reply) = read.needed_object(button, "reply", give) else {
            continue;
        };
        read.only(&reply, &["id", "title"]);
        let id = read.needed_text(&reply, "id", &limits::BUTTON_ID);
        let title = read.needed_text(&reply, "title", &limits::BUTTON_TITLE);
        if let (Some(id), Some(title)) = (id, title) {
            buttons.push((ReplyButton { id, title }, reply));
        }
    }
    let ids = buttons
        .iter()
        .map(|(button, at)| (button.id.as_str(), at.pointer("id")));
    read.unique("a button's id", ids);
    let titles = buttons
        .iter()
        .map(|(button, at)| (button.title.as_str(), at.pointer("title")));
    read.unique("a button's title", titles);
    Some(Action::Buttons(
        buttons.into_iter().map(|(button, _)| button).collect(),
    ))
}

fn list(read: &mut Reader, object: &Object<'_>) -> Option<Action> {
    let action = action(read, object)?;
    read.only(&action, &["button", "sections"]);
    let label = read.needed_text(&action, "button", &limits::LIST_LABEL);
    let given = read.needed_objects(&action, "sections", &limits::SECTIONS)?;
    let mut sections = Vec::new();
    let mut ids = Vec::new();
    for section in &given {
        read.only(section, &["title", "rows"]);
        let title = read.text(section, "title", &limits::SECTION_TITLE);
        if given.len() > 1 && !section.has("title") {
            let give = "give `title`: with several sections each has one";
            read.missing::<()>(section, "title", give);
        }
        let rows = read
            .needed_objects(section, "rows", &limits::ROWS)
            .unwrap_or_default();
        let rows: Vec<ListRow> = rows
            .iter()
            .filter_map(|row| {
                let row_read = list_row(read, row)?;
                ids.push((row_read.id.clone(), row.pointer("id")));
                Some(row_read)
            })
            .collect();
        sections.push(ListSection { title, rows });
    }
    let total = sections.iter().map(|section| section.rows.len()).sum();
    if given.len() > 1 {
        let checked = limits::ROWS.check(&action.pointer("sections"), total);
        read.keep(checked);
    }
    read.unique(
        "a row's id",
        ids.iter().map(|(id, at)| (id.as_str(), at.clone())),
    );
    Some(Action::List(ListPicker {
        label: label?,
        sections,
    }))
}

fn list_row(read: &mut Reader, row: &Object<'_>) -> Option<ListRow> {
    read.only(row, &["id", "title", "description"]);
    let id = read.needed_text(row, "id", &limits::ROW_ID);
    let title = read.needed_text(row, "title", &limits::ROW_TITLE);
    let description = read.text(row, "description", &limits::ROW_DESCRIPTION);
    Some(ListRow {
        id: id?,
        title: title?,
        description,
    })
}

/// `{"display_text", "url"}`.
pub(super) fn cta_url(read: &mut Reader, parameters: &Object<'_>) -> Option<CtaUrl> {
    read.only(parameters, &["display_text", "url"]);
    let label = read.needed_text(parameters, "display_text", &limits::LINK_LABEL);
    let url = media::link(read, parameters, "url");
    Some(CtaUrl {
        label: label?,
        url: url?,
    })
}

fn location_request(read: &mut Reader, object: &Object<'_>) -> Option<Action> {
    let action = action(read, object)?;
    read.only(&action, &["name"]);
    action_name(read, &action, "send_location");
    Some(Action::LocationRequest)
}

fn flow(read: &mut Reader, object: &Object<'_>) -> Option<Action> {
    let parameters = named(read, object, "flow")?;
    read.needed_text(&parameters, "flow_cta", &limits::FLOW_LABEL);
    match (parameters.has("flow_id"), parameters.has("flow_name")) {
        (true, true) => {
            let detail = "give `flow_id` or `flow_name`, not both";
            read.error(&parameters.pointer("flow_name"), "invalid", detail);
        }
        (false, false) => {
            let give = "give `flow_id` or `flow_name`";
            read.missing::<()>(&parameters, "flow_id", give);
        }
        _ => {}
    }
    let document = Value::Object(parameters.map.clone());
    read.document(&document, &parameters.at).map(Action::Flow)
}

/// What no case models: `type` and `action` as they are.
fn other(read: &mut Reader, object: &Object<'_>, kind: &str) -> Option<Action> {
    let is_word = !kind.is_empty()
        && kind.len() <= 64
        && kind
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !is_word {
        let detail = "a type is a word in lower case, such as button, list or product_list";
        read.error(&object.pointer("type"), "invalid", detail);
        return None;
    }
    let action = action(read, object)?;
    let media = content::placed(read, object);
    let document = json!({ "type": kind, "action": action.map });
    let document = read.document(&document, &action.at)?;
    Some(Action::Other(Raw { document, media }))
}
