//! How Twilio writes who and from where: `whatsapp:+14155238886`, or `whatsapp:US.1234` for a person without
//! a phone number.

use wharf_plugin::prelude::*;

/// The channel's prefix. Some requests were seen without it.
pub(crate) const PREFIX: &str = "whatsapp:";
/// What the host takes as a phone number or a user's id.
const NAME_BYTES_MAX: usize = 200;
/// E.164.
const DIGITS_MAX: usize = 15;
/// `messenger:`, `rcs:`: other channels of the same account.
const SEPARATOR: char = ':';

/// One end of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Digits of a phone number.
    Phone(String),
    /// The id of a person in the scope of the business.
    User(String),
}

impl End {
    /// What an address says; nothing for one of another channel, or for no address.
    pub(crate) fn read(address: &str) -> Option<Self> {
        let bare = address.strip_prefix(PREFIX).unwrap_or(address);
        let digits = bare.strip_prefix('+').unwrap_or(bare);
        if !digits.is_empty()
            && digits.len() <= DIGITS_MAX
            && digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Some(Self::Phone(digits.to_owned()));
        }
        let is_id = is_name(bare) && !bare.contains(SEPARATOR) && !bare.starts_with('+');
        is_id.then(|| Self::User(bare.to_owned()))
    }

    pub(crate) fn party(self) -> Party {
        match self {
            Self::Phone(digits) => Party::phone(&digits),
            Self::User(id) => Party::user_id(id),
        }
    }
}

/// The route of an address of ours: the number as the channel's setting has it, with the plus sign.
pub(crate) fn route(address: Option<&str>, account: Option<&str>) -> Route {
    match address.and_then(End::read) {
        Some(End::Phone(digits)) => Route::Sender(format!("+{digits}")),
        Some(End::User(id)) => Route::Sender(id),
        None => account_route(account),
    }
}

/// The route of what belongs to the whole account.
pub(crate) fn account_route(account: Option<&str>) -> Route {
    match account.filter(|sid| is_name(sid)) {
        Some(sid) => Route::Account(sid.to_owned()),
        None => Route::App,
    }
}

/// Fit for an id or a name on one line.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_number_or_a_person_of_this_channel() {
        for (address, end) in [
            (
                "whatsapp:+4915112345678",
                Some(End::Phone("4915112345678".to_owned())),
            ),
            (
                "+4915112345678",
                Some(End::Phone("4915112345678".to_owned())),
            ),
            (
                "whatsapp:4915112345678",
                Some(End::Phone("4915112345678".to_owned())),
            ),
            (
                "whatsapp:US.13491208655302741918",
                Some(End::User("US.13491208655302741918".to_owned())),
            ),
            (
                "whatsapp:US.ENT.A1",
                Some(End::User("US.ENT.A1".to_owned())),
            ),
            ("messenger:1234", None),
            ("rcs:brand_agent", None),
            ("whatsapp:", None),
            ("", None),
            ("whatsapp:+", None),
            ("whatsapp:+49151x", None),
            ("whatsapp:a\nb", None),
        ] {
            assert_eq!(End::read(address), end, "{address:?}");
        }
    }

    #[test]
    fn ours_is_routed_by_its_number_and_else_by_the_account() {
        assert_eq!(
            route(Some("whatsapp:+14155238886"), Some("AC1")),
            Route::Sender("+14155238886".to_owned())
        );
        assert_eq!(
            route(Some("messenger:1"), Some("AC1")),
            Route::Account("AC1".to_owned())
        );
        assert_eq!(route(None, None), Route::App);
    }
}
