//! Values: what the host assembles just before sending. Secrets are named, never seen.

use crate::types::{Encoding, Field, Hash, Hmac, HmacInput, Jwt, JwtAlgorithm, Piece, Value};

/// A value that is one verbatim text.
pub fn text(value: impl Into<String>) -> Value {
    vec![Piece::Text(value.into())]
}

/// Single pieces of a value.
pub mod piece {
    use crate::types::{
        Encoding, Hash, HmacInput, JwtAlgorithm, MediaLink, MediaRef, Piece, User, WebhookUrl,
    };
    use crate::types::{Hmac, Jwt};

    /// Verbatim text. It is never searched for placeholders, whatever it says.
    pub fn text(value: impl Into<String>) -> Piece {
        Piece::Text(value.into())
    }

    /// The value of a declared secret, inserted by the host.
    #[must_use]
    pub fn secret(name: &str) -> Piece {
        Piece::Secret(name.to_owned())
    }

    /// `Basic ...`: credentials of a user who is no secret, and a password that is.
    pub fn basic(user: impl Into<String>, password: &str) -> Piece {
        Piece::Basic((User::Text(user.into()), password.to_owned()))
    }

    /// `Basic ...` of two secrets.
    #[must_use]
    pub fn basic_secrets(user: &str, password: &str) -> Piece {
        Piece::Basic((User::Secret(user.to_owned()), password.to_owned()))
    }

    /// An HMAC that the host computes, over the parts in order.
    #[must_use]
    pub fn hmac(key: &str, hash: Hash, encoding: Encoding, over: Vec<HmacInput>) -> Piece {
        Piece::Hmac(Hmac {
            key: key.to_owned(),
            hash,
            encoding,
            over,
        })
    }

    /// A JSON Web Token that the host signs. Both parts are serialised JSON objects; give it the times
    /// from `context.now`.
    pub fn jwt(
        key: &str,
        algorithm: JwtAlgorithm,
        header: impl Into<String>,
        claims: impl Into<String>,
    ) -> Piece {
        Piece::Jwt(Jwt {
            key: key.to_owned(),
            algorithm,
            header: header.into(),
            claims: claims.into(),
        })
    }

    /// Where the provider reaches one of this account's webhooks.
    #[must_use]
    pub fn webhook_url(webhook: &str) -> Piece {
        webhook_url_with(webhook, &[])
    }

    /// The same with parameters, which signatures over the URL cover.
    #[must_use]
    pub fn webhook_url_with(webhook: &str, query: &[(&str, &str)]) -> Piece {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Piece::WebhookUrl(WebhookUrl {
            webhook: webhook.to_owned(),
            query: query.iter().map(pair).collect(),
        })
    }

    /// An expiring https link to a stored object, for providers that fetch media themselves.
    #[must_use]
    pub fn media_link(media: &MediaRef, lifetime_s: u32) -> Piece {
        Piece::MediaLink(MediaLink {
            media: media.clone(),
            lifetime_s,
        })
    }

    /// Where a browser comes back to during a flow.
    #[must_use]
    pub fn return_url() -> Piece {
        Piece::ReturnUrl
    }
}

impl Field {
    /// A name with its value.
    pub fn new(name: impl Into<String>, value: Value) -> Self {
        Self {
            name: name.into(),
            value,
        }
    }

    /// A name with a verbatim text.
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(name, text(value))
    }
}

impl Hmac {
    /// Hex HMAC-SHA-256 over the request's body, the commonest signature.
    #[must_use]
    pub fn of_body(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            hash: Hash::Sha256,
            encoding: Encoding::Hex,
            over: vec![HmacInput::Body],
        }
    }
}

impl From<Hmac> for Piece {
    fn from(hmac: Hmac) -> Self {
        Self::Hmac(hmac)
    }
}

impl Jwt {
    /// A token signed with a shared key.
    pub fn hs256(key: &str, claims: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            algorithm: JwtAlgorithm::Hs256,
            header: r#"{"typ":"JWT"}"#.to_owned(),
            claims: claims.into(),
        }
    }
}

impl From<Jwt> for Piece {
    fn from(jwt: Jwt) -> Self {
        Self::Jwt(jwt)
    }
}
