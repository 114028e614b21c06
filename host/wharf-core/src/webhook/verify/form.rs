//! The fields of a form as providers sign them: sorted by name, each name followed by its values.

use std::collections::{BTreeMap, BTreeSet};

use super::{Incoming, Refusal};

const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";
/// Twilio's calls have some forty fields (Messaging webhook reference); sorting more is work that
/// nobody honest asks for.
const FIELDS_MAX: usize = 1_000;

/// Names in the order of their bytes, upper case before lower; each with its values, every value once
/// and in the order of its bytes. Fields are bytes: they need not be UTF-8 to be signed.
///
/// An empty body has no fields. Any other body that is no form is refused: it would be signed by
/// nothing and still be believed.
pub(super) fn sorted(call: &Incoming<'_>) -> Result<Vec<u8>, Refusal> {
    if call.body.is_empty() {
        return Ok(Vec::new());
    }
    let content_type = call.content_type()?;
    if !content_type.is_some_and(|given| given.eq_ignore_ascii_case(CONTENT_TYPE)) {
        return Err(malformed("its content type is another"));
    }
    let mut fields: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for (number, field) in call.body.split(|byte| *byte == b'&').enumerate() {
        if number == FIELDS_MAX {
            return Err(malformed("it has more than 1000 fields"));
        }
        if field.is_empty() {
            continue;
        }
        let mut halves = field.splitn(2, |byte| *byte == b'=');
        let name = decoded(halves.next().unwrap_or_default())?;
        let value = decoded(halves.next().unwrap_or_default())?;
        fields.entry(name).or_default().insert(value);
    }
    let mut joined = Vec::with_capacity(call.body.len());
    for (name, values) in &fields {
        for value in values {
            joined.extend_from_slice(name);
            joined.extend_from_slice(value);
        }
    }
    Ok(joined)
}

/// Plus is a space, `%` and two hex digits a byte, and nothing else is an escape.
fn decoded(text: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |at: Option<&u8>| at.and_then(|byte| char::from(*byte).to_digit(16));
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let value = high.zip(low).map(|(high, low)| high * 16 + low);
                value
                    .and_then(|value| u8::try_from(value).ok())
                    .ok_or_else(|| malformed("a % is not followed by two hex digits"))?
            }
            other => *other,
        });
    }
    Ok(bytes)
}

fn malformed(reason: &'static str) -> Refusal {
    Refusal::Form { reason }
}
