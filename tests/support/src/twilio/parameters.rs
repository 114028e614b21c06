//! Which parameters each call takes, and the strict reading of forms and queries.
//!
//! Names and kinds from Twilio's OpenAPI documents (`twilio/twilio-oai`, MIT, 2026-04-14), which are right
//! about them but not about repeated parameters: those are `name=a&name=b`, not arrays.

use super::error::TwilioError;
use crate::cloud::serve::Request;

/// One parameter.
pub(crate) struct Parameter {
    name: &'static str,
    kind: Kind,
}

/// What a value must look like.
pub(crate) enum Kind {
    Text,
    /// A text that may come several times.
    Texts,
    Flag,
    Whole(u64, u64),
    Decimal,
    OneOf(&'static [&'static str]),
}

const fn parameter(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind }
}

pub(crate) const MESSAGE_CREATE: &[Parameter] = &[
    parameter("To", Kind::Text),
    parameter("From", Kind::Text),
    parameter("MessagingServiceSid", Kind::Text),
    parameter("Body", Kind::Text),
    parameter("MediaUrl", Kind::Texts),
    parameter("ContentSid", Kind::Text),
    parameter("ContentVariables", Kind::Text),
    parameter("StatusCallback", Kind::Text),
    parameter("ApplicationSid", Kind::Text),
    parameter("PersistentAction", Kind::Texts),
    parameter("ValidityPeriod", Kind::Whole(1, 36_000)),
    parameter("ScheduleType", Kind::OneOf(&["fixed"])),
    parameter("SendAt", Kind::Text),
    parameter("FallbackFrom", Kind::Text),
    parameter("ProvideFeedback", Kind::Flag),
    parameter("Attempt", Kind::Whole(0, u64::MAX)),
    parameter("ForceDelivery", Kind::Flag),
    parameter("ContentRetention", Kind::OneOf(&["retain", "discard"])),
    parameter("AddressRetention", Kind::OneOf(&["retain", "obfuscate"])),
    parameter("SmartEncoded", Kind::Flag),
    parameter("ShortenUrls", Kind::Flag),
    parameter("TrafficType", Kind::OneOf(&["free"])),
    parameter("SendAsMms", Kind::Flag),
    parameter("RiskCheck", Kind::OneOf(&["enable", "disable"])),
    parameter("MaxPrice", Kind::Decimal),
    // Only in an example of the document.
    parameter("Tags", Kind::Text),
];
pub(crate) const MESSAGE_UPDATE: &[Parameter] = &[
    parameter("Body", Kind::Text),
    parameter("Status", Kind::OneOf(&["canceled"])),
];
pub(crate) const MESSAGE_LIST: &[Parameter] = &[
    parameter("To", Kind::Text),
    parameter("From", Kind::Text),
    parameter("DateSent", Kind::Text),
    parameter("DateSent<", Kind::Text),
    parameter("DateSent>", Kind::Text),
    parameter("PageSize", Kind::Whole(1, 1000)),
    parameter("Page", Kind::Whole(0, u64::MAX)),
    parameter("PageToken", Kind::Text),
];
pub(crate) const FEEDBACK: &[Parameter] = &[parameter(
    "Outcome",
    Kind::OneOf(&["confirmed", "unconfirmed"]),
)];
pub(crate) const ACCOUNT_CREATE: &[Parameter] = &[parameter("FriendlyName", Kind::Text)];
pub(crate) const ACCOUNT_UPDATE: &[Parameter] = &[
    parameter("FriendlyName", Kind::Text),
    parameter("Status", Kind::OneOf(&["active", "suspended", "closed"])),
];
pub(crate) const ACCOUNT_LIST: &[Parameter] = &[
    parameter("FriendlyName", Kind::Text),
    parameter("Status", Kind::OneOf(&["active", "suspended", "closed"])),
    parameter("PageSize", Kind::Whole(1, 1000)),
    parameter("Page", Kind::Whole(0, u64::MAX)),
    parameter("PageToken", Kind::Text),
];
pub(crate) const PAGING: &[Parameter] = &[
    parameter("PageSize", Kind::Whole(1, 1000)),
    parameter("Page", Kind::Whole(0, u64::MAX)),
    parameter("PageToken", Kind::Text),
];
pub(crate) const SENDER_LIST: &[Parameter] = &[
    parameter("Channel", Kind::OneOf(&["whatsapp"])),
    parameter("PageSize", Kind::Whole(1, 1000)),
    parameter("Page", Kind::Whole(0, u64::MAX)),
    parameter("PageToken", Kind::Text),
];
pub(crate) const TYPING: &[Parameter] = &[
    parameter("channel", Kind::OneOf(&["whatsapp"])),
    parameter("messageId", Kind::Text),
];
pub(crate) const CHANNEL_SENDER: &[Parameter] = &[parameter("Sid", Kind::Text)];
pub(crate) const NONE: &[Parameter] = &[];

/// Parameters that a call takes, in the order of the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form(pub(crate) Vec<(String, String)>);

impl Form {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|pair| pair.0 == name);
        found.map(|pair| pair.1.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let wanted = self.0.iter().filter(move |pair| pair.0 == name);
        wanted.map(|pair| pair.1.as_str())
    }

    pub(crate) fn whole(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }
}

/// The body as a form with these parameters and no others; the query must be empty.
pub(crate) fn form(request: &Request, known: &[Parameter]) -> Result<Form, TwilioError> {
    let content_type = request.header("content-type").unwrap_or("absent");
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is_form = essence.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    if !is_form && !request.body.is_empty() {
        return Err(TwilioError {
            status: 415,
            ..TwilioError::invalid(format_args!(
                "Content-Type must be application/x-www-form-urlencoded, not {content_type}"
            ))
        });
    }
    if std::str::from_utf8(&request.body).is_err() {
        return Err(TwilioError::invalid("the body is not UTF-8"));
    }
    if let Some((name, _)) = request.query.first() {
        return Err(TwilioError::invalid(format_args!(
            "'{name}' belongs into the body, not into the query"
        )));
    }
    let pairs = url::form_urlencoded::parse(&request.body).into_owned();
    check(Form(pairs.collect()), known)
}

/// The query with these parameters and no others.
pub(crate) fn query(request: &Request, known: &[Parameter]) -> Result<Form, TwilioError> {
    check(Form(request.query.clone()), known)
}

fn check(form: Form, known: &[Parameter]) -> Result<Form, TwilioError> {
    for (name, value) in &form.0 {
        let Some(parameter) = known.iter().find(|known| known.name == name) else {
            return Err(TwilioError::invalid(format_args!(
                "unknown parameter '{name}'"
            )));
        };
        let fits = match &parameter.kind {
            Kind::Text | Kind::Texts => true,
            Kind::Flag => ["true", "false"].contains(&value.as_str()),
            Kind::Whole(min, max) => value
                .parse()
                .is_ok_and(|number: u64| (*min..=*max).contains(&number)),
            Kind::Decimal => value.parse::<f64>().is_ok_and(f64::is_finite),
            Kind::OneOf(words) => words.contains(&value.as_str()),
        };
        if !fits {
            return Err(TwilioError::invalid(format_args!(
                "'{name}' cannot be '{value}'"
            )));
        }
        let is_repeated = form.all(name).count() > 1;
        if is_repeated && !matches!(parameter.kind, Kind::Texts) {
            return Err(TwilioError::invalid(format_args!(
                "'{name}' was given several times"
            )));
        }
    }
    Ok(form)
}
