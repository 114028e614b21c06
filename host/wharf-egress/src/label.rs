//! What a stored object is called, from an answer's headers: made harmless, because it is shown, put
//! into headers again and perhaps used as the name of a file.

use http::HeaderMap;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

const TYPE_DEFAULT: &str = "application/octet-stream";
const TYPE_BYTES_MAX: usize = 255;
const FILENAME_BYTES_MAX: usize = 200;

/// `type/subtype` in lower case with its well-formed parameters (`audio/ogg; codecs=opus` means
/// something to WhatsApp); bytes without a name where there is none.
pub(crate) fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    value
        .and_then(media_type)
        .unwrap_or_else(|| TYPE_DEFAULT.to_owned())
}

/// The same of one text, and none where it names no type.
pub fn media_type(value: &str) -> Option<String> {
    let mut parts = value.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    let mut clean = format!("{kind}/{subtype}").to_ascii_lowercase();
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        if is_token(name) && is_token(value) {
            clean.push_str(&format!("; {}={value}", name.to_ascii_lowercase()));
        }
    }
    (clean.len() <= TYPE_BYTES_MAX).then_some(clean)
}

fn is_token(text: &str) -> bool {
    let symbol = |b: u8| b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || symbol(b))
}

/// The name that `Content-Disposition` (RFC 6266) gives, its extended form first.
pub(crate) fn filename(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_DISPOSITION)?.as_bytes();
    let value = String::from_utf8_lossy(value);
    let parameters = parameters(&value);
    let find = |wanted: &str| {
        let mut all = parameters.iter();
        all.find(|(name, _)| name == wanted).map(|(_, value)| value)
    };
    let extended = find("filename*").and_then(|value| extended(value));
    file_name(&extended.or_else(|| find("filename").cloned())?)
}

/// `name=value` and `name="quoted value"`, names in lower case; what is malformed is left out.
fn parameters(value: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let (value, next) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), next)
            }
        };
        let name = name.rsplit(';').next().unwrap_or_default().trim();
        found.push((name.to_ascii_lowercase(), value));
        rest = next.trim_start().trim_start_matches(';');
    }
    found
}

fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

/// RFC 8187: charset, language, percent-encoded value. Only UTF-8 is in use.
fn extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    String::from_utf8(crate::policy::decode_once(encoded.as_bytes()).unwrap_or(encoded.into())).ok()
}

/// The last component, without anything that means something to a file system, a shell, a header or
/// the direction of writing.
pub fn file_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut clean = String::with_capacity(last.len());
    for character in last.chars() {
        let bidi = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || bidi || character == '\u{feff}' {
            continue;
        }
        clean.push(match character {
            '<' | '>' | ':' | '"' | '|' | '?' | '*' | ';' => '_',
            other => other,
        });
    }
    let clean = clean
        .trim()
        .trim_start_matches('.')
        .trim_end_matches([' ', '.']);
    let short = shorten(clean);
    (!short.is_empty()).then_some(short)
}

/// Cuts the middle, so that the extension stays.
fn shorten(name: &str) -> String {
    if name.len() <= FILENAME_BYTES_MAX {
        return name.to_owned();
    }
    let extension = match name.rsplit_once('.') {
        Some((_, extension)) if extension.len() <= 16 => format!(".{extension}"),
        _ => String::new(),
    };
    let mut end = FILENAME_BYTES_MAX - extension.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn with(name: http::HeaderName, value: &[u8]) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_bytes(value).unwrap())])
    }

    #[test]
    fn content_types_are_normalised_or_replaced() {
        let read = |value: &str| content_type(&with(CONTENT_TYPE, value.as_bytes()));
        assert_eq!(read("Image/JPEG"), "image/jpeg");
        assert_eq!(read("audio/ogg; codecs=opus"), "audio/ogg; codecs=opus");
        assert_eq!(
            read("text/plain;Charset=UTF-8 ; x=\"a b\"; bad"),
            "text/plain; charset=UTF-8"
        );
        for value in ["", "jpeg", "a b/c", "text/", "/x", "te<xt/html"] {
            assert_eq!(read(value), "application/octet-stream", "{value}");
        }
        let long = format!("image/{}", "x".repeat(300));
        assert_eq!(read(&long), "application/octet-stream");
        assert_eq!(content_type(&HeaderMap::new()), "application/octet-stream");
    }

    #[test]
    fn file_names_are_bare_and_harmless() {
        let read = |value: &str| filename(&with(CONTENT_DISPOSITION, value.as_bytes()));
        let name = |text: &str| Some(text.to_owned());
        assert_eq!(read("attachment; filename=report.pdf"), name("report.pdf"));
        assert_eq!(
            read(r#"attachment; filename="a \"b\"; c.pdf"; size=3"#),
            name("a _b__ c.pdf")
        );
        assert_eq!(
            read("attachment; filename=\"x.pdf\"; filename*=UTF-8'de'Gr%C3%BC%C3%9Fe.pdf"),
            name("Grüße.pdf")
        );
        assert_eq!(
            read(r#"attachment; filename="../../etc/passwd""#),
            name("passwd")
        );
        assert_eq!(
            read("attachment; filename*=UTF-8''..%2F..%2F.bashrc"),
            name("bashrc")
        );
        assert_eq!(
            read("attachment; filename*=UTF-8''a%0D%0AX-Evil:%201.txt"),
            name("aX-Evil_ 1.txt")
        );
        assert_eq!(
            read("attachment; filename*=UTF-8''exe%E2%80%AEfdp.x"),
            name("exefdp.x")
        );
        for value in [
            "attachment",
            "attachment; filename=\"\"",
            "attachment; filename=\"..\"",
            "attachment; filename*=latin1''x.pdf",
            "attachment; filename*=UTF-8''%FF%FE",
            "attachment; filename=\"C:\\\\\"",
        ] {
            assert_eq!(read(value), None, "{value}");
        }
        let long = read(&format!("attachment; filename={}.jpeg", "ä".repeat(300))).unwrap();
        assert!(long.len() <= FILENAME_BYTES_MAX && long.ends_with("ä.jpeg"));
    }

    proptest! {
        #[test]
        fn no_header_makes_a_dangerous_name(value in prop::collection::vec(b' '..=255_u8, 0..300)) {
            let value: Vec<u8> = value.into_iter().filter(|b| *b != 0x7f).collect();
            let headers = with(CONTENT_DISPOSITION, &value);
            if let Some(name) = filename(&headers) {
                prop_assert!(!name.is_empty() && name.len() <= FILENAME_BYTES_MAX);
                prop_assert!(!name.starts_with('.'));
                prop_assert!(!name.contains(['/', '\\', '"', ':']));
                prop_assert!(!name.chars().any(char::is_control));
            }
            let kind = content_type(&with(CONTENT_TYPE, &value));
            prop_assert!(kind.is_ascii() && kind.contains('/') && kind.len() <= TYPE_BYTES_MAX);
        }
    }
}
