//! Other people's JSON as the host takes it. The host refuses a document that could not become a tree
//! later, and with it every item of the page; so what it would refuse is mended or kept as a string.

/// The host takes 64 levels; the rest is for the document that this one becomes a part of.
const DEPTH_MAX: usize = 60;
/// Where `serde_json` hides raw values; the host refuses an object with this key.
const RESERVED_KEY: &str = "$serde_json::private::RawValue";
/// Digits that fit a double whatever they are: the largest has 309.
const DIGITS_SAFE: usize = 300;

/// A valid JSON text as a document that the host takes: as it came wherever that is possible, with
/// U+FFFD in place of half characters, and as one string where it is nested too deeply or holds a number
/// that no double can hold.
#[must_use]
pub fn document(raw: &str) -> String {
    let mended = if has_half_characters(raw) {
        with_whole_characters(raw)
    } else {
        raw.to_owned()
    };
    if is_plain(&mended) {
        mended
    } else {
        serde_json::Value::String(mended).to_string()
    }
}

/// Nested no deeper than the limit, each number finite, no reserved key. Looks at the bytes once.
fn is_plain(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at + 1),
            b'[' | b'{' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'-' | b'0'..=b'9' => {
                let rest = raw.get(at..).unwrap_or_default();
                let length = length_of_number(rest);
                if !is_finite(rest.get(..length).unwrap_or_default()) {
                    return false;
                }
                at += length - 1;
            }
            _ => {}
        }
        at += 1;
    }
    !raw.contains(RESERVED_KEY)
}

/// The index of the closing quote.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// At least 1: it is asked where a number begins.
fn length_of_number(rest: &str) -> usize {
    let is_part =
        |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    rest.bytes().take_while(is_part).count().max(1)
}

fn is_finite(number: &str) -> bool {
    let is_short = number.len() <= DIGITS_SAFE && !number.contains(['e', 'E']);
    is_short || number.parse().is_ok_and(f64::is_finite)
}

/// Half of a surrogate pair is legal JSON and no text: a phone that cuts a text inside an emoji sends it.
fn has_half_characters(raw: &str) -> bool {
    escapes(raw).any(|(_, unit)| unit.is_half)
}

/// The same JSON with U+FFFD in place of each half of a surrogate pair that stands alone.
#[must_use]
pub fn with_whole_characters(raw: &str) -> String {
    let mut whole = String::with_capacity(raw.len());
    let mut copied = 0;
    for (at, _) in escapes(raw).filter(|(_, unit)| unit.is_half) {
        whole.push_str(raw.get(copied..at).unwrap_or_default());
        whole.push_str("\\ufffd");
        copied = at + UNIT_BYTES;
    }
    whole.push_str(raw.get(copied..).unwrap_or_default());
    whole
}

/// `\uXXXX`.
const UNIT_BYTES: usize = 6;

struct Unit {
    is_half: bool,
}

/// Each `\uXXXX` of a JSON text with its index; a pair counts once.
fn escapes(raw: &str) -> impl Iterator<Item = (usize, Unit)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += raw.get(at..)?.find('\\')?;
            let start = at;
            let Some(unit) = unit_at(raw, start) else {
                // The backslash and what it escapes, of which only the first byte can be a backslash.
                at = start + 1 + raw.get(start + 1..)?.chars().next()?.len_utf8();
                continue;
            };
            at = start + UNIT_BYTES;
            let is_pair = is_high(unit) && unit_at(raw, at).is_some_and(is_low);
            if is_pair {
                at += UNIT_BYTES;
            }
            let is_half = !is_pair && (is_high(unit) || is_low(unit));
            return Some((start, Unit { is_half }));
        }
    })
}

fn unit_at(raw: &str, at: usize) -> Option<u16> {
    let hex = raw.get(at..at + UNIT_BYTES)?.strip_prefix("\\u")?;
    u16::from_str_radix(hex, 16).ok()
}

fn is_high(unit: u16) -> bool {
    (0xd800..0xdc00).contains(&unit)
}

fn is_low(unit: u16) -> bool {
    (0xdc00..0xe000).contains(&unit)
}

#[cfg(test)]
mod tests {
    use super::document;

    fn nested(levels: usize) -> String {
        "[".repeat(levels) + &"]".repeat(levels)
    }

    #[test]
    fn what_can_become_a_tree_is_kept_as_it_came() {
        for text in [
            "null",
            "-0.5",
            r#"{"a":[1,2.50,-3e2,{}],"b":"\u00e4\/\ud83d\ude00 \\u12"}"#,
            r#""[[[ 1e999 \" {{{""#,
            &nested(60),
        ] {
            assert_eq!(document(text), text);
        }
    }

    #[test]
    fn half_characters_become_the_replacement_character() {
        for (text, mended) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#"{"a":"x\ude00y"}"#, r#"{"a":"x\ufffdy"}"#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\\\ud83d\ud83d""#, r#""\\\\ud83d\ufffd""#),
            (r#""\uD83D\n""#, r#""\ufffd\n""#),
        ] {
            assert_eq!(document(text), mended);
            serde_json::from_str::<serde_json::Value>(mended).expect("it is a tree now");
        }
    }

    #[test]
    fn what_no_tree_can_hold_becomes_one_string() {
        let reserved = r#"{"$serde_json::private::RawValue":1}"#;
        let (deep, deeper) = (nested(61), nested(100_000));
        for text in [&*deep, &*deeper, "[1e999]", "-1e400", reserved] {
            let kept = document(text);
            let read: String = serde_json::from_str(&kept).expect("a string");
            assert_eq!(read, text);
        }
        let long = "9".repeat(400);
        assert_eq!(document(&long), format!("\"{long}\""));
        assert_eq!(document("1e300"), "1e300");
    }
}
