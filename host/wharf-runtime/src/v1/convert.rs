//! Between the generated types and the model of `wharf-core`. Nothing is decided here; only a JSON
//! document that is none has nowhere to go and is refused: such a conversion ends in what to blame.

pub(super) mod descriptor;
pub(super) mod exchange;
pub(super) mod inbound;
mod interactive;
pub(super) mod media;
pub(super) mod message;
pub(super) mod onboarding;
pub(super) mod reports;
mod template;
pub(super) mod templates;

use bumpalo::Bump;
use wharf_core::provider::{
    Bucket, Encoding, ErrorClass, Hash, HttpMethod, Json, Level, Location, MediaRef, Pace, Party,
    PlatformError, Retry,
};

use super::bindings::wharf::provider::{errors, messages, types};

/// Lists are lowered from slices of what the guest's types borrow.
pub(super) fn slice<'a, A, B>(
    arena: &'a Bump,
    from: &'a [A],
    convert: impl FnMut(&'a A) -> B,
) -> &'a [B] {
    arena.alloc_slice_fill_iter(from.iter().map(convert))
}

pub(super) fn pairs<'a>(
    arena: &'a Bump,
    owned: &'a [(String, String)],
) -> &'a [(&'a str, &'a str)] {
    slice(arena, owned, |(name, value)| {
        (name.as_str(), value.as_str())
    })
}

pub(super) fn list<A, B>(from: Vec<A>, convert: impl FnMut(A) -> B) -> Vec<B> {
    from.into_iter().map(convert).collect()
}

pub(super) fn error_from_guest(error: errors::Error) -> PlatformError {
    PlatformError {
        class: class(error.code),
        retry: match error.retry {
            errors::Retry::Never => Retry::Never,
            errors::Retry::Backoff => Retry::Backoff,
            errors::Retry::AfterMs(ms) => Retry::AfterMs(ms),
            errors::Retry::Uncertain => Retry::Uncertain,
        },
        provider_code: error.provider_code,
        trace_id: error.trace_id,
        detail: error.detail,
        remedy: error.remedy,
        pace: list(error.pace, pace),
    }
}

fn class(code: errors::Code) -> ErrorClass {
    use errors::Code;
    match code {
        Code::InvalidMessage => ErrorClass::InvalidMessage,
        Code::Unsupported => ErrorClass::Unsupported,
        Code::RecipientUnknown => ErrorClass::RecipientUnknown,
        Code::RecipientOptedOut => ErrorClass::RecipientOptedOut,
        Code::WindowClosed => ErrorClass::WindowClosed,
        Code::TemplateUnknown => ErrorClass::TemplateUnknown,
        Code::TemplatePaused => ErrorClass::TemplatePaused,
        Code::TemplateMismatch => ErrorClass::TemplateMismatch,
        Code::MediaRejected => ErrorClass::MediaRejected,
        Code::PolicyBlocked => ErrorClass::PolicyBlocked,
        Code::AuthFailed => ErrorClass::AuthFailed,
        Code::AccountRestricted => ErrorClass::AccountRestricted,
        Code::PaymentRequired => ErrorClass::PaymentRequired,
        Code::RateLimited => ErrorClass::RateLimited,
        Code::PairRateLimited => ErrorClass::PairRateLimited,
        Code::ProviderUnavailable => ErrorClass::ProviderUnavailable,
        Code::MalformedResponse => ErrorClass::MalformedResponse,
        Code::Misconfigured => ErrorClass::Misconfigured,
        Code::Other => ErrorClass::Other,
    }
}

pub(super) fn pace(pace: types::Pace) -> Pace {
    Pace {
        bucket: bucket(pace.bucket),
        pause_ms: pace.pause_ms,
        per_second: pace.per_second,
    }
}

pub(super) fn bucket(bucket: types::Bucket) -> Bucket {
    match bucket {
        types::Bucket::Level(of) => Bucket::Level(level(of)),
        types::Bucket::Recipient => Bucket::Recipient,
        types::Bucket::Named(name) => Bucket::Named(name),
    }
}

pub(super) fn level(level: types::Level) -> Level {
    match level {
        types::Level::App => Level::App,
        types::Level::Account => Level::Account,
        types::Level::Channel => Level::Channel,
    }
}

pub(super) fn method(method: types::HttpMethod) -> HttpMethod {
    match method {
        types::HttpMethod::Get => HttpMethod::Get,
        types::HttpMethod::Post => HttpMethod::Post,
        types::HttpMethod::Put => HttpMethod::Put,
        types::HttpMethod::Patch => HttpMethod::Patch,
        types::HttpMethod::Delete => HttpMethod::Delete,
    }
}

pub(super) fn method_to_guest(method: HttpMethod) -> types::HttpMethod {
    match method {
        HttpMethod::Get => types::HttpMethod::Get,
        HttpMethod::Post => types::HttpMethod::Post,
        HttpMethod::Put => types::HttpMethod::Put,
        HttpMethod::Patch => types::HttpMethod::Patch,
        HttpMethod::Delete => types::HttpMethod::Delete,
    }
}

pub(super) fn hash(hash: types::Hash) -> Hash {
    match hash {
        types::Hash::Sha1 => Hash::Sha1,
        types::Hash::Sha256 => Hash::Sha256,
        types::Hash::Sha512 => Hash::Sha512,
    }
}

pub(super) fn encoding(encoding: types::Encoding) -> Encoding {
    match encoding {
        types::Encoding::Hex => Encoding::Hex,
        types::Encoding::Base64 => Encoding::Base64,
        types::Encoding::Base64url => Encoding::Base64url,
    }
}

pub(super) fn party(party: types::Party) -> Party {
    Party {
        phone: party.phone,
        user_id: party.user_id,
        username: party.username,
        name: party.name,
    }
}

pub(super) fn media_ref(media: types::MediaRefResult) -> MediaRef {
    MediaRef {
        handle: media.handle,
        content_type: media.content_type,
        size: media.size,
        sha256: media.sha256,
        filename: media.filename,
    }
}

pub(super) fn location_to_guest(location: &Location) -> messages::LocationParam<'_> {
    messages::LocationParam {
        latitude: location.latitude,
        longitude: location.longitude,
        name: location.name.as_deref(),
        address: location.address.as_deref(),
    }
}

pub(super) fn json(member: &str, document: String) -> Result<Json, String> {
    Json::parse(document).map_err(|error| format!("{member} is not JSON ({error})"))
}
