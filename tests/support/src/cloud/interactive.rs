//! Interactive messages: one shape for each type, and the rules between their parts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::error::GraphError;
use super::kinds::check_source;
use super::shape::{self, Flaw, Member, Shape, may, need};

/// Rows of a list message, all sections together.
const ROWS_MAX: usize = 10;
const PRODUCTS_MAX: usize = 30;
const CARD_LINE_BREAKS_MAX: usize = 2;
/// Where no limit is published.
const FREE_TEXT_CHARS_MAX: usize = 4096;

const HEADER_MEDIA: Shape = Shape::Object(&[
    may("id", Shape::Id),
    may("link", Shape::Link),
    may("filename", Shape::Text(1, FREE_TEXT_CHARS_MAX)),
]);
const HEADER: Shape = Shape::Object(&[
    need(
        "type",
        Shape::OneOf(&["text", "image", "video", "document"]),
    ),
    may("text", Shape::Text(1, 60)),
    may("image", HEADER_MEDIA),
    may("video", HEADER_MEDIA),
    may("document", HEADER_MEDIA),
]);
const TEXT_HEADER: Shape = Shape::Object(&[
    need("type", Shape::OneOf(&["text"])),
    need("text", Shape::Text(1, 60)),
]);
const BODY: Shape = Shape::Object(&[need("text", Shape::Text(1, 1024))]);
const LONG_BODY: Shape = Shape::Object(&[need("text", Shape::Text(1, 4096))]);
const FOOTER: Shape = Shape::Object(&[need("text", Shape::Text(1, 60))]);

const TYPE: Member = need("type", Shape::Any);

const BUTTON: &[Member] = &[
    TYPE,
    may("header", HEADER),
    need("body", BODY),
    may("footer", FOOTER),
    need(
        "action",
        Shape::Object(&[need("buttons", Shape::List(&REPLY_BUTTON, 1, 3))]),
    ),
];
const REPLY_BUTTON: Shape = Shape::Object(&[
    need("type", Shape::OneOf(&["reply"])),
    need(
        "reply",
        Shape::Object(&[
            need("id", Shape::Text(1, 256)),
            need("title", Shape::Text(1, 20)),
        ]),
    ),
]);

const LIST: &[Member] = &[
    TYPE,
    may("header", TEXT_HEADER),
    need("body", LONG_BODY),
    may("footer", FOOTER),
    need(
        "action",
        Shape::Object(&[
            need("button", Shape::Text(1, 20)),
            need("sections", Shape::List(&SECTION, 1, 10)),
        ]),
    ),
];
const SECTION: Shape = Shape::Object(&[
    may("title", Shape::Text(1, 24)),
    need("rows", Shape::List(&ROW, 1, ROWS_MAX)),
]);
const ROW: Shape = Shape::Object(&[
    need("id", Shape::Text(1, 200)),
    need("title", Shape::Text(1, 24)),
    may("description", Shape::Text(0, 72)),
]);

const CTA_URL_ACTION: Shape = Shape::Object(&[
    need("name", Shape::OneOf(&["cta_url"])),
    need(
        "parameters",
        Shape::Object(&[
            need("display_text", Shape::Text(1, 20)),
            need("url", Shape::Link),
        ]),
    ),
]);
const CTA_URL: &[Member] = &[
    TYPE,
    may("header", HEADER),
    need("body", BODY),
    may("footer", FOOTER),
    need("action", CTA_URL_ACTION),
];

const FLOW: &[Member] = &[
    TYPE,
    may("header", HEADER),
    need("body", BODY),
    may("footer", FOOTER),
    need(
        "action",
        Shape::Object(&[
            need("name", Shape::OneOf(&["flow"])),
            need("parameters", FLOW_PARAMETERS),
        ]),
    ),
];
const FLOW_PARAMETERS: Shape = Shape::Object(&[
    need("flow_message_version", Shape::OneOf(&["3"])),
    may("flow_id", Shape::Id),
    may("flow_name", Shape::Text(1, FREE_TEXT_CHARS_MAX)),
    // 30 characters are a recommendation only.
    need("flow_cta", Shape::Text(1, FREE_TEXT_CHARS_MAX)),
    may("mode", Shape::OneOf(&["draft", "published"])),
    may("flow_token", Shape::Text(1, FREE_TEXT_CHARS_MAX)),
    may("flow_action", Shape::OneOf(&["navigate", "data_exchange"])),
    may(
        "flow_action_payload",
        Shape::Object(&[
            need("screen", Shape::Text(1, 512)),
            may("data", Shape::Free),
        ]),
    ),
]);

const PRODUCT: &[Member] = &[
    TYPE,
    may("body", BODY),
    may("footer", FOOTER),
    need(
        "action",
        Shape::Object(&[
            need("catalog_id", Shape::Id),
            need("product_retailer_id", Shape::Id),
        ]),
    ),
];
pub(super) const PRODUCT_SECTION: Shape = Shape::Object(&[
    may("title", Shape::Text(1, 24)),
    need(
        "product_items",
        Shape::List(
            &Shape::Object(&[need("product_retailer_id", Shape::Id)]),
            1,
            PRODUCTS_MAX,
        ),
    ),
]);
const PRODUCT_LIST: &[Member] = &[
    TYPE,
    need("header", TEXT_HEADER),
    need("body", BODY),
    may("footer", FOOTER),
    need(
        "action",
        Shape::Object(&[
            need("catalog_id", Shape::Id),
            need("sections", Shape::List(&PRODUCT_SECTION, 1, 10)),
        ]),
    ),
];
const CATALOG_MESSAGE: &[Member] = &[
    TYPE,
    need("body", BODY),
    may("footer", FOOTER),
    need(
        "action",
        Shape::Object(&[
            need("name", Shape::OneOf(&["catalog_message"])),
            may(
                "parameters",
                Shape::Object(&[may("thumbnail_product_retailer_id", Shape::Id)]),
            ),
        ]),
    ),
];

const LOCATION_REQUEST: &[Member] = &[
    TYPE,
    need("body", BODY),
    need(
        "action",
        Shape::Object(&[need("name", Shape::OneOf(&["send_location"]))]),
    ),
];
const ADDRESS: &[Member] = &[
    TYPE,
    may("header", HEADER),
    need("body", BODY),
    may("footer", FOOTER),
    need(
        "action",
        Shape::Object(&[
            need("name", Shape::OneOf(&["address_message"])),
            need(
                "parameters",
                Shape::Object(&[
                    need("country", Shape::OneOf(&["IN"])),
                    may("values", Shape::Free),
                    may("saved_addresses", Shape::List(&Shape::Free, 0, 100)),
                    may("validation_errors", Shape::Free),
                ]),
            ),
        ]),
    ),
];

const CAROUSEL: &[Member] = &[
    TYPE,
    need("body", BODY),
    need(
        "action",
        Shape::Object(&[need("cards", Shape::List(&CARD, 2, 10))]),
    ),
];
const CARD: Shape = Shape::Object(&[
    need("card_index", Shape::Integer(0, 9)),
    need("type", Shape::OneOf(&["cta_url", "product"])),
    may("header", HEADER),
    may("body", Shape::Object(&[need("text", Shape::Text(1, 160))])),
    need("action", Shape::Free),
]);
const PRODUCT_CARD_ACTION: Shape = Shape::Object(&[
    need("product_retailer_id", Shape::Id),
    need("catalog_id", Shape::Id),
]);

const CALL_PERMISSION: &[Member] = &[
    TYPE,
    may("body", BODY),
    need(
        "action",
        Shape::Object(&[need("name", Shape::OneOf(&["call_permission_request"]))]),
    ),
];
const VOICE_CALL: &[Member] = &[
    TYPE,
    need("body", BODY),
    need(
        "action",
        Shape::Object(&[
            need("name", Shape::OneOf(&["voice_call"])),
            may(
                "parameters",
                Shape::Object(&[
                    may("display_text", Shape::Text(1, 20)),
                    may("ttl_minutes", Shape::Integer(1, 43_200)),
                    may("payload", Shape::Text(0, 512)),
                ]),
            ),
        ]),
    ),
];
const CONTACT_REQUEST: &[Member] = &[
    TYPE,
    need("body", BODY),
    need(
        "action",
        Shape::Object(&[need("name", Shape::OneOf(&["request_contact_info"]))]),
    ),
];
const ORDER_DETAILS: &[Member] = &[
    TYPE,
    may("header", HEADER),
    need("body", BODY),
    may("footer", FOOTER),
    need(
        "action",
        Shape::Object(&[
            need("name", Shape::OneOf(&["review_and_pay"])),
            need("parameters", Shape::Object(ORDER_DETAILS_PARAMETERS)),
        ]),
    ),
];
const MONEY: Shape = Shape::Object(&[
    need("value", Shape::Integer(0, i64::MAX)),
    need("offset", Shape::Integer(100, 100)),
    may("description", Shape::Text(0, 60)),
    may("discount_program_name", Shape::Text(0, 60)),
]);
const ORDER_DETAILS_PARAMETERS: &[Member] = &[
    need("reference_id", Shape::Text(1, 512)),
    need("type", Shape::OneOf(&["digital-goods", "physical-goods"])),
    need("payment_settings", Shape::List(&Shape::Free, 1, 100)),
    need("currency", Shape::Text(3, 3)),
    need("total_amount", MONEY),
    may("payment_type", Shape::OneOf(&["br"])),
    need(
        "order",
        Shape::Object(&[
            need("status", Shape::OneOf(&["pending"])),
            need("items", Shape::List(&Shape::Free, 1, 999)),
            need("subtotal", MONEY),
            may("tax", MONEY),
            may("shipping", MONEY),
            may("discount", MONEY),
            may("catalog_id", Shape::Id),
            may("expiration", Shape::Free),
        ]),
    ),
];
const ORDER_STATES: &[&str] = &[
    "processing",
    "partially_shipped",
    "shipped",
    "completed",
    "canceled",
];
const ORDER_STATUS: &[Member] = &[
    TYPE,
    need("body", BODY),
    may("footer", FOOTER),
    need(
        "action",
        Shape::Object(&[
            need("name", Shape::OneOf(&["review_order"])),
            need(
                "parameters",
                Shape::Object(&[
                    need("reference_id", Shape::Text(1, 512)),
                    need(
                        "order",
                        Shape::Object(&[
                            need("status", Shape::OneOf(ORDER_STATES)),
                            may("description", Shape::Text(0, 120)),
                        ]),
                    ),
                    may("payment", Shape::Free),
                ]),
            ),
        ]),
    ),
];

const TYPES: &[(&str, &[Member])] = &[
    ("button", BUTTON),
    ("list", LIST),
    ("cta_url", CTA_URL),
    ("flow", FLOW),
    ("product", PRODUCT),
    ("product_list", PRODUCT_LIST),
    ("catalog_message", CATALOG_MESSAGE),
    ("location_request_message", LOCATION_REQUEST),
    ("address_message", ADDRESS),
    ("carousel", CAROUSEL),
    ("call_permission_request", CALL_PERMISSION),
    ("voice_call", VOICE_CALL),
    ("request_contact_info", CONTACT_REQUEST),
    ("order_details", ORDER_DETAILS),
    ("order_status", ORDER_STATUS),
];

/// The first mistake of an interactive object.
pub(super) fn check(interactive: &Value) -> Result<(), GraphError> {
    let Some(kind) = shape::text(interactive, "/type") else {
        let details = "Required parameter is missing: interactive.type";
        return Err(GraphError::with_details(131_008, details));
    };
    let Some((_, members)) = TYPES.iter().find(|known| known.0 == kind) else {
        let details = format!("interactive.type '{kind}' is not valid");
        return Err(GraphError::with_details(131_009, details));
    };
    if let Some(object) = interactive.as_object() {
        shape::check_members(object, members, "interactive").map_err(Flaw::refusal)?;
    }
    check_header(&interactive["header"], "interactive.header")?;
    match kind {
        "button" => unique(
            shape::list(interactive, "/action/buttons"),
            "/reply/id",
            "button",
        ),
        "list" => check_list(interactive),
        "flow" => check_flow(&interactive["action"]["parameters"]),
        "product_list" => check_products(shape::list(interactive, "/action/sections")),
        "carousel" => check_carousel(shape::list(interactive, "/action/cards")),
        _ => Ok(()),
    }
}

fn invalid(details: impl Into<String>) -> GraphError {
    GraphError::with_details(131_009, details)
}

/// A header has the part that its type names, and no other.
fn check_header(header: &Value, path: &str) -> Result<(), GraphError> {
    let Some(kind) = shape::text(header, "/type") else {
        return Ok(());
    };
    for part in ["text", "image", "video", "document"] {
        let is_there = header.get(part).is_some_and(|value| !value.is_null());
        if is_there != (part == kind) {
            return Err(invalid(format!(
                "{path} of type {kind} must have {kind} alone"
            )));
        }
    }
    if kind == "text" {
        return Ok(());
    }
    if kind != "document" && !header[kind]["filename"].is_null() {
        return Err(GraphError::parameter(format_args!(
            "Unexpected key \"filename\" on param \"{path}.{kind}\"."
        )));
    }
    check_source(&header[kind], &format!("{path}.{kind}"))
}

fn unique(items: &[Value], pointer: &str, what: &str) -> Result<(), GraphError> {
    let mut seen = BTreeSet::new();
    for id in items.iter().filter_map(|item| shape::text(item, pointer)) {
        if !seen.insert(id) {
            return Err(invalid(format!("Duplicated {what} id '{id}'")));
        }
    }
    Ok(())
}

fn check_list(interactive: &Value) -> Result<(), GraphError> {
    let sections = shape::list(interactive, "/action/sections");
    if sections.len() > 1 && sections.iter().any(|section| section["title"].is_null()) {
        return Err(GraphError::with_details(
            131_008,
            "Required parameter is missing: a title of each section when there are several",
        ));
    }
    let rows: Vec<Value> = sections
        .iter()
        .flat_map(|section| shape::list(section, "/rows").iter().cloned())
        .collect();
    if rows.len() > ROWS_MAX {
        let count = rows.len();
        return Err(invalid(format!(
            "Total row count exceeds the maximum allowed count: {ROWS_MAX}, not {count}"
        )));
    }
    unique(&rows, "/id", "row")
}

/// One of id and name; a screen is named by those who navigate.
fn check_flow(parameters: &Value) -> Result<(), GraphError> {
    if parameters["flow_id"].is_null() == parameters["flow_name"].is_null() {
        return Err(invalid("a flow is named by one of flow_id and flow_name"));
    }
    let exchanges = shape::text(parameters, "/flow_action") == Some("data_exchange");
    if exchanges && !parameters["flow_action_payload"].is_null() {
        return Err(invalid("flow_action_payload needs flow_action 'navigate'"));
    }
    Ok(())
}

fn check_products(sections: &[Value]) -> Result<(), GraphError> {
    let count: usize = sections
        .iter()
        .map(|section| shape::list(section, "/product_items").len())
        .sum();
    if count > PRODUCTS_MAX {
        return Err(invalid(format!(
            "a product list has at most {PRODUCTS_MAX} items, not {count}"
        )));
    }
    Ok(())
}

/// All cards are of one type, with one type of header or one catalog, and numbered from 0.
fn check_carousel(cards: &[Value]) -> Result<(), GraphError> {
    let first = cards.first().unwrap_or(&Value::Null);
    for (at, card) in cards.iter().enumerate() {
        let path = format!("interactive.action.cards[{at}]");
        if card["card_index"].as_u64() != u64::try_from(at).ok() {
            return Err(invalid(format!("{path}.card_index must be {at}")));
        }
        if card["type"] != first["type"] || card["header"]["type"] != first["header"]["type"] {
            return Err(invalid(
                "all cards must have the same type and the same type of header",
            ));
        }
        if shape::text(card, "/type") == Some("product") {
            shape::check(
                &card["action"],
                &PRODUCT_CARD_ACTION,
                &format!("{path}.action"),
            )
            .map_err(Flaw::refusal)?;
            if !card["header"].is_null() || !card["body"].is_null() {
                return Err(invalid("a product card has neither header nor body"));
            }
            if card["action"]["catalog_id"] != first["action"]["catalog_id"] {
                return Err(invalid("all cards must have the same catalog_id"));
            }
            continue;
        }
        shape::check(&card["action"], &CTA_URL_ACTION, &format!("{path}.action"))
            .map_err(Flaw::refusal)?;
        if !matches!(shape::text(card, "/header/type"), Some("image" | "video")) {
            return Err(invalid(format!(
                "{path}.header must be an image or a video"
            )));
        }
        check_header(&card["header"], &format!("{path}.header"))?;
        let breaks = shape::text(card, "/body/text").map_or(0, |text| text.matches('\n').count());
        if breaks > CARD_LINE_BREAKS_MAX {
            return Err(invalid(format!(
                "{path}.body.text has {breaks} line breaks, at most {CARD_LINE_BREAKS_MAX} are allowed"
            )));
        }
    }
    Ok(())
}
