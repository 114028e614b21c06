//! A content's `types` as the Cloud API's template components. Places keep Twilio's variables (`{{1}}`,
//! `{{name}}`), so that a parameter's place says which variable it fills: the templates that are listed and
//! the templates that are sent read the same form.

use serde_json::{Map, Value as Json, json};

/// Reads one type's content as components.
type Read = fn(&Json) -> Vec<Json>;

/// Which of several types WhatsApp shows, the first that is there
/// (<https://www.twilio.com/docs/content/content-types-overview>: the richest that the channel knows).
const RICHEST: [(&str, Read); 12] = [
    ("whatsapp/authentication", authentication),
    ("whatsapp/card", card),
    ("whatsapp/flows", flow),
    ("twilio/flows", flow),
    ("twilio/catalog", catalog),
    ("twilio/carousel", carousel),
    ("twilio/card", card),
    ("twilio/list-picker", list_picker),
    ("twilio/call-to-action", card),
    ("twilio/quick-reply", card),
    ("twilio/media", card),
    ("twilio/text", card),
];

/// The components of the richest type, an array. Of a type that this plugin does not know: its body.
pub(crate) fn components(types: &Json) -> Json {
    let known = RICHEST.iter().find_map(|(name, read)| {
        let content = types.get(*name).filter(|content| content.is_object())?;
        Some(read(content))
    });
    let other = || {
        let content = types.as_object().and_then(|types| types.values().next());
        content.map(card).unwrap_or_default()
    };
    known.unwrap_or_else(other).into()
}

/// Everything with a header, a body, a footer and buttons.
fn card(content: &Json) -> Vec<Json> {
    let mut components: Vec<Json> = header(content).into_iter().collect();
    let lines: Vec<&str> = ["title", "body"]
        .iter()
        .filter_map(|name| text(content, name))
        .collect();
    if !lines.is_empty() {
        components.push(body(&lines.join("\n")));
    }
    if let Some(footer) = text(content, "footer").or(text(content, "subtitle")) {
        components.push(json!({ "type": "FOOTER", "text": footer }));
    }
    let buttons: Vec<Json> = list(content, "actions").iter().map(button).collect();
    if !buttons.is_empty() {
        components.push(buttons_of(buttons));
    }
    components
}

/// The code is the first variable of body and button alike.
fn authentication(content: &Json) -> Vec<Json> {
    let mut components = vec![json!({
        "type": "BODY",
        "text": "{{1}}",
        "add_security_recommendation": content["add_security_recommendation"] == true,
    })];
    if let Some(minutes) = content["code_expiration_minutes"].as_u64() {
        components.push(json!({ "type": "FOOTER", "code_expiration_minutes": minutes }));
    }
    let buttons: Vec<Json> = list(content, "actions")
        .iter()
        .map(|action| {
            json!({
                "type": "OTP",
                "otp_type": "COPY_CODE",
                "text": action["copy_code_text"],
                "example": ["{{1}}"],
            })
        })
        .collect();
    components.push(buttons_of(buttons));
    components
}

fn carousel(content: &Json) -> Vec<Json> {
    let cards: Vec<Json> = list(content, "cards")
        .iter()
        .map(|one| json!({ "components": card(one) }))
        .collect();
    let mut components: Vec<Json> = text(content, "body").map(body).into_iter().collect();
    components.push(json!({ "type": "CAROUSEL", "cards": cards }));
    components
}

fn flow(content: &Json) -> Vec<Json> {
    let mut components = card(content);
    let mut button = json!({ "type": "FLOW", "text": content["button_text"] });
    if let Some(id) = content.get("flow_id") {
        button["flow_id"] = id.clone();
    }
    components.push(buttons_of(vec![button]));
    components
}

fn catalog(content: &Json) -> Vec<Json> {
    let mut components = card(content);
    components.push(buttons_of(vec![json!({
        "type": "CATALOG",
        "text": "View catalog",
        "items": content["items"],
        "dynamic_items": content["dynamic_items"],
    })]));
    components
}

fn list_picker(content: &Json) -> Vec<Json> {
    let mut components = card(content);
    components.push(buttons_of(vec![json!({
        "type": "LIST",
        "text": content["button"],
        "items": content["items"],
    })]));
    components
}

/// A text, or a medium whose link may hold variables.
fn header(content: &Json) -> Option<Json> {
    if let Some(text) = text(content, "header_text") {
        return Some(json!({ "type": "HEADER", "format": "TEXT", "text": text }));
    }
    let media = match &content["media"] {
        Json::Array(links) => links.first()?.as_str()?,
        Json::String(link) => link,
        _ => text(content, "media_url")?,
    };
    Some(json!({
        "type": "HEADER",
        "format": format_of(media),
        "example": { "header_handle": [media] },
    }))
}

/// Twilio names no format; the file's ending does, and a picture is the commonest.
fn format_of(link: &str) -> &'static str {
    let path = link.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit_once('.').map(|(_, ending)| ending);
    match ending.unwrap_or_default().to_ascii_lowercase().as_str() {
        "mp4" | "3gp" | "3gpp" => "VIDEO",
        "pdf" | "doc" | "docx" | "ppt" | "pptx" | "xls" | "xlsx" => "DOCUMENT",
        _ => "IMAGE",
    }
}

/// Twilio's action as a button, its id beside what the Cloud API has.
fn button(action: &Json) -> Json {
    let mut button = Map::new();
    let mut put = |name: &str, value: &Json| {
        if !value.is_null() {
            button.insert(name.to_owned(), value.clone());
        }
    };
    // Quick replies may leave their type out.
    let kind = action["type"].as_str().unwrap_or("QUICK_REPLY");
    put("type", &kind.into());
    put("text", &action["title"]);
    put("url", &action["url"]);
    put("phone_number", &action["phone"]);
    if let Some(code) = action["code"].as_str() {
        put("example", &json!([code]));
    }
    put("id", &action["id"]);
    button.into()
}

fn buttons_of(buttons: Vec<Json>) -> Json {
    json!({ "type": "BUTTONS", "buttons": buttons })
}

fn body(text: &str) -> Json {
    json!({ "type": "BODY", "text": text })
}

fn text<'a>(content: &'a Json, name: &str) -> Option<&'a str> {
    content[name].as_str().filter(|text| !text.is_empty())
}

fn list<'a>(content: &'a Json, name: &str) -> &'a [Json] {
    content[name].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(types: Json) -> Vec<String> {
        let components = components(&types);
        let kind = |component: &Json| component["type"].as_str().map(str::to_owned);
        components
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(kind)
            .collect()
    }

    #[test]
    fn the_richest_type_is_what_whatsapp_shows() {
        let types = json!({
            "twilio/text": { "body": "plain" },
            "twilio/quick-reply": { "body": "rich", "actions": [{ "title": "Yes", "id": "y{{1}}" }] },
        });
        assert_eq!(
            components(&types),
            json!([
                { "type": "BODY", "text": "rich" },
                { "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "Yes", "id": "y{{1}}" }] },
            ])
        );
    }

    #[test]
    fn every_type_of_the_reference_has_its_components() {
        for (types, expected) in [
            (json!({ "twilio/text": { "body": "a" } }), vec!["BODY"]),
            (
                json!({ "twilio/media": { "body": "a", "media": ["https://a/{{1}}"] } }),
                vec!["HEADER", "BODY"],
            ),
            (
                json!({ "twilio/card": { "title": "a", "subtitle": "b", "media": ["https://a/b.mp4"], "actions": [{ "type": "URL", "title": "c", "url": "https://a/" }] } }),
                vec!["HEADER", "BODY", "FOOTER", "BUTTONS"],
            ),
            (
                json!({ "whatsapp/card": { "body": "a", "header_text": "b", "footer": "c" } }),
                vec!["HEADER", "BODY", "FOOTER"],
            ),
            (
                json!({ "whatsapp/authentication": { "actions": [{ "type": "COPY_CODE", "copy_code_text": "Copy" }], "code_expiration_minutes": 5 } }),
                vec!["BODY", "FOOTER", "BUTTONS"],
            ),
            (
                json!({ "twilio/carousel": { "body": "a", "cards": [{ "body": "b", "media": "https://a/", "actions": [] }] } }),
                vec!["BODY", "CAROUSEL"],
            ),
            (
                json!({ "twilio/call-to-action": { "body": "a", "actions": [{ "type": "PHONE_NUMBER", "title": "c", "phone": "+1" }] } }),
                vec!["BODY", "BUTTONS"],
            ),
            (
                json!({ "twilio/list-picker": { "body": "a", "button": "b", "items": [] } }),
                vec!["BODY", "BUTTONS"],
            ),
            (
                json!({ "twilio/catalog": { "body": "a", "id": "1" } }),
                vec!["BODY", "BUTTONS"],
            ),
            (
                json!({ "whatsapp/flows": { "body": "a", "button_text": "b", "flow_id": "1" } }),
                vec!["BODY", "BUTTONS"],
            ),
            (json!({ "twilio/new": { "body": "a" } }), vec!["BODY"]),
            (json!({}), vec![]),
            (Json::Null, vec![]),
            (json!([1]), vec![]),
            (json!({ "twilio/text": null, "twilio/media": 7 }), vec![]),
        ] {
            assert_eq!(kinds(types.clone()), expected, "{types}");
        }
    }

    #[test]
    fn a_medium_is_named_by_its_ending() {
        for (link, format) in [
            ("https://a.example/{{1}}", "IMAGE"),
            ("https://a.example/a.MP4?b=c.pdf", "VIDEO"),
            ("https://a.example/a.pdf", "DOCUMENT"),
        ] {
            assert_eq!(format_of(link), format);
        }
    }
}
