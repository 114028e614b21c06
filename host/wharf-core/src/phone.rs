//! Phone numbers as E.164 digits, read without guessing.

/// Shortest and longest international number: ITU-T E.164 allows 15 digits; nothing with a country
/// code is shorter than 7.
const DIGITS_MIN: usize = 7;
const DIGITS_MAX: usize = 15;

/// Reads a phone number as people write it and gives its digits without the plus sign.
///
/// Spaces, `-`, `.`, `(` and `)` are skipped. A number must be international: a leading `0` could be
/// any country's, so it is refused rather than guessed.
pub fn parse(text: &str) -> Result<String, String> {
    let trimmed = text.trim();
    let rest = trimmed.strip_prefix('+').unwrap_or(trimmed);
    let mut digits = String::with_capacity(rest.len());
    for c in rest.chars() {
        match c {
            '0'..='9' => digits.push(c),
            ' ' | '-' | '.' | '(' | ')' => {}
            _ => {
                return Err(format!(
                    "a phone number has digits, an optional leading + and spaces, not {c:?}; write it as +4915112345678"
                ));
            }
        }
    }
    if digits.starts_with('0') {
        return Err(
            "the number starts with 0, so its country is unknown; write it with the country code, as +4915112345678"
                .to_owned(),
        );
    }
    if !(DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) {
        return Err(format!(
            "an international number has {DIGITS_MIN} to {DIGITS_MAX} digits, this has {}; write it as +4915112345678",
            digits.len()
        ));
    }
    Ok(digits)
}

/// The number as logs may show it: country-code side and the last two digits.
pub fn shorten(digits: &str) -> String {
    if digits.len() < 6 || !digits.is_ascii() {
        return "…".to_owned();
    }
    format!("{}…{}", &digits[..3], &digits[digits.len() - 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them() {
        for text in [
            "+49 151 1234-5678",
            "4915112345678",
            " +49(151)12345678 ",
            "+49.151.12345678",
        ] {
            assert_eq!(parse(text).as_deref(), Ok("4915112345678"), "{text}");
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for text in [
            "015112345678",
            "0049 151 12345678",
            "",
            "+",
            "12345",
            "1234567890123456",
            "49151x2345678",
            "４９１５１１２３４５６７",
        ] {
            let refusal = parse(text).expect_err(text);
            assert!(refusal.contains("+4915112345678"), "{refusal}");
        }
    }

    #[test]
    fn logs_see_little() {
        assert_eq!(shorten("4915112345678"), "491…78");
        assert_eq!(shorten("1234"), "…");
        assert_eq!(shorten("ééééééé"), "…");
    }
}
