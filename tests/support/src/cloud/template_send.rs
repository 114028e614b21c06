//! The template object of a send: its own shape, and what it must be by the stored template.

use serde_json::Value;

use super::error::GraphError;
use super::interactive::PRODUCT_SECTION;
use super::kinds::{LOCATION, check_latitude, check_source};
use super::shape::{self, Flaw, Member, Shape, may, need};
use super::templates::{Placeholders, Template};

/// Where no limit is published: what a hydrated text may be long at most anyway.
const PARAMETER_CHARS_MAX: usize = 1024;
const HYDRATED_BODY_CHARS_MAX: usize = 1024;
const HYDRATED_HEADER_CHARS_MAX: usize = 60;
const COUPON_CHARS_MAX: usize = 20;
/// A one-time password, in the body and in its button.
const OTP_CHARS_MAX: usize = 15;

const TEMPLATE: &[Member] = &[
    need("name", Shape::Text(1, 512)),
    need(
        "language",
        Shape::Object(&[
            need("code", Shape::Text(2, 16)),
            may("policy", Shape::OneOf(&["deterministic"])),
        ]),
    ),
    may("components", Shape::List(&Shape::Object(COMPONENT), 0, 20)),
];
const COMPONENT: &[Member] = &[
    need("type", Shape::Text(1, 64)),
    may("sub_type", Shape::Text(1, 64)),
    may("index", Shape::Index(0, 9)),
    may("parameters", Shape::List(&Shape::Free, 0, 100)),
    may("cards", Shape::List(&Shape::Object(CARD), 2, 10)),
];
const CARD: &[Member] = &[
    need("card_index", Shape::Index(0, 9)),
    need(
        "components",
        Shape::List(&Shape::Object(CARD_COMPONENT), 0, 20),
    ),
];
const CARD_COMPONENT: &[Member] = &[
    need("type", Shape::Text(1, 64)),
    may("sub_type", Shape::Text(1, 64)),
    may("index", Shape::Index(0, 9)),
    may("parameters", Shape::List(&Shape::Free, 0, 100)),
];

const TYPE: Member = need("type", Shape::Any);
const MEDIUM: Shape = Shape::Object(&[
    may("id", Shape::Id),
    may("link", Shape::Link),
    may("filename", Shape::Text(1, 4096)),
]);
const THUMBNAIL: Member = may("thumbnail_product_retailer_id", Shape::Id);

/// What a parameter of each type holds.
const PARAMETERS: &[(&str, &[Member])] = &[
    (
        "text",
        &[
            TYPE,
            need("text", Shape::Text(1, PARAMETER_CHARS_MAX)),
            may("parameter_name", Shape::Text(1, 512)),
        ],
    ),
    ("image", &[TYPE, need("image", MEDIUM)]),
    ("video", &[TYPE, need("video", MEDIUM)]),
    ("document", &[TYPE, need("document", MEDIUM)]),
    (
        "location",
        &[TYPE, need("location", Shape::Object(LOCATION))],
    ),
    (
        "product",
        &[
            TYPE,
            need(
                "product",
                Shape::Object(&[
                    need("product_retailer_id", Shape::Id),
                    need("catalog_id", Shape::Id),
                ]),
            ),
        ],
    ),
    (
        "currency",
        &[
            TYPE,
            need(
                "currency",
                Shape::Object(&[
                    need("fallback_value", Shape::Text(1, PARAMETER_CHARS_MAX)),
                    need("code", Shape::Text(3, 3)),
                    need("amount_1000", Shape::Integer(i64::MIN, i64::MAX)),
                ]),
            ),
        ],
    ),
    (
        "date_time",
        &[
            TYPE,
            need(
                "date_time",
                Shape::Object(&[need("fallback_value", Shape::Text(1, PARAMETER_CHARS_MAX))]),
            ),
        ],
    ),
    ("payload", &[TYPE, need("payload", Shape::Text(1, 256))]),
    (
        "coupon_code",
        &[TYPE, need("coupon_code", Shape::Text(1, COUPON_CHARS_MAX))],
    ),
    (
        "limited_time_offer",
        &[
            TYPE,
            need(
                "limited_time_offer",
                Shape::Object(&[need("expiration_time_ms", Shape::Integer(1, i64::MAX))]),
            ),
        ],
    ),
    ("action", &[TYPE, need("action", Shape::Object(ACTION))]),
];
const ACTION: &[Member] = &[
    may("flow_token", Shape::Text(1, 4096)),
    may("flow_action_data", Shape::Free),
    THUMBNAIL,
    may("sections", Shape::List(&PRODUCT_SECTION, 1, 10)),
    may("order_details", Shape::Free),
];

/// Which parameters a button of each sub-type takes.
const SUB_TYPES: &[(&str, &[&str])] = &[
    ("quick_reply", &["payload"]),
    ("url", &["text"]),
    ("copy_code", &["coupon_code"]),
    ("flow", &["action"]),
    ("catalog", &["action"]),
    ("mpm", &["action"]),
    ("order_details", &["action"]),
    ("voice_call", &["payload"]),
];

/// The first mistake of a template object by itself.
pub(super) fn check(template: &Value) -> Result<(), GraphError> {
    shape::check(template, &Shape::Object(TEMPLATE), "template").map_err(Flaw::refusal)?;
    check_components(shape::list(template, "/components"), "template.components")
}

fn check_components(components: &[Value], path: &str) -> Result<(), GraphError> {
    for (at, component) in components.iter().enumerate() {
        let path = format!("{path}[{at}]");
        let kind = kind_of(component);
        let allowed: &[&str] = match &*kind {
            "header" => &["text", "image", "video", "document", "location", "product"],
            "body" => &["text", "currency", "date_time"],
            "limited_time_offer" => &["limited_time_offer"],
            "button" => button_parameters(component, &path)?,
            "carousel" => &[],
            _ => return Err(invalid(format!("{path}.type '{kind}' is not valid"))),
        };
        let is_button = kind == "button";
        for name in ["sub_type", "index"] {
            if !is_button && !component[name].is_null() {
                return Err(unexpected(name, &path));
            }
        }
        if (kind == "carousel") == component["cards"].is_null() {
            return Err(invalid(format!(
                "{path}: cards belong to a carousel, and to nothing else"
            )));
        }
        for (at, parameter) in shape::list(component, "/parameters").iter().enumerate() {
            check_parameter(parameter, allowed, &format!("{path}.parameters[{at}]"))?;
        }
        for card in shape::list(component, "/cards") {
            check_components(shape::list(card, "/components"), &path)?;
        }
    }
    Ok(())
}

fn button_parameters(component: &Value, path: &str) -> Result<&'static [&'static str], GraphError> {
    let missing = |name: &str| {
        let details = format!("Required parameter is missing: {path}.{name}");
        GraphError::with_details(131_008, details)
    };
    let sub_type = shape::text(component, "/sub_type").ok_or_else(|| missing("sub_type"))?;
    if component["index"].is_null() {
        return Err(missing("index"));
    }
    let lower = sub_type.to_ascii_lowercase();
    let known = SUB_TYPES.iter().find(|known| known.0 == lower);
    known
        .map(|known| known.1)
        .ok_or_else(|| invalid(format!("{path}.sub_type '{sub_type}' is not valid")))
}

fn check_parameter(parameter: &Value, allowed: &[&str], path: &str) -> Result<(), GraphError> {
    let kind = kind_of(parameter);
    let Some((_, members)) = PARAMETERS
        .iter()
        .find(|known| known.0 == kind && allowed.contains(&known.0))
    else {
        return Err(invalid(format!("{path}.type '{kind}' is not valid here")));
    };
    shape::check(parameter, &Shape::Object(members), path).map_err(Flaw::refusal)?;
    match &*kind {
        "image" | "video" | "document" => {
            check_source(&parameter[&*kind], &format!("{path}.{kind}"))
        }
        "location" => check_latitude(&parameter["location"]),
        _ => Ok(()),
    }
}

/// Case varies in Meta's own examples.
fn kind_of(part: &Value) -> String {
    shape::text(part, "/type")
        .unwrap_or_default()
        .to_ascii_lowercase()
}

fn invalid(details: impl Into<String>) -> GraphError {
    GraphError::with_details(131_009, details)
}

fn unexpected(name: &str, path: &str) -> GraphError {
    GraphError::parameter(format_args!(
        "Unexpected key \"{name}\" on param \"{path}\"."
    ))
}

/// Holds a send against the template that it names.
pub(super) fn match_template(sent: &Value, template: &Template) -> Result<(), GraphError> {
    match_components(shape::list(sent, "/components"), &template.components)?;
    if template.category == "AUTHENTICATION" {
        return match_password(shape::list(sent, "/components"));
    }
    Ok(())
}

fn match_components(sent: &[Value], defined: &[Value]) -> Result<(), GraphError> {
    for kind in ["header", "body"] {
        let definition = find(defined, kind);
        let parameters = find(sent, kind).map_or(&[][..], |part| shape::list(part, "/parameters"));
        match_texts(kind, definition, parameters)?;
    }
    match_offer(sent, defined)?;
    match_buttons(sent, defined)?;
    let cards = find(defined, "carousel").map_or(&[][..], |part| shape::list(part, "/cards"));
    let sent_cards = find(sent, "carousel").map_or(&[][..], |part| shape::list(part, "/cards"));
    if cards.len() != sent_cards.len() {
        return Err(count_mismatch("carousel", sent_cards.len(), cards.len()));
    }
    for (sent, defined) in sent_cards.iter().zip(cards) {
        match_components(
            shape::list(sent, "/components"),
            shape::list(defined, "/components"),
        )?;
    }
    Ok(())
}

fn find<'a>(components: &'a [Value], kind: &str) -> Option<&'a Value> {
    components.iter().find(|part| kind_of(part) == kind)
}

fn count_mismatch(part: &str, sent: usize, wanted: usize) -> GraphError {
    let details = format!(
        "{part}: number of localizable_params ({sent}) does not match the expected number of params ({wanted})"
    );
    GraphError::with_details(132_000, details)
}

/// A header or a body: texts for its placeholders, or the one medium of its format.
fn match_texts(kind: &str, definition: Option<&Value>, sent: &[Value]) -> Result<(), GraphError> {
    let format = definition
        .and_then(|definition| shape::text(definition, "/format"))
        .unwrap_or("TEXT")
        .to_ascii_lowercase();
    if format != "text" {
        if sent.len() != 1 {
            return Err(count_mismatch(kind, sent.len(), 1));
        }
        let given = kind_of(&sent[0]);
        let wanted = if format == "gif" { "video" } else { &format };
        if given == wanted || (format == "image" && given == "product") {
            return Ok(());
        }
        let details = format!(
            "{kind}: Format mismatch, expected {}, received {given}",
            wanted.to_uppercase()
        );
        return Err(GraphError::with_details(132_012, details));
    }
    let text = definition
        .and_then(|definition| shape::text(definition, "/text"))
        .unwrap_or_default();
    let placeholders = Placeholders::of(text);
    if sent.len() != placeholders.count() {
        return Err(count_mismatch(kind, sent.len(), placeholders.count()));
    }
    for parameter in sent {
        if kind == "header" && kind_of(parameter) != "text" {
            let details = format!(
                "{kind}: Format mismatch, expected TEXT, received {}",
                kind_of(parameter)
            );
            return Err(GraphError::with_details(132_012, details));
        }
        let name = shape::text(parameter, "/parameter_name");
        if !placeholders.takes(name) {
            return Err(GraphError::with_details(
                132_000,
                format!(
                    "{kind}: Parameter name {} is missing or unexpected",
                    name.unwrap_or("(none)")
                ),
            ));
        }
    }
    let filled: usize = sent.iter().map(parameter_chars).sum();
    let max = if kind == "body" {
        HYDRATED_BODY_CHARS_MAX
    } else {
        HYDRATED_HEADER_CHARS_MAX
    };
    if placeholders.chars_without() + filled > max {
        let details = format!("{kind}: Translated text is too long, at most {max} characters");
        return Err(GraphError::with_details(132_005, details));
    }
    Ok(())
}

fn parameter_chars(parameter: &Value) -> usize {
    [
        "/text",
        "/currency/fallback_value",
        "/date_time/fallback_value",
    ]
    .iter()
    .find_map(|pointer| shape::text(parameter, pointer))
    .map_or(0, |text| text.chars().count())
}

fn match_offer(sent: &[Value], defined: &[Value]) -> Result<(), GraphError> {
    let expires = find(defined, "limited_time_offer")
        .is_some_and(|offer| offer["limited_time_offer"]["has_expiration"] == true);
    let count =
        find(sent, "limited_time_offer").map_or(0, |part| shape::list(part, "/parameters").len());
    if count == usize::from(expires) {
        return Ok(());
    }
    Err(count_mismatch(
        "limited_time_offer",
        count,
        usize::from(expires),
    ))
}

/// Each sent button must exist at its index with its type; some must be sent.
fn match_buttons(sent: &[Value], defined: &[Value]) -> Result<(), GraphError> {
    let buttons = find(defined, "buttons").map_or(&[][..], |part| shape::list(part, "/buttons"));
    let mut filled = vec![0; buttons.len()];
    for part in sent.iter().filter(|part| kind_of(part) == "button") {
        let raw = &part["index"];
        let index = raw
            .as_u64()
            .or_else(|| raw.as_str()?.parse().ok())
            .and_then(|index| usize::try_from(index).ok())
            .unwrap_or(usize::MAX);
        let sub_type = shape::text(part, "/sub_type")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let Some(button) = buttons
            .get(index)
            .filter(|button| sub_type_of(button) == sub_type)
        else {
            let details = format!("buttons: there is no {sub_type} button at index {index}");
            return Err(GraphError::with_details(132_000, details));
        };
        let count = shape::list(part, "/parameters").len();
        let takes = parameters_wanted(button).1;
        if filled[index] > 0 || count > takes {
            return Err(count_mismatch(
                &format!("button at index {index}"),
                count,
                takes,
            ));
        }
        filled[index] = count;
    }
    for (at, button) in buttons.iter().enumerate() {
        let least = parameters_wanted(button).0;
        if filled[at] < least {
            return Err(count_mismatch(
                &format!("button at index {at}"),
                filled[at],
                least,
            ));
        }
    }
    Ok(())
}

/// The sub-type of a send for a button of a definition.
fn sub_type_of(button: &Value) -> String {
    match kind_of(button).as_str() {
        // A one-time password goes into a button with a link.
        "otp" => "url".to_owned(),
        "spm" => "mpm".to_owned(),
        other => other.to_owned(),
    }
}

/// How many parameters a button needs, and how many it takes.
fn parameters_wanted(button: &Value) -> (usize, usize) {
    match kind_of(button).as_str() {
        "url" => {
            let count = Placeholders::of(shape::text(button, "/url").unwrap_or_default()).count();
            (count, count)
        }
        "copy_code" | "otp" | "mpm" | "order_details" => (1, 1),
        "quick_reply" | "flow" | "catalog" | "spm" | "voice_call" => (0, 1),
        _ => (0, 0),
    }
}

/// The password stands in the body and in the button, the same in both.
fn match_password(sent: &[Value]) -> Result<(), GraphError> {
    let code_of = |kind: &str| {
        find(sent, kind)
            .and_then(|part| shape::text(part, "/parameters/0/text"))
            .unwrap_or_default()
    };
    let (body, button) = (code_of("body"), code_of("button"));
    if button.is_empty() || body == button && body.chars().count() <= OTP_CHARS_MAX {
        return Ok(());
    }
    Err(GraphError::with_details(
        132_012,
        format!(
            "the password must be the same in body and button, and at most {OTP_CHARS_MAX} characters"
        ),
    ))
}
