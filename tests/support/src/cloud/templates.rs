//! Templates of an account: what may be created, and how one is found.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::error::GraphError;
use super::shape::{self, Flaw, Member, Shape, may, need};

const HEADER_CHARS_MAX: usize = 60;
const BODY_CHARS_MAX: usize = 1024;
const FOOTER_CHARS_MAX: usize = 60;
const BUTTONS_MAX: usize = 10;
const LABEL_CHARS_MAX: usize = 25;
const URL_CHARS_MAX: usize = 2000;
const PHONE_CHARS_MAX: usize = 20;
/// Buttons of a type, where fewer than all may be of it.
const BUTTONS_OF_TYPE_MAX: &[(&str, usize)] = &[("URL", 2), ("PHONE_NUMBER", 1), ("COPY_CODE", 1)];
const CARD_BODY_CHARS_MAX: usize = 160;
/// Characters beyond a limit, by Meta's list of codes.
const TOO_LONG: u32 = 2_388_040;
const BAD_BODY: u32 = 2_388_072;
const BAD_HEADER: u32 = 2_388_047;

const CATEGORIES: &[&str] = &["MARKETING", "UTILITY", "AUTHENTICATION"];
const CREATE: &[Member] = &[
    need("name", Shape::Text(1, 512)),
    need("category", Shape::OneOf(CATEGORIES)),
    need("language", Shape::Text(2, 16)),
    may(
        "parameter_format",
        Shape::OneOf(&["named", "positional", "NAMED", "POSITIONAL"]),
    ),
    need("components", Shape::List(&Shape::Free, 1, 10)),
    may("message_send_ttl_seconds", Shape::Integer(-1, 2_592_000)),
    may("allow_category_change", Shape::Bool),
];
const EDIT: &[Member] = &[
    may("category", Shape::OneOf(CATEGORIES)),
    may(
        "parameter_format",
        Shape::OneOf(&["named", "positional", "NAMED", "POSITIONAL"]),
    ),
    may("components", Shape::List(&Shape::Free, 1, 10)),
    may("message_send_ttl_seconds", Shape::Integer(-1, 2_592_000)),
];
const HEADER_FORMATS: &[&str] = &["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "GIF"];
const BUTTON_TYPES: &[&str] = &[
    "QUICK_REPLY",
    "URL",
    "PHONE_NUMBER",
    "COPY_CODE",
    "FLOW",
    "OTP",
    "MPM",
    "SPM",
    "CATALOG",
    "VOICE_CALL",
    "ORDER_DETAILS",
];

/// One language of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub id: String,
    /// The account that has it.
    pub account_id: String,
    pub name: String,
    pub language: String,
    pub category: String,
    /// `PENDING`, `APPROVED`, `REJECTED`, `PAUSED`, `DISABLED`, ...
    pub status: String,
    pub quality: String,
    pub reason: Option<String>,
    pub components: Vec<Value>,
    pub parameter_format: String,
}

impl Template {
    /// An approved template as a test wants it there.
    #[must_use]
    pub fn approved(name: &str, language: &str, category: &str, components: Value) -> Self {
        Self {
            id: String::new(),
            account_id: String::new(),
            name: name.to_owned(),
            language: language.to_owned(),
            category: category.to_owned(),
            status: "APPROVED".to_owned(),
            quality: "GREEN".to_owned(),
            reason: None,
            components: match components {
                Value::Array(components) => components,
                other => vec![other],
            },
            parameter_format: "POSITIONAL".to_owned(),
        }
    }

    /// What every new account has.
    pub(crate) fn hello_world() -> Self {
        let components = json!([
            { "type": "HEADER", "format": "TEXT", "text": "Hello World" },
            { "type": "BODY", "text": "Welcome and congratulations!! This message demonstrates your ability \
              to send a WhatsApp message notification from the Cloud API." },
            { "type": "FOOTER", "text": "WhatsApp Business Platform sample message" },
        ]);
        Self::approved("hello_world", "en_US", "UTILITY", components)
    }

    /// As the list shows it.
    pub(crate) fn shown(&self) -> Value {
        let mut shown = json!({
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "status": self.status,
            "category": self.category,
            "components": self.components,
            "parameter_format": self.parameter_format,
            "quality_score": { "score": self.quality },
        });
        if let Some(reason) = &self.reason {
            shown["rejected_reason"] = json!(reason);
        }
        shown
    }
}

/// The variables of a text: `{{1}}`, or `{{name}}`.
pub(crate) struct Placeholders {
    names: BTreeSet<String>,
    chars_without: usize,
}

impl Placeholders {
    pub(crate) fn of(text: &str) -> Self {
        let mut names = BTreeSet::new();
        let (mut rest, mut chars_without) = (text, 0);
        while let Some((before, behind)) = rest.split_once("{{") {
            let Some((name, after)) = behind.split_once("}}") else {
                break;
            };
            names.insert(name.trim().to_owned());
            chars_without += before.chars().count();
            rest = after;
        }
        Self {
            names,
            chars_without: chars_without + rest.chars().count(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn chars_without(&self) -> usize {
        self.chars_without
    }

    fn are_positions(&self) -> bool {
        (1..=self.names.len()).all(|at| self.names.contains(&at.to_string()))
    }

    /// Positions are filled in their order, names by name.
    pub(crate) fn takes(&self, name: Option<&str>) -> bool {
        match name {
            None => self.are_positions(),
            Some(name) => !self.are_positions() && self.names.contains(name),
        }
    }
}

/// Reads what `POST /{account}/message_templates` was given.
pub(crate) fn read_create(body: &Value, account_id: &str) -> Result<Template, GraphError> {
    shape::check(body, &Shape::Object(CREATE), "").map_err(Flaw::parameter)?;
    let name = shape::text(body, "/name").unwrap_or_default();
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.bytes().all(is_name) {
        return Err(GraphError::parameter(
            "Param name must consist of lower-case letters, digits and underscores.",
        ));
    }
    let category = shape::text(body, "/category").unwrap_or_default();
    let mut components = shape::list(body, "/components").to_vec();
    if category == "AUTHENTICATION" {
        components.iter_mut().for_each(write_password_text);
    }
    check_components(&components, Whole::Template)?;
    let named = shape::text(body, "/parameter_format")
        .is_some_and(|format| format.eq_ignore_ascii_case("named"));
    Ok(Template {
        status: "PENDING".to_owned(),
        quality: "UNKNOWN".to_owned(),
        account_id: account_id.to_owned(),
        parameter_format: if named { "NAMED" } else { "POSITIONAL" }.to_owned(),
        ..Template::approved(
            name,
            shape::text(body, "/language").unwrap_or_default(),
            category,
            Value::Array(components),
        )
    })
}

/// Meta writes the text of an authentication template itself.
fn write_password_text(component: &mut Value) {
    if shape::text(component, "/type") == Some("BODY") && component["text"].is_null() {
        component["text"] = json!("*{{1}}* is your verification code.");
        component["example"] = json!({ "body_text": [["123456"]] });
    }
}

/// What components make up. A card may do without a body, and has a shorter one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Template,
    Card,
}

/// Applies what `POST /{template}` was given; an edited template is looked at again.
pub(crate) fn edit(template: &mut Template, body: &Value) -> Result<(), GraphError> {
    shape::check(body, &Shape::Object(EDIT), "").map_err(Flaw::parameter)?;
    let components = shape::list(body, "/components");
    if !components.is_empty() {
        check_components(components, Whole::Template)?;
        template.components = components.to_vec();
    }
    if let Some(category) = shape::text(body, "/category") {
        template.category = category.to_owned();
    }
    template.status = "PENDING".to_owned();
    Ok(())
}

fn check_components(components: &[Value], whole: Whole) -> Result<(), GraphError> {
    let mut seen = BTreeSet::new();
    for component in components {
        let kind = shape::text(component, "/type")
            .unwrap_or_default()
            .to_ascii_uppercase();
        if !seen.insert(kind.clone()) {
            let details = format!("there is more than one {kind} component");
            return Err(GraphError::parameter(details));
        }
        match kind.as_str() {
            "HEADER" => check_header(component)?,
            "BODY" => check_body(component, whole)?,
            "FOOTER" => {
                let text = shape::text(component, "/text").unwrap_or_default();
                check_chars("footer", text, FOOTER_CHARS_MAX)?;
            }
            "BUTTONS" => check_buttons(shape::list(component, "/buttons"))?,
            "CAROUSEL" => check_cards(shape::list(component, "/cards"))?,
            "LIMITED_TIME_OFFER" => {}
            _ => {
                return Err(GraphError::parameter(format_args!(
                    "Param components['type'] must be one of {{HEADER, BODY, FOOTER, BUTTONS, CAROUSEL, \
                     LIMITED_TIME_OFFER}} - got \"{kind}\"."
                )));
            }
        }
    }
    if whole == Whole::Card || seen.contains("BODY") {
        return Ok(());
    }
    Err(GraphError::with_details(
        BAD_BODY,
        "a template needs a body",
    ))
}

fn check_chars(part: &str, text: &str, max: usize) -> Result<(), GraphError> {
    let count = text.chars().count();
    if (1..=max).contains(&count) {
        return Ok(());
    }
    let details = format!("The {part} must have 1 to {max} characters, not {count}");
    Err(GraphError::with_details(TOO_LONG, details))
}

fn check_header(header: &Value) -> Result<(), GraphError> {
    let format = shape::text(header, "/format").unwrap_or_default();
    if !HEADER_FORMATS.contains(&format) {
        let details = format!("header format '{format}' is not one of {HEADER_FORMATS:?}");
        return Err(GraphError::with_details(BAD_HEADER, details));
    }
    match format {
        "TEXT" => {
            let text = shape::text(header, "/text").unwrap_or_default();
            check_chars("header", text, HEADER_CHARS_MAX)?;
            let count = Placeholders::of(text).count();
            if count > 1 {
                let details = format!("a header has at most one variable, this one has {count}");
                return Err(GraphError::with_details(BAD_HEADER, details));
            }
            let has_example = !shape::list(header, "/example/header_text").is_empty()
                || !shape::list(header, "/example/header_text_named_params").is_empty();
            if count == 1 && !has_example {
                let details = "a header with a variable needs an example";
                return Err(GraphError::with_details(BAD_HEADER, details));
            }
        }
        "LOCATION" => {}
        _ if shape::list(header, "/example/header_handle").is_empty() => {
            let details = "a header with a medium needs example.header_handle";
            return Err(GraphError::with_details(BAD_HEADER, details));
        }
        _ => {}
    }
    Ok(())
}

fn check_body(body: &Value, whole: Whole) -> Result<(), GraphError> {
    let chars_max = match whole {
        Whole::Template => BODY_CHARS_MAX,
        Whole::Card => CARD_BODY_CHARS_MAX,
    };
    let text = shape::text(body, "/text").unwrap_or_default();
    check_chars("body", text, chars_max)?;
    let count = Placeholders::of(text).count();
    let examples = match shape::list(body, "/example/body_text").first() {
        Some(Value::Array(examples)) => examples.len(),
        _ => shape::list(body, "/example/body_text_named_params").len(),
    };
    if count == examples {
        return Ok(());
    }
    let details = format!("the body has {count} variables and {examples} examples");
    Err(GraphError::with_details(BAD_BODY, details))
}

fn check_buttons(buttons: &[Value]) -> Result<(), GraphError> {
    let count = buttons.len();
    if !(1..=BUTTONS_MAX).contains(&count) {
        return Err(GraphError::parameter(format_args!(
            "a template has 1 to {BUTTONS_MAX} buttons, not {count}"
        )));
    }
    let of_type = |kind: &str| {
        buttons
            .iter()
            .filter(|button| shape::text(button, "/type") == Some(kind))
            .count()
    };
    for (kind, max) in BUTTONS_OF_TYPE_MAX {
        if of_type(kind) > *max {
            return Err(GraphError::parameter(format_args!(
                "a template has at most {max} {kind} buttons, not {}",
                of_type(kind)
            )));
        }
    }
    for button in buttons {
        let kind = shape::text(button, "/type").unwrap_or_default();
        if !BUTTON_TYPES.contains(&kind) {
            return Err(GraphError::parameter(format_args!(
                "Param buttons['type'] must be one of {BUTTON_TYPES:?} - got \"{kind}\"."
            )));
        }
        if let Some(label) = shape::text(button, "/text") {
            check_chars("label of a button", label, LABEL_CHARS_MAX)?;
        }
        match kind {
            "URL" => check_url(button)?,
            "PHONE_NUMBER" => check_chars(
                "phone number of a button",
                shape::text(button, "/phone_number").unwrap_or_default(),
                PHONE_CHARS_MAX,
            )?,
            _ => {}
        }
    }
    Ok(())
}

/// One variable at most, at the end, with an example.
fn check_url(button: &Value) -> Result<(), GraphError> {
    let url = shape::text(button, "/url").unwrap_or_default();
    check_chars("url of a button", url, URL_CHARS_MAX)?;
    let count = Placeholders::of(url).count();
    if count == 0 || (count == 1 && url.ends_with("}}") && !button["example"].is_null()) {
        return Ok(());
    }
    Err(GraphError::parameter(
        "a url has one variable at most, at its end, with an example",
    ))
}

fn check_cards(cards: &[Value]) -> Result<(), GraphError> {
    if !(2..=10).contains(&cards.len()) {
        let details = format!("a carousel has 2 to 10 cards, not {}", cards.len());
        return Err(GraphError::parameter(details));
    }
    cards
        .iter()
        .try_for_each(|card| check_components(shape::list(card, "/components"), Whole::Card))
}
