//! The template object of a send by itself: its shape.

use serde_json::Value;

use super::error::GraphError;
use super::interactive_shapes::PRODUCT_SECTION;
use super::kinds::{LOCATION, check_latitude, check_source};
use super::shape::{self, Flaw, Member, Shape, may, need};

/// Where no limit is published: what a hydrated text may be long at most anyway.
const PARAMETER_CHARS_MAX: usize = 1024;
const COUPON_CHARS_MAX: usize = 20;

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
pub(super) fn kind_of(part: &Value) -> String {
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
