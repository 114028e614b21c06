//! Looks for tokens in what is about to be stored, chunk by chunk.
//!
//! A stored body can be sent on to a host outside of a token's audience, so whatever may be an API's
//! answer is watched: everything whose type is not one of pictures, sound, video, fonts or a binary
//! document, and those as well when they begin like text, for a type is only a claim. Known secrets
//! are looked for in all bodies. A file that a person sent and that names a token is refused too:
//! nothing tells it from an API's answer. It must not know where the bytes go.

use memchr::memmem;

use crate::capture::TOKEN_MEMBERS;
use crate::redact::Redactor;

/// Kinds of which no type is an API's answer.
const BINARY_KINDS: [&str; 4] = ["image/", "audio/", "video/", "font/"];
/// Types, and beginnings of types, of files that people send.
const BINARY_TYPES: [&str; 9] = [
    "application/pdf",
    "application/zip",
    "application/gzip",
    "application/msword",
    "application/vnd.ms-",
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.oasis.opendocument.",
    "application/vnd.android.package-archive",
    // Says nothing, and also stands for a type that was left out.
    "application/octet-stream",
];
/// Every format above shows a byte that is not text within so many.
const HEAD_BYTES: usize = 512;
/// The longest of the names; held to by a test.
const TOKEN_NAME_BYTES_MAX: usize = 16;

pub(crate) struct Watch {
    /// By its type it is no text, which its first bytes have yet to show.
    claims_binary: bool,
    head: Vec<u8>,
    names: bool,
    raw: Window,
    /// The same with the escapes of JSON and URLs undone: they may hide a name or a secret.
    plain: Option<(Window, Escapes)>,
}

impl Watch {
    pub(crate) fn over(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let binary = |known: &&str| essence.starts_with(known);
        Self {
            claims_binary: BINARY_KINDS.iter().chain(&BINARY_TYPES).any(binary),
            head: Vec::new(),
            names: true,
            raw: Window::default(),
            plain: None,
        }
    }

    /// True when the body so far names a token, if it may be an answer, or holds a known secret.
    pub(crate) fn sees(&mut self, chunk: &[u8], redactor: &Redactor) -> bool {
        if self.names && self.claims_binary && self.head.len() < HEAD_BYTES {
            let more = chunk.len().min(HEAD_BYTES - self.head.len());
            self.head.extend_from_slice(&chunk[..more]);
            self.names = is_text(&self.head);
        }
        // Until the first escape both are the same, and one search is enough.
        let escaped = memchr::memchr2(b'\\', b'%', chunk).is_some();
        if self.names && escaped && self.plain.is_none() {
            self.plain = Some((Window(self.raw.0.clone()), Escapes::default()));
        }
        if self.raw.sees(chunk, self.names, redactor) {
            return true;
        }
        match &mut self.plain {
            Some((plain, escapes)) if self.names => {
                plain.sees(&escapes.undone(chunk), true, redactor)
            }
            _ => false,
        }
    }
}

/// Whole UTF-8 characters, the last of which may be cut, and no control characters beside white space.
fn is_text(head: &[u8]) -> bool {
    let control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    let cut_at_most = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    cut_at_most && !head.iter().any(control)
}

/// The end of what came before with what comes: a name may lie across two chunks.
#[derive(Default)]
struct Window(Vec<u8>);

impl Window {
    fn sees(&mut self, chunk: &[u8], names: bool, redactor: &Redactor) -> bool {
        self.0.extend_from_slice(chunk);
        let named = |name: &&str| memmem::find(&self.0, name.as_bytes()).is_some();
        if names && TOKEN_MEMBERS.iter().any(named) || redactor.knows(&self.0) {
            return true;
        }
        let longest = redactor.longest_bytes().max(TOKEN_NAME_BYTES_MAX);
        let old = self.0.len().saturating_sub(longest);
        self.0.drain(..old);
        false
    }
}

/// Undoes `\u0041`, `\/`, `\"`, `\\` and `%41` in a stream of any size.
#[derive(Default)]
struct Escapes {
    /// An escape whose end is not there yet.
    pending: Vec<u8>,
}

impl Escapes {
    fn undone(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut text = std::mem::take(&mut self.pending);
        text.extend_from_slice(chunk);
        let mut out = Vec::with_capacity(text.len());
        let mut rest = &text[..];
        while let Some(at) = memchr::memchr2(b'\\', b'%', rest) {
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            let Some(length) = escape_bytes(rest) else {
                self.pending = rest.to_vec();
                return out;
            };
            undo(&rest[..length], &mut out);
            rest = &rest[length..];
        }
        out.extend_from_slice(rest);
        out
    }
}

/// How long the escape is that this begins with; none when more bytes must tell.
fn escape_bytes(text: &[u8]) -> Option<usize> {
    let length = match text {
        [b'%', ..] => 3,
        [_, b'u', ..] => 6,
        _ => 2,
    };
    (text.len() >= length).then(|| match is_escape(text, length) {
        true => length,
        // What follows may be one.
        false => 1,
    })
}

fn is_escape(escape: &[u8], length: usize) -> bool {
    match length {
        3 => escape[1..3].iter().all(u8::is_ascii_hexdigit),
        6 => escape[2..6].iter().all(u8::is_ascii_hexdigit),
        _ => matches!(escape[1], b'"' | b'\\' | b'/'),
    }
}

fn undo(escape: &[u8], out: &mut Vec<u8>) {
    let number = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).ok()?;
        char::from_u32(u32::from_str_radix(digits, 16).ok()?)
    };
    match escape {
        [b'%', digits @ ..] if digits.len() == 2 => {
            // A byte of its own, not a character.
            out.extend(number(digits).and_then(|byte| u8::try_from(u32::from(byte)).ok()));
        }
        [b'\\', b'u', digits @ ..] => {
            if let Some(character) = number(digits) {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        [b'\\', character] => out.push(*character),
        other => out.extend_from_slice(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a-known-secret-of-the-channel";

    fn sees(content_type: &str, chunks: &[&[u8]]) -> bool {
        let mut redactor = Redactor::default();
        redactor.learn(SECRET, "[secret]");
        redactor.learn("short-8b", "[secret]");
        redactor.learn("482913", "[secret]");
        let mut watch = Watch::over(content_type);
        chunks.iter().any(|chunk| watch.sees(chunk, &redactor))
    }

    /// The same, given byte by byte.
    fn sees_slowly(content_type: &str, body: &[u8]) -> bool {
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        sees(content_type, &bytes)
    }

    #[test]
    fn a_name_is_seen_whatever_the_answer_is_called() {
        for content_type in [
            "application/json",
            "application/problem+json; charset=utf-8",
            "application/x-www-form-urlencoded",
            "application/octet-stream",
            "text/javascript",
            "text/plain; charset=utf-8",
            "application/xml",
            "model/unheard-of",
            // What they claim to be, their first bytes deny.
            "image/jpeg",
            "application/pdf",
        ] {
            let body = br#"{"id":"7","access_token":"EAAB"}"#;
            assert!(sees(content_type, &[body]), "{content_type}");
            assert!(sees_slowly(content_type, body), "{content_type}");
            assert!(!sees(content_type, &[br#"{"id":"1"}"#]), "{content_type}");
        }
    }

    #[test]
    fn escapes_hide_nothing_in_bodies_of_any_size() {
        for body in [
            &br#"{"access\u005ftoken":"EAAB"}"#[..],
            br#"{"\u0061pi_\u006Bey":"EAAB"}"#,
            b"k=1&acce%73s%5Ftoken=EAAB",
            br#"\\u%auth%5ftoken"#,
            br#"{"e":"a-known\u002dsecret-of-the-channel"}"#,
        ] {
            let shown = String::from_utf8_lossy(body);
            assert!(sees("text/plain", &[body]), "{shown}");
            assert!(sees_slowly("text/plain", body), "{shown}");
            let long = [" ".repeat(3 << 20).as_bytes(), body].concat();
            let chunks: Vec<&[u8]> = long.chunks(64 << 10).collect();
            assert!(sees("application/json", &chunks), "{shown}");
        }
        for body in [
            &br#"{"access\\u005ftoken":1}"#[..],
            b"100% \\ \\u00 %",
            br"\u005",
        ] {
            assert!(!sees_slowly("text/plain", body));
        }
    }

    #[test]
    fn files_are_only_searched_for_known_secrets() {
        let heads: [(&str, &[u8]); 5] = [
            ("image/jpeg", b"\xff\xd8\xff\xe0"),
            ("application/pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
            ("application/zip", b"PK\x03\x04"),
            ("video/mp4", b"\0\0\0\x18ftypmp42"),
            ("application/octet-stream", b"\x7fELF"),
        ];
        for (content_type, head) in heads {
            let with = |text: &str| [head, text.as_bytes()].concat();
            assert!(
                !sees(content_type, &[&with("access_token")]),
                "{content_type}"
            );
            assert!(!sees(content_type, &[&with("482913")]), "too short to tell");
            for secret in [SECRET, "short-8b"] {
                assert!(sees(content_type, &[&with(secret)]), "{content_type}");
                assert!(sees_slowly(content_type, &with(secret)), "{content_type}");
            }
        }
        let binary_inside = b"\xff\xd8 access_token";
        assert!(
            sees("application/json", &[binary_inside]),
            "no file by its type"
        );
    }

    #[test]
    fn no_name_is_longer_than_what_is_kept() {
        let longest = TOKEN_MEMBERS.iter().map(|name| name.len()).max();
        assert!(longest.is_some_and(|longest| longest <= TOKEN_NAME_BYTES_MAX));
    }
}
