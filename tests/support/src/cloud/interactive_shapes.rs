//! Interactive messages: one shape for each type.

use super::shape::{Member, Shape, may, need};

/// Rows of a list message, all sections together.
pub(super) const ROWS_MAX: usize = 10;
pub(super) const PRODUCTS_MAX: usize = 30;
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

pub(super) const CTA_URL_ACTION: Shape = Shape::Object(&[
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
pub(super) const PRODUCT_CARD_ACTION: Shape = Shape::Object(&[
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

pub(super) const TYPES: &[(&str, &[Member])] = &[
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
