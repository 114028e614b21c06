//! Typed pieces to text, twice: as it goes on the wire, and as people may see it.
//!
//! Text is copied and never searched for anything. A secret is inserted here only, after its
//! audience was checked. Where the text ends up (query, header, body) is the caller's business.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac as HmacOf, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use wharf_core::provider::{
    Encoding, Hash, Hmac, HmacInput, InputKind, Jwt, MediaLink, Piece, User, WebhookUrl,
};

use crate::redact::Redactor;
use crate::{Denied, Grant, MEDIA_LINK_LIFETIME_S_MAX, jwt, policy};

/// A webhook's last path segment of at least this length is taken for its token.
const TOKEN_BYTES_MIN: usize = 16;

#[derive(Default)]
pub(crate) struct Rendered {
    pub(crate) wire: String,
    /// None while both are the same.
    shown: Option<String>,
}

impl Rendered {
    pub(crate) fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.wire)
    }

    pub(crate) fn has_secret(&self) -> bool {
        self.shown.is_some()
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.wire.push_str(text);
        if let Some(shown) = &mut self.shown {
            shown.push_str(text);
        }
    }

    pub(crate) fn secret(&mut self, wire: &str, label: &str) {
        self.shown
            .get_or_insert_with(|| self.wire.clone())
            .push_str(label);
        self.wire.push_str(wire);
    }

    /// Takes a rendered value over, encoded for the wire; what is shown stays readable.
    pub(crate) fn encoded(&mut self, value: &Rendered, encode: impl Fn(&str) -> String) {
        match &value.shown {
            None => self.text(&encode(&value.wire)),
            Some(shown) => self.secret(&encode(&value.wire), shown),
        }
    }
}

/// The body as a signature over it sees it.
#[derive(Clone, Copy)]
pub(crate) enum Signable<'b> {
    /// Still being made.
    Unfinished,
    Finished(&'b [u8]),
    /// Parts of it are in the media store, which is read while it is sent.
    Streamed,
}

/// One request being put together: what it may use, where it goes, what must not come back.
pub(crate) struct Assembly<'a> {
    grant: &'a Grant<'a>,
    host: &'a str,
    redactor: Redactor,
}

impl<'a> Assembly<'a> {
    pub(crate) fn new(grant: &'a Grant<'a>, host: &'a str) -> Self {
        Self {
            grant,
            host,
            redactor: Redactor::default(),
        }
    }

    pub(crate) fn render(
        &mut self,
        value: &[Piece],
        body: Signable<'_>,
    ) -> Result<Rendered, Denied> {
        let mut out = Rendered::default();
        for piece in value {
            match piece {
                Piece::Text(text) => out.text(text),
                Piece::Secret(name) => {
                    let value = self.secret(name)?;
                    out.secret(value.expose_secret(), &label(name));
                }
                Piece::Basic(user, password) => self.basic(&mut out, user, password)?,
                Piece::Hmac(hmac) => {
                    let digest = self.hmac(hmac, body)?;
                    let shown = format!("[hmac {}]", hmac.key);
                    self.redactor.learn(&digest, &shown);
                    out.secret(&digest, &shown);
                }
                Piece::WebhookUrl(url) => self.webhook_url(&mut out, url)?,
                Piece::Jwt(jwt) => self.jwt(&mut out, jwt)?,
                Piece::MediaLink(link) => self.media_link(&mut out, link)?,
                Piece::ReturnUrl => {
                    let url = self.grant.return_url.ok_or(Denied::ReturnUrl)?;
                    self.redactor.learn(url, "[return-url]");
                    out.secret(url, "[return-url]");
                }
            }
        }
        Ok(out)
    }

    /// Everything that must not be seen in the answer: what was inserted, and every live
    /// value of every secret of the plugin.
    pub(crate) fn into_redactor(mut self) -> Redactor {
        for input in &self.grant.descriptor.inputs {
            if input.kind != InputKind::Secret {
                continue;
            }
            for value in self.grant.secrets.live(&input.name) {
                self.redactor
                    .learn(value.expose_secret(), &label(&input.name));
            }
        }
        self.redactor
    }

    fn secret(&mut self, name: &str) -> Result<SecretString, Denied> {
        let name_owned = || name.to_owned();
        let input = policy::secret_input(self.grant.descriptor, name)
            .ok_or_else(|| Denied::SecretUndeclared { name: name_owned() })?;
        if !input
            .audience
            .iter()
            .any(|pattern| policy::host_matches(pattern, self.host))
        {
            return Err(Denied::SecretAudience {
                name: name_owned(),
                host: self.host.to_owned(),
            });
        }
        let value = self
            .grant
            .secrets
            .get(name)
            // Nothing would be signed, or sent, with it.
            .filter(|value| !value.expose_secret().is_empty())
            .ok_or_else(|| Denied::SecretMissing { name: name_owned() })?;
        self.redactor.learn(value.expose_secret(), &label(name));
        Ok(value)
    }

    /// The whole credentials of RFC 7617: scheme, space, base64.
    fn basic(&mut self, out: &mut Rendered, user: &User, password: &str) -> Result<(), Denied> {
        let (user, shown) = match user {
            User::Text(text) => (SecretString::from(text.clone()), text.clone()),
            User::Secret(name) => (self.secret(name)?, label(name)),
        };
        if user.expose_secret().contains(':') {
            return Err(Denied::BasicUser { user: shown });
        }
        let shown = format!("[basic {shown}:{}]", label(password));
        let password = self.secret(password)?;
        let pair = format!("{}:{}", user.expose_secret(), password.expose_secret());
        let encoded = STANDARD.encode(pair);
        self.redactor.learn(&encoded, &shown);
        out.text("Basic ");
        out.secret(&encoded, &shown);
        Ok(())
    }

    fn hmac(&mut self, hmac: &Hmac, body: Signable<'_>) -> Result<String, Denied> {
        let key = self.secret(&hmac.key)?;
        let mut message = Vec::new();
        for input in &hmac.over {
            match input {
                HmacInput::Text(text) => message.extend_from_slice(text.as_bytes()),
                HmacInput::Secret(name) => {
                    message.extend_from_slice(self.secret(name)?.expose_secret().as_bytes());
                }
                HmacInput::Body => match body {
                    Signable::Finished(body) => message.extend_from_slice(body),
                    Signable::Unfinished => return Err(Denied::HmacCycle),
                    Signable::Streamed => return Err(Denied::HmacMedia),
                },
            }
        }
        let key = key.expose_secret().as_bytes();
        let digest = match hmac.hash {
            Hash::Sha1 => digest::<HmacOf<Sha1>>(key, &message),
            Hash::Sha256 => digest::<HmacOf<Sha256>>(key, &message),
            Hash::Sha512 => digest::<HmacOf<Sha512>>(key, &message),
        };
        Ok(match hmac.encoding {
            Encoding::Hex => hex::encode(digest),
            Encoding::Base64 => STANDARD.encode(digest),
            Encoding::Base64url => URL_SAFE_NO_PAD.encode(digest),
        })
    }

    fn jwt(&mut self, out: &mut Rendered, jwt: &Jwt) -> Result<(), Denied> {
        let key = self.secret(&jwt.key)?;
        let token = jwt::sign(jwt, key.expose_secret()).map_err(|reason| Denied::Jwt {
            key: jwt.key.clone(),
            reason,
        })?;
        let shown = format!("[jwt {}]", jwt.key);
        self.redactor.learn(&token, &shown);
        out.secret(&token, &shown);
        Ok(())
    }

    /// A link opens the object to whoever has it, so it is as secret as one.
    fn media_link(&mut self, out: &mut Rendered, link: &MediaLink) -> Result<(), Denied> {
        let handle = &link.media.handle;
        let refuse = |reason| Denied::MediaLink {
            handle: handle.clone(),
            reason,
        };
        if !(1..=MEDIA_LINK_LIFETIME_S_MAX).contains(&link.lifetime_s) {
            return Err(refuse("its lifetime must be 1 second to 7 days"));
        }
        let url = self
            .grant
            .media
            .link(&link.media, link.lifetime_s)
            .ok_or_else(|| refuse("there is no such object, or this gateway gives no links"))?;
        let shown = format!("[media-link {handle}]");
        self.redactor.learn(&url, &shown);
        out.secret(&url, &shown);
        Ok(())
    }

    fn webhook_url(&mut self, out: &mut Rendered, url: &WebhookUrl) -> Result<(), Denied> {
        let name = &url.webhook;
        let base = (self.grant.webhook_url)(name)
            .ok_or_else(|| Denied::WebhookUrl { name: name.clone() })?;
        let shown = format!("[webhook-url {name}]");
        self.redactor.learn(&base, &shown);
        if let Some((_, token)) = base.rsplit_once('/')
            && token.len() >= TOKEN_BYTES_MIN
        {
            self.redactor
                .learn(token, &format!("[webhook-token {name}]"));
        }
        out.secret(&base, &shown);
        let mut separator = if base.contains('?') { '&' } else { '?' };
        for (name, value) in &url.query {
            let pair = format!(
                "{separator}{}={}",
                percent_encode(name),
                percent_encode(value)
            );
            out.text(&pair);
            separator = '&';
        }
        Ok(())
    }
}

/// Everything but the unreserved characters of RFC 3986.
pub(crate) fn percent_encode(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

/// As `application/x-www-form-urlencoded` wants it: a space is a plus sign.
pub(crate) fn form_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn label(name: &str) -> String {
    format!("[secret {name}]")
}

fn digest<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}
