//! What parsers trip over: texts, JSON values and bytes that somebody has sent, or will.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::node::quoted;

const TEXTS: [&str; 24] = [
    "",
    " ",
    "0",
    "-1",
    "null",
    "true",
    "[captured]",
    "\n",
    "a\0b",
    "\u{1}\u{7f}\u{9f}",
    "\u{feff}x",
    "\u{202e}abc",
    "👩‍👩‍👧‍👦",
    "é\u{301}",
    "../../etc",
    "https://elsewhere.example/a?b=c#d",
    "http://[::1]:80/",
    "%00%zz%",
    "{\"a\":[1]}",
    "whatsapp:+",
    "1970-01-01T00:00:00Z",
    "99999999999999999999999",
    "$serde_json::private::RawValue",
    "\"'<>&;|`",
];

const LEAVES: [&str; 34] = [
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "[null]",
    "[[],{}]",
    "{\"\":\"\"}",
    "{\"$serde_json::private::RawValue\":1}",
    "{\"$serde_json::private::Number\":\"1\"}",
    "0",
    "-0",
    "-1",
    "1.5",
    "1E5",
    "1e400",
    "-1e400",
    "1e-400",
    "9007199254740993",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "253402300799",
    "253402300800",
    "4294967296",
    "2147483648",
    "65536",
    "\"\\ud800\"",
    "\"a\\udc00b\"",
    "\"\\ud83d\\ud83d\\ude00\"",
    "\"\\u0000\"",
    "\"\\/\\b\\f\\n\\r\\t\"",
    "\"\\ufffe\\uffff\"",
    "\"\\u00e4\"",
];

/// Around what the interface, the host and `serde_json` allow.
const DEPTHS: [usize; 10] = [2, 59, 61, 64, 65, 126, 128, 129, 1_000, 20_000];
const LENGTHS: [usize; 10] = [63, 65, 200, 255, 256, 512, 513, 2_049, 16_385, 70_000];

pub(super) fn text(chance: &mut StdRng) -> String {
    match chance.random_range(0..8) {
        0 => {
            let length = *LENGTHS.choose(chance).expect("there are some");
            let unit = *["x", "7", "ä", "\u{1}"].choose(chance).expect("some");
            unit.repeat(length / unit.len())
        }
        1 => {
            let length = chance.random_range(0..24);
            (0..length).map(|_| chance.random::<char>()).collect()
        }
        2 => chance.random::<u64>().to_string(),
        _ => (*TEXTS.choose(chance).expect("there are some")).to_owned(),
    }
}

/// A JSON value, written.
pub(super) fn leaf(chance: &mut StdRng) -> String {
    match chance.random_range(0..12) {
        0 => nested(chance),
        1..=3 => quoted(&text(chance)),
        4 => {
            let digits = *LENGTHS.choose(chance).expect("there are some");
            "9".repeat(digits.min(2_049))
        }
        5 => chance.random::<i64>().to_string(),
        _ => (*LEAVES.choose(chance).expect("there are some")).to_owned(),
    }
}

fn nested(chance: &mut StdRng) -> String {
    let depth = *DEPTHS.choose(chance).expect("there are some");
    match chance.random_bool(0.5) {
        true => "[".repeat(depth) + &"]".repeat(depth),
        false => "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth),
    }
}

/// No text, or none that is harmless.
pub(super) const BYTES: [&[u8]; 9] = [
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
    b"\0",
    b"\0\0\0\0\0\0\0\0",
    b"\\u",
    b"\r\n\r\n",
];
