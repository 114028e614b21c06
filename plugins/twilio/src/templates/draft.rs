//! The Cloud API's components to a content of Twilio's: which type it is, and what stands in it.

use serde_json::{Map, Value, json};
use wharf_plugin::prelude::Error;
use wharf_plugin::templates::Create;

use super::placeholder::Variables;

/// <https://www.twilio.com/docs/content/content-types-overview>: buttons after approval, cards, a body.
const BUTTONS_MAX: usize = 10;
const CARDS_MAX: usize = 10;
const BODY_CHARS_MAX: usize = 1_024;
/// Meta's limits on the small texts: header and footer, a button.
const LINE_CHARS_MAX: usize = 60;
const BUTTON_CHARS_MAX: usize = 25;

/// One type of the Content API with its document, and the variables' samples.
pub(super) struct Content {
    pub(super) kind: &'static str,
    pub(super) document: Value,
    pub(super) variables: Value,
}

pub(super) fn content(draft: &Create) -> Result<Content, Error> {
    let definition: Value = serde_json::from_str(&draft.definition).unwrap_or_default();
    let components = definition["components"]
        .as_array()
        .or(definition.as_array());
    let Some(components) = components else {
        return Err(Error::invalid(
            "a template's definition is a list of components",
        ));
    };
    let mut variables = Variables::default();
    let parts = Parts::read(components)?;
    let (kind, document) = if draft.category.eq_ignore_ascii_case("AUTHENTICATION") {
        (
            "whatsapp/authentication",
            authentication(&parts, &mut variables)?,
        )
    } else {
        written(&parts, &mut variables)?
    };
    let variables = Value::Object(variables.into_samples());
    Ok(Content {
        kind,
        document,
        variables,
    })
}

/// A template's components, or a card's.
#[derive(Default)]
struct Parts<'a> {
    header: Option<&'a Value>,
    body: Option<&'a Value>,
    footer: Option<&'a Value>,
    buttons: &'a [Value],
    cards: Option<&'a [Value]>,
}

impl<'a> Parts<'a> {
    fn read(components: &'a [Value]) -> Result<Self, Error> {
        let mut parts = Self::default();
        for component in components {
            let kind = word(component, "type");
            match kind.as_str() {
                "HEADER" => parts.header = Some(component),
                "BODY" => parts.body = Some(component),
                "FOOTER" => parts.footer = Some(component),
                "BUTTONS" => parts.buttons = list(component, "buttons"),
                "CAROUSEL" => parts.cards = Some(list(component, "cards")),
                _ => {
                    return Err(Error::unsupported(&format!(
                        "template component {}",
                        kind.to_lowercase()
                    ))
                    .remedy(
                        "Twilio's contents have a header, a body, a footer, buttons and carousels.",
                    ));
                }
            }
        }
        Ok(parts)
    }

    fn text(&self, variables: &mut Variables) -> Result<String, Error> {
        let text = self
            .body
            .and_then(|body| body["text"].as_str())
            .unwrap_or_default();
        if text.is_empty() {
            return Err(Error::invalid("a template needs a body with a text"));
        }
        let limited = limited("body", text, BODY_CHARS_MAX)?;
        let example = self.body.map_or(&Value::Null, |body| &body["example"]);
        variables.rewrite("body", limited, |name| sample(example, "body_text", name))
    }
}

/// The type that has room for all parts, and no more: simple types need no approval within a session.
fn written(parts: &Parts<'_>, variables: &mut Variables) -> Result<(&'static str, Value), Error> {
    if let Some(cards) = parts.cards {
        return carousel(parts, cards, variables).map(|document| ("twilio/carousel", document));
    }
    let header = header(parts, variables)?;
    let body = parts.text(variables)?;
    let footer = footer(parts)?;
    let mut document = Map::new();
    document.insert("body".to_owned(), body.into());
    if let Some(special) = special(parts, &mut document)? {
        if let Some(Header::Media(url)) = header {
            document.insert("media_url".to_owned(), url.into());
        }
        if let Some(footer) = footer {
            document.insert("subtitle".to_owned(), footer.into());
        }
        return Ok((special, Value::Object(document)));
    }
    let actions = actions(parts.buttons, variables)?;
    let kinds: Vec<&str> = actions
        .iter()
        .filter_map(|action| action["type"].as_str())
        .collect();
    let are_replies = kinds.iter().all(|kind| *kind == "QUICK_REPLY");
    let have_replies = kinds.contains(&"QUICK_REPLY");
    let is_plain = header.is_none() && footer.is_none();
    let kind = match (&header, kinds.is_empty()) {
        (None, true) if is_plain => "twilio/text",
        (Some(Header::Media(_)), true) if footer.is_none() => "twilio/media",
        (_, false) if is_plain && are_replies => "twilio/quick-reply",
        (_, false) if is_plain && !have_replies => "twilio/call-to-action",
        _ => "whatsapp/card",
    };
    match header {
        Some(Header::Text(text)) => document.insert("header_text".to_owned(), text.into()),
        Some(Header::Media(url)) => document.insert("media".to_owned(), json!([url])),
        None => None,
    };
    if let Some(footer) = footer {
        document.insert("footer".to_owned(), footer.into());
    }
    if !actions.is_empty() {
        document.insert("actions".to_owned(), actions.into());
    }
    Ok((kind, Value::Object(document)))
}

enum Header {
    Text(String),
    Media(String),
}

fn header(parts: &Parts<'_>, variables: &mut Variables) -> Result<Option<Header>, Error> {
    let Some(header) = parts.header else {
        return Ok(None);
    };
    let format = word(header, "format");
    match format.as_str() {
        "TEXT" | "" => {
            let text = header["text"].as_str().unwrap_or_default();
            let limited = limited("header", text, LINE_CHARS_MAX)?;
            let example = &header["example"];
            let text = variables.rewrite("header", limited, |name| {
                sample(example, "header_text", name)
            })?;
            Ok(Some(Header::Text(text)))
        }
        "IMAGE" | "VIDEO" | "DOCUMENT" => media(header).map(|url| Some(Header::Media(url))),
        _ => Err(Error::unsupported(&format!(
            "template header {}",
            format.to_lowercase()
        ))),
    }
}

/// Twilio keeps an address and fetches it whenever the template is sent.
fn media(header: &Value) -> Result<String, Error> {
    let example = &header["example"];
    let url = ["header_handle", "header_url"]
        .into_iter()
        .find_map(|name| match &example[name] {
            Value::Array(urls) => urls.first()?.as_str(),
            url => url.as_str(),
        });
    match url {
        Some(url) if url.starts_with("https://") => Ok(url.to_owned()),
        _ => Err(Error::invalid(
            "the header's medium has no https address in its example; Twilio fetches it from there",
        )
        .remedy("Put a lasting public https address of the file into the header's example.")),
    }
}

fn footer(parts: &Parts<'_>) -> Result<Option<String>, Error> {
    let text = parts.footer.and_then(|footer| footer["text"].as_str());
    text.filter(|text| !text.is_empty())
        .map(|text| limited("footer", text, LINE_CHARS_MAX).map(str::to_owned))
        .transpose()
}

/// Types that have one button of their own kind.
fn special(
    parts: &Parts<'_>,
    document: &mut Map<String, Value>,
) -> Result<Option<&'static str>, Error> {
    let Some((button, kind)) = parts.buttons.iter().find_map(|button| {
        let kind = word(button, "type");
        matches!(kind.as_str(), "FLOW" | "CATALOG" | "MPM").then_some((button, kind))
    }) else {
        return Ok(None);
    };
    if parts.buttons.len() > 1 {
        return Err(Error::invalid(
            "a template with a flow or a catalogue has that one button at Twilio",
        ));
    }
    if kind != "FLOW" {
        return Ok(Some("twilio/catalog"));
    }
    let id = match &button["flow_id"] {
        Value::Number(id) => id.to_string(),
        id => id.as_str().unwrap_or_default().to_owned(),
    };
    if id.is_empty() {
        return Err(Error::invalid("a flow's button needs its flow_id"));
    }
    let title = title(button)?;
    document.insert("button_text".to_owned(), title.into());
    document.insert("flow_id".to_owned(), id.into());
    if let Some(screen) = button["navigate_screen"].as_str() {
        document.insert("flow_first_page_id".to_owned(), screen.into());
    }
    if word(button, "flow_action") == "DATA_EXCHANGE" {
        document.insert("is_flow_first_page_endpoint".to_owned(), true.into());
    }
    Ok(Some("whatsapp/flows"))
}

fn actions(buttons: &[Value], variables: &mut Variables) -> Result<Vec<Value>, Error> {
    if buttons.len() > BUTTONS_MAX {
        return Err(Error::invalid(format!(
            "a template has at most {BUTTONS_MAX} buttons, this one has {}",
            buttons.len()
        )));
    }
    buttons
        .iter()
        .map(|button| action(button, variables))
        .collect()
}

fn action(button: &Value, variables: &mut Variables) -> Result<Value, Error> {
    let kind = word(button, "type");
    let title = title(button);
    match kind.as_str() {
        "QUICK_REPLY" => {
            let title = title?;
            // Without an id the answer could not be told from a text.
            let id = button["id"].as_str().unwrap_or(title);
            Ok(json!({ "type": kind, "title": title, "id": id }))
        }
        "URL" => {
            let url = button["url"].as_str().unwrap_or_default();
            let example = &button["example"];
            let url = variables.rewrite("button", url, |_| url_sample(url, example))?;
            Ok(json!({ "type": kind, "title": title?, "url": url }))
        }
        "PHONE_NUMBER" => {
            Ok(json!({ "type": kind, "title": title?, "phone": button["phone_number"] }))
        }
        "COPY_CODE" => {
            let example = first(&button["example"]).unwrap_or_default();
            if example.is_empty() {
                return Err(Error::invalid(
                    "the copy-code button has no example of a code",
                ));
            }
            let variable = variables.add("button", "1", example.to_owned())?;
            let title = button["text"].as_str().unwrap_or("Copy offer code");
            Ok(json!({ "type": kind, "title": title, "code": format!("{{{{{variable}}}}}") }))
        }
        "VOICE_CALL" => Ok(json!({ "type": kind, "title": title? })),
        _ => Err(Error::unsupported(&format!(
            "template button {}",
            kind.to_lowercase()
        ))),
    }
}

fn carousel(parts: &Parts<'_>, cards: &[Value], variables: &mut Variables) -> Result<Value, Error> {
    if cards.is_empty() || cards.len() > CARDS_MAX {
        return Err(Error::invalid(format!(
            "a carousel has 1 to {CARDS_MAX} cards, this one has {}",
            cards.len()
        )));
    }
    let body = parts.text(variables)?;
    let mut written = Vec::with_capacity(cards.len());
    for card in cards {
        let parts = Parts::read(list(card, "components"))?;
        let Some(header) = parts.header else {
            return Err(Error::invalid(
                "a card of a carousel needs a picture or a video",
            ));
        };
        let body = parts.text(variables)?;
        let media = media(header)?;
        let actions = actions(parts.buttons, variables)?;
        written.push(json!({ "body": body, "media": media, "actions": actions }));
    }
    Ok(json!({ "body": body, "cards": written }))
}

fn authentication(parts: &Parts<'_>, variables: &mut Variables) -> Result<Value, Error> {
    let [button] = parts.buttons else {
        return Err(Error::invalid(
            "an authentication template has one button, which copies the code",
        ));
    };
    if word(button, "type") != "OTP"
        || !matches!(word(button, "otp_type").as_str(), "COPY_CODE" | "")
    {
        return Err(Error::unsupported("authentication by one tap or none")
            .remedy("Use an OTP button with otp_type COPY_CODE."));
    }
    let text = button["text"].as_str().unwrap_or("Copy code");
    let text = limited("button", text, BUTTON_CHARS_MAX)?;
    let mut document = json!({
        "actions": [{ "type": "COPY_CODE", "copy_code_text": text }],
    });
    if let Some(wanted) = parts
        .body
        .and_then(|body| body["add_security_recommendation"].as_bool())
    {
        document["add_security_recommendation"] = wanted.into();
    }
    if let Some(minutes) = parts
        .footer
        .and_then(|footer| footer["code_expiration_minutes"].as_u64())
    {
        document["code_expiration_minutes"] = minutes.into();
    }
    variables.add("body", "1", "123456".to_owned())?;
    Ok(document)
}

fn title(button: &Value) -> Result<&str, Error> {
    let text = button["text"].as_str().unwrap_or_default();
    if text.is_empty() {
        return Err(Error::invalid("a button has no text"));
    }
    limited("button", text, BUTTON_CHARS_MAX)
}

fn limited<'a>(part: &str, text: &'a str, chars_max: usize) -> Result<&'a str, Error> {
    let chars = text.chars().count();
    if chars <= chars_max {
        return Ok(text);
    }
    Err(Error::invalid(format!(
        "a template's {part} has at most {chars_max} characters, this one has {chars}"
    )))
}

/// The example of a variable: by its number, or by its name.
fn sample(example: &Value, member: &str, name: &str) -> Option<String> {
    if let Ok(number) = name.parse::<usize>() {
        let list = &example[member];
        // A body's examples are a list of lists.
        let list = list.get(0).filter(|first| first.is_array()).unwrap_or(list);
        let text = list.get(number.checked_sub(1)?)?.as_str();
        return text.map(str::to_owned);
    }
    let named = example[format!("{member}_named_params").as_str()].as_array()?;
    let one = named.iter().find(|one| one["param_name"] == name)?;
    one["example"].as_str().map(str::to_owned)
}

/// The Cloud API takes the whole address or what fills its end; Twilio wants the latter.
fn url_sample(url: &str, example: &Value) -> Option<String> {
    let example = first(example)?;
    let start = url.split("{{").next().unwrap_or_default();
    Some(example.strip_prefix(start).unwrap_or(example).to_owned())
}

fn first(example: &Value) -> Option<&str> {
    example.as_str().or_else(|| example.get(0)?.as_str())
}

fn word(value: &Value, name: &str) -> String {
    value[name]
        .as_str()
        .unwrap_or_default()
        .to_ascii_uppercase()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}
