//! The catalogue of the API's error codes: one stable slug, one HTTP status, one meaning, one remedy.

/// Defines the catalogue once, so that no code can lack a part.
macro_rules! codes {
    ($($variant:ident $slug:literal $status:literal $title:literal $remedy:literal;)*) => {
        /// A stable error code of the API and of `wharf errors CODE`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($variant,)* }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The slug: never renamed, never reused.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $slug,)* }
            }

            pub fn http_status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// What it means, the same for every occurrence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What the reader can do about it.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

codes! {
    InvalidJson "invalid-json" 400 "The body is not JSON"
        "Send one JSON object in UTF-8.";
    InvalidQuery "invalid-query" 400 "The query is not one this operation takes"
        "Remove or correct the named parameter.";
    Unauthorized "unauthorized" 401 "The API key is missing or not valid"
        "Send `Authorization: Bearer wk_...` with a live key; `wharf key create` makes one.";
    SignatureInvalid "signature-invalid" 401 "The call does not prove where it comes from"
        "Check that the provider signs with the secret configured here; an operator sees the reason in the log.";
    Forbidden "forbidden" 403 "The API key may not do this"
        "Use a key with the scope that `detail` names; `GET /v1/keys` shows what keys may do.";
    NotFound "not-found" 404 "There is no such thing here"
        "Check the path and the id; another tenant's things are not shown.";
    MethodNotAllowed "method-not-allowed" 405 "This path does not take that method"
        "Use one of the methods in the Allow header.";
    IdempotencyInProgress "idempotency-in-progress" 409 "The first request with this Idempotency-Key is still running"
        "Wait a moment and send the same request again.";
    KeyOfFile "key-of-file" 409 "The key stands in the tenant's file"
        "Change it there, under [keys]; the gateway reads the file when it starts.";
    TooManyKeys "too-many-keys" 409 "The tenant has as many live keys as it may have"
        "Delete keys that nobody uses; `last_used_at` says which.";
    BodyTooLarge "body-too-large" 413 "The body is larger than this operation takes"
        "Send less; the limits are http.body_bytes_max and http.webhook_body_bytes_max in the configuration.";
    UnsupportedMediaType "unsupported-media-type" 415 "The body's type is not taken here"
        "Send `Content-Type: application/json`.";
    InvalidRequest "invalid-request" 422 "Some fields are wrong; nothing was stored"
        "Correct the fields named in `errors` and send again.";
    ChannelUnknown "channel-unknown" 422 "The tenant has no such channel"
        "Name one of the tenant's channels; with exactly one, the field may be left out.";
    InvalidMessage "invalid-message" 422 "The provider cannot take this message"
        "Correct what `detail` names; nothing was stored.";
    Unsupported "unsupported" 422 "This provider cannot do that"
        "Use another kind of message or another channel.";
    IdempotencyMismatch "idempotency-mismatch" 422 "This Idempotency-Key was used for a different request"
        "Use a new key for a new request.";
    ProviderRejected "provider-rejected" 422 "The provider refused the message"
        "`provider_code` and `detail` say why; the message is kept as failed.";
    RequestRejected "request-rejected" 422 "The provider refused the request"
        "`detail` and `reason` say why; nothing was changed.";
    TooManyRequests "too-many-requests" 429 "More requests than allowed"
        "Wait as long as Retry-After says.";
    Internal "internal" 500 "Something failed inside the gateway"
        "Try again; give the request id to the operator if it goes on.";
    MediaUnavailable "media-unavailable" 502 "The medium could not be fetched from the provider"
        "`detail` says why; providers keep media for days only, so a later try may come too late.";
    ProviderFailed "provider-failed" 502 "The provider did not do what was asked"
        "`detail` says what happened; try again later.";
    ProviderUnavailable "provider-unavailable" 502 "The provider did not take the message"
        "`detail` says what happened; the message is kept as failed.";
    PluginFailed "plugin-failed" 502 "The provider's plugin failed"
        "The operator sees plugin, version and reason in the log; other channels go on.";
    NoRoom "no-room" 507 "There is no room for another stored object; nothing was stored"
        "Delete objects, or wait until older ones end; the limits are media.tenant_bytes_max and the disk of media.dir.";
    Overloaded "overloaded" 503 "The gateway cannot take more at the moment; nothing was stored"
        "Wait as long as Retry-After says and send again.";
}

impl Code {
    /// Finds a code by its slug.
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == slug)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_unique_and_read_back() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            assert!((400..600).contains(&code.http_status()));
            assert!(code.remedy().ends_with('.'), "{}", code.as_str());
        }
        assert_eq!(Code::parse("nothing"), None);
    }
}
