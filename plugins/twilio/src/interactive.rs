//! Interactive messages as contents: Twilio has no other way to send buttons and lists. The content holds the
//! shape and the variables hold the words, so that one content serves all messages of one shape.

use serde_json::{Map, Value as Json, json};
use wharf_plugin::messages::{Action, CtaUrl, Header, Interactive, ListPicker, ReplyButton};
use wharf_plugin::prelude::*;

use crate::plain::{at_most, is_link, link};
use crate::variables::{self, VARIABLES_MAX, Variables};

/// Limits of content types (<https://www.twilio.com/docs/content/content-types-overview>): three quick replies
/// without an approval, ten rows, and the lengths of what stands on them.
const BUTTONS_MAX: usize = 3;
const ROWS_MAX: usize = 10;
const BODY_CHARS_MAX: usize = 1_024;
const HEADER_CHARS_MAX: usize = 60;
const FOOTER_CHARS_MAX: usize = 60;
const BUTTON_CHARS_MAX: usize = 20;
const ROW_CHARS_MAX: usize = 24;
const DESCRIPTION_CHARS_MAX: usize = 72;
const ID_CHARS_MAX: usize = 200;

/// A content as it must be at Twilio, and what fills it for one message.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The `types` of the content.
    pub(crate) types: Json,
    pub(crate) variables: Variables,
}

/// The content of an interactive message.
pub(crate) fn draft(interactive: &Interactive) -> Result<Draft, Error> {
    let mut variables = Variables::default();
    let (name, content) = match &interactive.action {
        Action::Buttons(buttons) => buttons_type(interactive, buttons, &mut variables)?,
        Action::List(list) => list_type(interactive, list, &mut variables)?,
        Action::CtaUrl(cta) => cta_type(interactive, cta, &mut variables)?,
        Action::Flow(document) => flow_type(interactive, document, &mut variables)?,
        Action::LocationRequest => return Err(cannot("interactive.location-request", SAY_IT)),
        Action::Carousel(_) => return Err(cannot("interactive.carousel", APPROVED)),
        Action::Other(raw) => return Err(other(&raw.document)),
    };
    if variables.len() > VARIABLES_MAX {
        return Err(Error::invalid(format!(
            "a content has at most {VARIABLES_MAX} variables at Twilio, this message needs {}: one for each line of its body and each text on a button or row",
            variables.len()
        ))
        .remedy("Write the body in fewer lines."));
    }
    Ok(Draft {
        types: json!({ name: content }),
        variables,
    })
}

const SAY_IT: &str = "Ask for the place in a text.";
const APPROVED: &str =
    "Have it approved as a template and send that: Twilio sends it in no other way.";

fn cannot(what: &str, remedy: &str) -> Error {
    Error::unsupported(what).remedy(remedy)
}

/// Products and catalogues need an approval, and the rest has no content type.
fn other(document: &str) -> Error {
    let document: Json = serde_json::from_str(document).unwrap_or_default();
    let name = document["type"].as_str().or(document["name"].as_str());
    match name {
        Some(name) => cannot(&format!("interactive.{name}"), APPROVED),
        None => cannot("interactive", APPROVED),
    }
}

type Named = (&'static str, Json);

fn buttons_type(
    interactive: &Interactive,
    buttons: &[ReplyButton],
    variables: &mut Variables,
) -> Result<Named, Error> {
    count("message", "buttons", buttons.len(), BUTTONS_MAX)?;
    let mut content = top(interactive, variables)?;
    let mut actions = Vec::with_capacity(buttons.len());
    for button in buttons {
        actions.push(json!({
            "type": "QUICK_REPLY",
            "title": variable("button's title", &button.title, BUTTON_CHARS_MAX, variables)?,
            "id": variable("button's id", &button.id, ID_CHARS_MAX, variables)?,
        }));
    }
    content.insert("actions".to_owned(), actions.into());
    Ok(card_or("twilio/quick-reply", content))
}

fn cta_type(
    interactive: &Interactive,
    cta: &CtaUrl,
    variables: &mut Variables,
) -> Result<Named, Error> {
    let mut content = top(interactive, variables)?;
    let action = json!({
        "type": "URL",
        "title": variable("button's label", &cta.label, BUTTON_CHARS_MAX, variables)?,
        "url": url("the button's link", &cta.url, variables)?,
    });
    content.insert("actions".to_owned(), json!([action]));
    Ok(card_or("twilio/call-to-action", content))
}

fn list_type(
    interactive: &Interactive,
    list: &ListPicker,
    variables: &mut Variables,
) -> Result<Named, Error> {
    if interactive.header.is_some() || interactive.footer.is_some() {
        return Err(cannot(
            "interactive.list with a header or footer",
            "Leave header and footer out, or write them into the body.",
        ));
    }
    let [section] = list.sections.as_slice() else {
        return Err(cannot(
            "interactive.list with several sections",
            "Put all rows into one section: Twilio's lists have no sections.",
        ));
    };
    count("list", "rows", section.rows.len(), ROWS_MAX)?;
    let mut content = top(interactive, variables)?;
    let button = variable("list's label", &list.label, BUTTON_CHARS_MAX, variables)?;
    content.insert("button".to_owned(), button.into());
    let mut items = Vec::with_capacity(section.rows.len());
    for row in &section.rows {
        let mut item = json!({
            "item": variable("row's title", &row.title, ROW_CHARS_MAX, variables)?,
            "id": variable("row's id", &row.id, ID_CHARS_MAX, variables)?,
        });
        if let Some(text) = row.description.as_deref().filter(|text| !text.is_empty()) {
            item["description"] =
                variable("row's description", text, DESCRIPTION_CHARS_MAX, variables)?.into();
        }
        items.push(item);
    }
    content.insert("items".to_owned(), items.into());
    Ok(("twilio/list-picker", content.into()))
}

/// `document`: the Cloud API's parameters of a flow. What Twilio has no member for is refused by its name.
fn flow_type(
    interactive: &Interactive,
    document: &str,
    variables: &mut Variables,
) -> Result<Named, Error> {
    let flow: Json = serde_json::from_str(document).unwrap_or_default();
    let payload = &flow["flow_action_payload"];
    let missing = |name: &str| Error::invalid(format!("a flow over Twilio needs `{name}`"));
    for (name, given) in [
        ("flow_name", flow.get("flow_name").is_some()),
        ("flow_action_payload.data", payload.get("data").is_some()),
        ("mode draft", flow["mode"] == "draft"),
        ("a header", interactive.header.is_some()),
    ] {
        if given {
            return Err(cannot(
                &format!("interactive.flow with {name}"),
                "Name a published flow by its id, without data for its first screen.",
            ));
        }
    }
    let mut content = top(interactive, variables)?;
    if let Some(footer) = content.remove("footer") {
        content.insert("subtitle".to_owned(), footer);
    }
    let label = flow["flow_cta"]
        .as_str()
        .ok_or_else(|| missing("flow_cta"))?;
    let button = variable("flow's label", label, BUTTON_CHARS_MAX, variables)?;
    content.insert("button_text".to_owned(), button.into());
    let id = text_of(&flow["flow_id"]).ok_or_else(|| missing("flow_id"))?;
    content.insert("flow_id".to_owned(), fixed("flow_id", id)?);
    if let Some(token) = flow["flow_token"].as_str() {
        let token = variable("flow's token", token, ID_CHARS_MAX, variables)?;
        content.insert("flow_token".to_owned(), token.into());
    }
    if let Some(screen) = payload["screen"].as_str() {
        let screen = fixed("flow_action_payload.screen", screen.to_owned())?;
        content.insert("flow_first_page_id".to_owned(), screen);
    }
    let endpoint = flow["flow_action"] == "data_exchange";
    content.insert("is_flow_first_page_endpoint".to_owned(), endpoint.into());
    Ok(("whatsapp/flows", content.into()))
}

/// Body, footer and header, which all types begin with.
fn top(interactive: &Interactive, variables: &mut Variables) -> Result<Map<String, Json>, Error> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let body = given(&interactive.body).ok_or_else(|| {
        Error::invalid("an interactive message over Twilio needs a body")
            .remedy("Give the message a body.")
    })?;
    at_most("interactive message's body", &body, BODY_CHARS_MAX)?;
    let mut content = Map::new();
    let body = variables::skeleton(&body, variables);
    content.insert("body".to_owned(), body.into());
    if let Some(footer) = given(&interactive.footer) {
        let footer = variable("footer", &footer, FOOTER_CHARS_MAX, variables)?;
        content.insert("footer".to_owned(), footer.into());
    }
    let source = match &interactive.header {
        None => return Ok(content),
        Some(Header::Text(text)) => {
            let text = variable("header", text, HEADER_CHARS_MAX, variables)?;
            content.insert("header_text".to_owned(), text.into());
            return Ok(content);
        }
        Some(Header::Image(source)) => link("image", source)?,
        Some(Header::Video(source)) => link("video", source)?,
        Some(Header::Document(media)) => link("document", &media.source)?,
    };
    let place = match source.as_slice() {
        [Piece::Text(link)] => url("the header's link", link, variables)?,
        _ => variables.next_value(source),
    };
    content.insert("media".to_owned(), json!([place]));
    Ok(content)
}

/// Header and footer exist on WhatsApp's card only.
fn card_or(name: &'static str, content: Map<String, Json>) -> Named {
    let card = ["header_text", "media", "footer"]
        .iter()
        .any(|member| content.contains_key(*member));
    (if card { "whatsapp/card" } else { name }, content.into())
}

fn count(of: &str, what: &str, given: usize, max: usize) -> Result<(), Error> {
    if (1..=max).contains(&given) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "a {of} has 1 to {max} {what} at Twilio, this one has {given}"
    ))
    .remedy(&format!("Give it at most {max} {what}.")))
}

/// A text as a variable of its own.
fn variable(
    what: &str,
    text: &str,
    chars_max: usize,
    variables: &mut Variables,
) -> Result<String, Error> {
    at_most(what, text, chars_max)?;
    if let Some(problem) = variables::problem(text) {
        return Err(Error::invalid(format!(
            "a {what} {problem}, which Twilio does not take"
        )));
    }
    Ok(variables.next(text))
}

/// A link keeps its scheme and host, which WhatsApp wants to be fixed; the path is a variable.
fn url(what: &str, url: &str, variables: &mut Variables) -> Result<String, Error> {
    let refused = |problem: &str| Err(Error::invalid(format!("{what} {problem}")));
    if !is_link(url) {
        return refused("is no https URL");
    }
    let path = url
        .match_indices('/')
        .nth(2)
        .map_or(url.len(), |(index, _)| index + 1);
    let (site, path) = url.split_at_checked(path).unwrap_or((url, ""));
    if site.contains(['{', '}']) {
        return refused("has braces in its host");
    }
    match path {
        "" => Ok(site.to_owned()),
        path if variables::problem(path).is_some() => refused("is too long for Twilio"),
        path => Ok(format!("{site}{}", variables.next(path))),
    }
}

/// What stands in the content itself and must not look like a placeholder.
fn fixed(name: &str, text: String) -> Result<Json, Error> {
    if text.is_empty() || text.contains(['{', '}']) {
        return Err(Error::invalid(format!("`{name}` is no id of a flow")));
    }
    Ok(text.into())
}

fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
