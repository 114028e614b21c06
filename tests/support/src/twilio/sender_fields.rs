//! The fields of the Senders API and of the typing indicator.
//!
//! From `twilio_messaging_v2.json` of Twilio's OpenAPI documents (`twilio/twilio-oai`, MIT, 2026-04-14).
//! They leave the elements of `websites` and `emails` open; these are those of its examples.

use super::shapes::{Field, Kind, may, must};

const ANY: Kind = Kind::Text(0);
const METHODS: Kind = Kind::OneOf(&["POST", "PUT"]);
pub(super) const CONFIGURATION: &[Field] = &[
    may("waba_id", ANY),
    may("verification_method", Kind::OneOf(&["sms", "voice"])),
    may("verification_code", ANY),
    may("voice_application_sid", ANY),
    may("account_type", Kind::OneOf(&["ISV", "ISVSubAccount"])),
];
pub(super) const WEBHOOK: &[Field] = &[
    may("callback_url", ANY),
    may("callback_method", METHODS),
    may("fallback_url", ANY),
    may("fallback_method", METHODS),
    may("status_callback_url", ANY),
    may("status_callback_method", ANY),
];
const VERTICALS: &[&str] = &[
    "Alcohol",
    "Automotive",
    "Beauty, Spa and Salon",
    "Clothing and Apparel",
    "Education",
    "Entertainment",
    "Event Planning and Service",
    "Finance and Banking",
    "Food and Grocery",
    "Hotel and Lodging",
    "Matrimony Service",
    "Medical and Health",
    "Non-profit",
    "Online Gambling",
    "OTC Drugs",
    "Other",
    "Physical Gambling",
    "Professional Services",
    "Public Service",
    "Restaurant",
    "Shopping and Retail",
    "Travel and Transportation",
];
pub(super) const PROFILE: &[Field] = &[
    may("name", ANY),
    may("about", ANY),
    may("address", ANY),
    may("description", ANY),
    may("logo_url", ANY),
    may("banner_url", ANY),
    may("privacy_url", ANY),
    may("terms_of_service_url", ANY),
    may("accent_color", ANY),
    may("vertical", Kind::OneOf(VERTICALS)),
    may(
        "websites",
        Kind::TextsOrObjects(&[must("website", ANY), may("label", ANY)]),
    ),
    may(
        "emails",
        Kind::TextsOrObjects(&[must("email", ANY), may("label", ANY)]),
    ),
    may(
        "phone_numbers",
        Kind::TextsOrObjects(&[must("phone_number", ANY), may("label", ANY)]),
    ),
];
pub(super) const UPDATE: &[Field] = &[
    may("configuration", Kind::Object(CONFIGURATION)),
    may("webhook", Kind::Object(WEBHOOK)),
    may("profile", Kind::Object(PROFILE)),
];
pub(super) const CREATE: &[Field] = &[
    must("sender_id", ANY),
    may("configuration", Kind::Object(CONFIGURATION)),
    may("webhook", Kind::Object(WEBHOOK)),
    may("profile", Kind::Object(PROFILE)),
];
/// Of version 3; version 2 is a form.
pub(super) const TYPING: &[Field] = &[
    must("channel", Kind::OneOf(&["WHATSAPP"])),
    must("messageId", ANY),
];
