//! The types of the Content API, field by field.
//!
//! Fields from `twilio_content_v1.json` of Twilio's OpenAPI documents (`twilio/twilio-oai`, MIT,
//! 2026-04-14); limits of WhatsApp from <https://www.twilio.com/docs/content/content-types-overview>.

use serde_json::Value;

use super::error::TwilioError;
use super::shapes::{self, Field, Kind, may, must};

const ANY: Kind = Kind::Text(0);
const TITLE_CHARS_MAX: usize = 20;
const ID_CHARS_MAX: usize = 200;
const BODY_CHARS_MAX: usize = 1024;
const MANY: usize = 1000;

/// Media of one message: WhatsApp shows one.
const MEDIA: Kind = Kind::Texts(1);

const LIST_ITEMS: &[Field] = &[
    must("item", Kind::Text(24)),
    must("id", Kind::Text(ID_CHARS_MAX)),
    may("description", Kind::Text(72)),
];
const QUICK_REPLIES: &[Field] = &[
    may("type", Kind::OneOf(&["QUICK_REPLY"])),
    must("title", Kind::Text(TITLE_CHARS_MAX)),
    may("id", Kind::Text(ID_CHARS_MAX)),
];
const CALLS_TO_ACTION: &[Field] = &[
    must(
        "type",
        Kind::OneOf(&[
            "URL",
            "PHONE_NUMBER",
            "COPY_CODE",
            "VOICE_CALL",
            "VOICE_CALL_REQUEST",
        ]),
    ),
    must("title", ANY),
    may("url", ANY),
    may("phone", ANY),
    may("code", ANY),
    may("id", ANY),
];
const CARD_ACTIONS: &[Field] = &[
    must(
        "type",
        Kind::OneOf(&[
            "URL",
            "PHONE_NUMBER",
            "QUICK_REPLY",
            "COPY_CODE",
            "VOICE_CALL",
        ]),
    ),
    must("title", ANY),
    may("url", ANY),
    may("phone", ANY),
    may("id", ANY),
    may("code", ANY),
    may(
        "webview_size",
        Kind::OneOf(&["TALL", "FULL", "HALF", "NONE"]),
    ),
];
const CAROUSEL_ACTIONS: &[Field] = &[
    must("type", Kind::OneOf(&["URL", "PHONE_NUMBER", "QUICK_REPLY"])),
    must("title", ANY),
    may("url", ANY),
    may("phone", ANY),
    may("id", ANY),
];
const CAROUSEL_CARDS: &[Field] = &[
    may("title", ANY),
    must("body", ANY),
    must("media", ANY),
    must("actions", Kind::Objects(CAROUSEL_ACTIONS, 0, MANY)),
];
const AUTHENTICATION_ACTIONS: &[Field] = &[
    must("type", Kind::OneOf(&["COPY_CODE"])),
    must("copy_code_text", ANY),
];
const CATALOG_ITEMS: &[Field] = &[
    may("id", ANY),
    may("section_title", ANY),
    may("name", ANY),
    may("media_url", ANY),
    may("price", Kind::Number),
    may("description", ANY),
];
const FLOW_COMPONENTS: &[Field] = &[may("label", ANY), must("type", ANY)];
const FLOW_PAGES: &[Field] = &[
    must("id", ANY),
    may("next_page_id", ANY),
    must("title", ANY),
    may("subtitle", ANY),
    must("layout", Kind::Objects(FLOW_COMPONENTS, 0, MANY)),
];

const TYPES: &[(&str, &[Field])] = &[
    ("twilio/text", &[must("body", Kind::Text(1600))]),
    ("twilio/media", &[may("body", ANY), must("media", MEDIA)]),
    (
        "twilio/location",
        &[
            must("latitude", Kind::Number),
            must("longitude", Kind::Number),
            may("label", ANY),
            may("id", ANY),
            may("address", ANY),
        ],
    ),
    (
        "twilio/list-picker",
        &[
            must("body", Kind::Text(BODY_CHARS_MAX)),
            must("button", Kind::Text(TITLE_CHARS_MAX)),
            must("items", Kind::Objects(LIST_ITEMS, 1, 10)),
        ],
    ),
    (
        "twilio/quick-reply",
        &[
            must("body", Kind::Text(BODY_CHARS_MAX)),
            must("actions", Kind::Objects(QUICK_REPLIES, 1, 10)),
        ],
    ),
    (
        "twilio/call-to-action",
        &[
            must("body", ANY),
            must("actions", Kind::Objects(CALLS_TO_ACTION, 1, MANY)),
        ],
    ),
    (
        "twilio/card",
        &[
            may("title", ANY),
            may("subtitle", ANY),
            may("media", MEDIA),
            may("actions", Kind::Objects(CARD_ACTIONS, 0, MANY)),
        ],
    ),
    (
        "whatsapp/card",
        &[
            must("body", ANY),
            may("footer", ANY),
            may("media", MEDIA),
            may("header_text", ANY),
            may("actions", Kind::Objects(CARD_ACTIONS, 0, MANY)),
        ],
    ),
    (
        "whatsapp/authentication",
        &[
            may("add_security_recommendation", Kind::Flag),
            may("code_expiration_minutes", Kind::Number),
            must("actions", Kind::Objects(AUTHENTICATION_ACTIONS, 1, 1)),
        ],
    ),
    (
        "twilio/carousel",
        &[
            must("body", ANY),
            must("cards", Kind::Objects(CAROUSEL_CARDS, 1, 10)),
        ],
    ),
    (
        "twilio/catalog",
        &[
            may("title", ANY),
            must("body", ANY),
            may("subtitle", ANY),
            may("id", ANY),
            may("items", Kind::Objects(CATALOG_ITEMS, 0, MANY)),
            may("dynamic_items", ANY),
        ],
    ),
    (
        "twilio/flows",
        &[
            must("body", ANY),
            must("button_text", ANY),
            may("subtitle", ANY),
            may("media_url", ANY),
            must("pages", Kind::Objects(FLOW_PAGES, 1, MANY)),
            must("type", ANY),
        ],
    ),
    (
        "whatsapp/flows",
        &[
            must("body", ANY),
            must("button_text", ANY),
            may("subtitle", ANY),
            may("media_url", ANY),
            must("flow_id", ANY),
            may("flow_token", ANY),
            may("flow_first_page_id", ANY),
            may("is_flow_first_page_endpoint", Kind::Flag),
        ],
    ),
    (
        "twilio/schedule",
        &[must("id", ANY), must("title", ANY), must("timeSlots", ANY)],
    ),
];

/// Refuses types that there are not, and fields that a type has not.
pub(super) fn check(types: &Value) -> Result<(), TwilioError> {
    let Some(types) = types.as_object().filter(|types| !types.is_empty()) else {
        return Err(TwilioError::of_code(92_001));
    };
    for (name, value) in types {
        let Some((_, fields)) = TYPES.iter().find(|(known, _)| known == name) else {
            return Err(TwilioError::because(92_008, name));
        };
        shapes::check(value, fields, &format!("types.{name}"))?;
        check_actions(name, value)?;
    }
    Ok(())
}

/// Each kind of button needs what it does.
fn check_actions(name: &str, value: &Value) -> Result<(), TwilioError> {
    let of_cards = value["cards"].as_array().into_iter().flatten();
    let lists = std::iter::once(value).chain(of_cards);
    for (index, action) in lists
        .filter_map(|holder| holder["actions"].as_array())
        .flatten()
        .enumerate()
    {
        let needed = match action["type"].as_str() {
            Some("URL") => "url",
            Some("PHONE_NUMBER") => "phone",
            _ => continue,
        };
        if !action[needed].is_string() {
            return Err(TwilioError::invalid(format_args!(
                "types.{name}.actions[{index}] of its type needs '{needed}'"
            )));
        }
    }
    Ok(())
}
