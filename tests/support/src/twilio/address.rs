//! Addresses of the WhatsApp channel: `whatsapp:+E164`, or `whatsapp:` and a business-scoped user id.

/// A person or a number on WhatsApp.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// With the plus.
    Phone(String),
    UserId(String),
}

impl Address {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("whatsapp:")?;
        if is_e164(rest) {
            return Some(Self::Phone(rest.to_owned()));
        }
        is_user_id(rest).then(|| Self::UserId(rest.to_owned()))
    }

    /// `+15551234567` or `US.1234`.
    pub fn key(&self) -> &str {
        match self {
            Self::Phone(key) | Self::UserId(key) => key,
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "whatsapp:{}", self.key())
    }
}

/// A plus, no leading zero, at most 15 digits (ITU-T E.164).
pub(crate) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// `US.1234`, `US.ENT.1234`.
fn is_user_id(text: &str) -> bool {
    let Some((country, rest)) = text.split_once('.') else {
        return false;
    };
    let rest = rest.strip_prefix("ENT.").unwrap_or(rest);
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && !rest.is_empty()
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Two letters and 32 hexadecimal digits.
pub(crate) fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_the_channel_and_complete() {
        assert_eq!(
            Address::parse("whatsapp:+15551234567"),
            Some(Address::Phone("+15551234567".to_owned()))
        );
        for id in ["whatsapp:US.123", "whatsapp:CZ.ENT.a1"] {
            assert_eq!(Address::parse(id).map(|it| it.to_string()), Some(id.into()));
        }
        for wrong in [
            "+15551234567",
            "whatsapp:15551234567",
            "whatsapp:+0555",
            "whatsapp:+1 555",
            "whatsapp:+1234567890123456",
            "whatsapp:us.1",
            "whatsapp:US.",
            "whatsapp:US.ENT.",
            "sms:+15551234567",
            "",
        ] {
            assert_eq!(Address::parse(wrong), None, "{wrong}");
        }
    }
}
