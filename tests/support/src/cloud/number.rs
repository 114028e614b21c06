//! A number and everything that management calls read and change of it.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::config::PhoneNumber;
use super::error::GraphError;
use super::shape::{self, Flaw, Member, Shape, may, need};

const REGISTRATIONS_MAX: usize = 10;
const REGISTRATIONS_WITHIN: Duration = Duration::from_secs(72 * 60 * 60);
const CALLBACK_CHARS_MAX: usize = 200;

const REGISTER: &[Member] = &[
    need("messaging_product", Shape::OneOf(&["whatsapp"])),
    need("pin", Shape::Text(6, 6)),
    may("data_localization_region", Shape::Text(2, 2)),
];
const PROFILE: &[Member] = &[
    need("messaging_product", Shape::OneOf(&["whatsapp"])),
    may("about", Shape::Text(1, 139)),
    may("address", Shape::Text(0, 256)),
    // The OpenAPI document says 256, the page 512.
    may("description", Shape::Text(0, 512)),
    may("email", Shape::Text(0, 128)),
    may("websites", Shape::List(&Shape::Text(1, 256), 0, 2)),
    may("vertical", Shape::Text(0, 64)),
    may("profile_picture_handle", Shape::Text(1, 4096)),
];
const PROFILE_FIELDS: &[&str] = &[
    "about",
    "address",
    "description",
    "email",
    "profile_picture_url",
    "websites",
    "vertical",
];
pub(crate) const CALLBACK: &[Member] = &[
    need("override_callback_uri", Shape::Text(0, CALLBACK_CHARS_MAX)),
    may("verify_token", Shape::Text(1, 512)),
];

/// A number as the platform has it in its books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    pub base: Base,
    pub registered: bool,
    /// The PIN of its two-step verification, once it has one.
    pub pin: Option<String>,
    /// Whether its owner proved to have it (`code_verification_status`).
    pub code_verified: bool,
    pub verified_name: String,
    pub name_status: String,
    pub quality: String,
    /// `CONNECTED`, `PENDING`, `FLAGGED`, `RESTRICTED`, `BANNED`, ...
    pub status: String,
    pub throughput: String,
    pub messaging_limit: String,
    /// It is used in the WhatsApp Business app too.
    pub is_on_business_app: bool,
    pub can_send: String,
    pub profile: Map<String, Value>,
    /// Webhooks of this number go there.
    pub callback: Option<String>,
    pub groups: Vec<String>,
    pub(crate) registrations_ms: Vec<u64>,
    pub(crate) synchronised: Vec<String>,
    pub(crate) blocked: Vec<String>,
}

/// The id, the digits and the account: `PhoneNumber` without its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub id: String,
    pub display_number: String,
    pub account_id: String,
}

impl Number {
    /// A number that is ready to send.
    pub(crate) fn connected(number: &PhoneNumber) -> Self {
        Self {
            base: Base {
                id: number.id.clone(),
                display_number: number.display_number.clone(),
                account_id: number.account_id.clone(),
            },
            registered: true,
            pin: None,
            code_verified: true,
            verified_name: "Lucky Shrub".to_owned(),
            name_status: "APPROVED".to_owned(),
            quality: "GREEN".to_owned(),
            status: "CONNECTED".to_owned(),
            throughput: "STANDARD".to_owned(),
            messaging_limit: "TIER_2K".to_owned(),
            is_on_business_app: false,
            can_send: "AVAILABLE".to_owned(),
            profile: Map::new(),
            callback: None,
            groups: Vec::new(),
            registrations_ms: Vec::new(),
            synchronised: Vec::new(),
            blocked: Vec::new(),
        }
    }

    /// A number as it comes out of the signup: verified, and not registered yet.
    pub(crate) fn signed_up(number: &PhoneNumber) -> Self {
        Self {
            registered: false,
            status: "PENDING".to_owned(),
            messaging_limit: "TIER_250".to_owned(),
            quality: "UNKNOWN".to_owned(),
            ..Self::connected(number)
        }
    }

    /// As webhooks need it; the token is nobody's business here.
    pub(crate) fn phone_number(&self) -> PhoneNumber {
        PhoneNumber {
            id: self.base.id.clone(),
            display_number: self.base.display_number.clone(),
            account_id: self.base.account_id.clone(),
            token: String::new(),
        }
    }

    /// `POST /{phone}/register`.
    pub(crate) fn register(&mut self, body: &Value, now_ms: u64) -> Result<(), GraphError> {
        shape::check(body, &Shape::Object(REGISTER), "").map_err(Flaw::parameter)?;
        self.count_registration(now_ms)?;
        let pin = shape::text(body, "/pin").unwrap_or_default();
        if !super::message::is_digits(pin) {
            return Err(GraphError::parameter("Param pin must be 6 digits."));
        }
        if self.is_on_business_app {
            let details =
                "this number is used in the WhatsApp Business app and is registered by it";
            return Err(GraphError::with_details(100, details));
        }
        if !self.code_verified {
            return Err(GraphError::of_code(133_006));
        }
        if self.pin.as_deref().is_some_and(|known| known != pin) {
            return Err(GraphError::of_code(133_005));
        }
        self.pin = Some(pin.to_owned());
        self.registered = true;
        "CONNECTED".clone_into(&mut self.status);
        Ok(())
    }

    /// `POST /{phone}/deregister`.
    pub(crate) fn deregister(&mut self, now_ms: u64) -> Result<(), GraphError> {
        self.count_registration(now_ms)?;
        if self.is_on_business_app {
            let details = "a number of the WhatsApp Business app cannot be deregistered";
            return Err(GraphError::with_details(100, details));
        }
        self.registered = false;
        "PENDING".clone_into(&mut self.status);
        Ok(())
    }

    fn count_registration(&mut self, now_ms: u64) -> Result<(), GraphError> {
        let within = u64::try_from(REGISTRATIONS_WITHIN.as_millis()).unwrap_or(u64::MAX);
        self.registrations_ms
            .retain(|at| at.saturating_add(within) > now_ms);
        if self.registrations_ms.len() >= REGISTRATIONS_MAX {
            return Err(GraphError::of_code(133_016));
        }
        self.registrations_ms.push(now_ms);
        Ok(())
    }

    /// `POST /{phone}/whatsapp_business_profile`.
    pub(crate) fn set_profile(&mut self, body: &Value) -> Result<(), GraphError> {
        shape::check(body, &Shape::Object(PROFILE), "").map_err(Flaw::parameter)?;
        for (name, value) in body.as_object().into_iter().flatten() {
            match name.as_str() {
                "messaging_product" => {}
                "profile_picture_handle" => {
                    let url = "https://pps.whatsapp.net/v/t61.24694-24/picture.jpg";
                    self.profile
                        .insert("profile_picture_url".to_owned(), json!(url));
                }
                _ => {
                    self.profile.insert(name.clone(), value.clone());
                }
            }
        }
        Ok(())
    }

    /// `GET /{phone}/whatsapp_business_profile`; members without a value are left out.
    pub(crate) fn shown_profile(&self, fields: Option<&str>) -> Result<Value, GraphError> {
        let wanted = fields_of(
            fields,
            PROFILE_FIELDS,
            PROFILE_FIELDS,
            "WhatsAppBusinessProfile",
        )?;
        let mut shown = json!({ "messaging_product": "whatsapp" });
        for field in wanted {
            if let Some(value) = self.profile.get(field) {
                shown[field] = value.clone();
            }
        }
        Ok(json!({ "data": [shown] }))
    }

    /// `GET /{phone}`; without fields those that everybody gets.
    pub(crate) fn shown(&self, fields: Option<&str>, health: &Value) -> Result<Value, GraphError> {
        let all = self.all_fields(health);
        let names: Vec<&str> = all.iter().map(|field| field.0).collect();
        let wanted = fields_of(
            fields,
            &names,
            DEFAULT_FIELDS,
            "WhatsAppBusinessPhoneNumber",
        )?;
        let mut shown = json!({ "id": self.base.id });
        for (name, value) in &all {
            if wanted.contains(name) {
                shown[*name] = value.clone();
            }
        }
        Ok(shown)
    }

    fn all_fields(&self, health: &Value) -> Vec<(&'static str, Value)> {
        let platform = if self.registered {
            "CLOUD_API"
        } else {
            "NOT_APPLICABLE"
        };
        let verified = if self.code_verified {
            "VERIFIED"
        } else {
            "NOT_VERIFIED"
        };
        let mut callbacks = json!({});
        if let Some(url) = &self.callback {
            callbacks["phone_number"] = json!(url);
        }
        vec![
            ("id", json!(self.base.id)),
            (
                "display_phone_number",
                json!(written(&self.base.display_number)),
            ),
            ("verified_name", json!(self.verified_name)),
            ("name_status", json!(self.name_status)),
            ("new_name_status", json!("NONE")),
            ("quality_rating", json!(self.quality)),
            ("quality_score", json!({ "score": self.quality })),
            ("code_verification_status", json!(verified)),
            ("status", json!(self.status)),
            ("platform_type", json!(platform)),
            ("throughput", json!({ "level": self.throughput })),
            ("account_mode", json!("LIVE")),
            ("health_status", health.clone()),
            (
                "whatsapp_business_manager_messaging_limit",
                json!(self.messaging_limit),
            ),
            ("is_official_business_account", json!(false)),
            ("webhook_configuration", callbacks),
            ("is_on_biz_app", json!(self.is_on_business_app)),
            ("is_pin_enabled", json!(self.pin.is_some())),
        ]
    }
}

const DEFAULT_FIELDS: &[&str] = &[
    "id",
    "display_phone_number",
    "verified_name",
    "quality_rating",
    "code_verification_status",
    "platform_type",
    "throughput",
];

/// The fields of a `fields` parameter; one that does not exist is refused.
pub(crate) fn fields_of<'a>(
    fields: Option<&'a str>,
    known: &[&str],
    default: &[&'a str],
    node: &str,
) -> Result<Vec<&'a str>, GraphError> {
    let Some(fields) = fields else {
        return Ok(default.to_vec());
    };
    let wanted: Vec<&str> = fields.split(',').map(str::trim).collect();
    match wanted.iter().find(|field| !known.contains(field)) {
        None => Ok(wanted),
        Some(field) => Err(GraphError::parameter(format_args!(
            "Tried accessing nonexisting field ({field}) on node type ({node})"
        ))),
    }
}

/// As people write it, which is how the management calls show it.
fn written(digits: &str) -> String {
    match digits.strip_prefix('1') {
        Some(rest) if rest.len() == 10 && rest.is_ascii() => {
            format!("+1 {}-{}-{}", &rest[..3], &rest[3..6], &rest[6..])
        }
        _ => format!("+{digits}"),
    }
}
