//! The platform's limits, each with its name, as refusals say it.
//!
//! They are WhatsApp's own, whichever provider carries the message; what a provider narrows further is its
//! plugin's to refuse. Lengths are characters (Unicode scalar values), not bytes. Source, unless another is
//! named: <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages>
//! and the page of each kind below it, as of September 2026.

use std::fmt;

use super::reader::FieldError;

/// How long a text may be, and what it is called.
#[derive(Clone, Copy, Debug)]
pub struct Chars {
    pub what: &'static str,
    pub max: usize,
}

impl Chars {
    const fn new(what: &'static str, max: usize) -> Self {
        Self { what, max }
    }

    /// Not empty, not longer than it may be, and storable.
    pub fn check(&self, pointer: &str, text: &str) -> Result<(), FieldError> {
        let Self { what, max } = self;
        if text.trim().is_empty() {
            let detail = format!("{what} is empty; WhatsApp sends no empty texts");
            return Err(FieldError::new(pointer, "invalid", detail));
        }
        let chars = text.chars().count();
        if chars > *max {
            let detail = format!("{what} has at most {max} characters, this one has {chars}");
            return Err(FieldError::new(pointer, "too-long", detail));
        }
        if text.contains('\0') {
            let detail =
                format!("{what} contains the character U+0000, which cannot be sent; remove it");
            return Err(FieldError::new(pointer, "invalid", detail));
        }
        Ok(())
    }
}

/// How many there may be of something, and what has them.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    pub owner: &'static str,
    pub what: &'static str,
    pub min: usize,
    pub max: usize,
}

impl Count {
    const fn new(owner: &'static str, what: &'static str, min: usize, max: usize) -> Self {
        Self {
            owner,
            what,
            min,
            max,
        }
    }

    pub fn check(&self, pointer: &str, count: usize) -> Result<(), FieldError> {
        let Self {
            owner,
            what,
            min,
            max,
        } = self;
        if count > *max {
            let detail = format!("{owner} has at most {max} {what}, this one has {count}");
            return Err(FieldError::new(pointer, "too-many", detail));
        }
        if count < *min {
            let detail = format!("{owner} has at least {min} {what}, this one has {count}");
            return Err(FieldError::new(pointer, "invalid", detail));
        }
        Ok(())
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {} to {} {}", self.min, self.max, self.what)
    }
}

pub const TEXT: Chars = Chars::new("the text", 4096);
pub const CAPTION: Chars = Chars::new("a caption", 1024);
/// Meta names none; the name drives the icon, and file systems stop at 255 bytes.
pub const FILENAME: Chars = Chars::new("a file name", 240);
/// Ids of a provider, as `provider.wit` has them.
pub const MESSAGE_ID: Chars = Chars::new("a message id", 512);
pub const MEDIA_ID: Chars = Chars::new("a media id", 512);
pub const GROUP_ID: Chars = Chars::new("a group id", 512);
/// Browsers and proxies stop near this; Meta names 2,000 for the links of templates.
pub const LINK: Chars = Chars::new("a link", 2048);
/// Meta names none for the two.
pub const PLACE: Chars = Chars::new("a place's name or address", 1000);
/// One emoji may be a sequence of more than ten characters.
pub const EMOJI: Chars = Chars::new("an emoji", 32);
pub const CONTACTS: Count = Count::new("a message", "contacts", 1, 257);
/// A name, a number, a street; Meta names no limit.
pub const CONTACT_TEXT: Chars = Chars::new("a text of a contact", 1000);

pub const HEADER: Chars = Chars::new("a header", 60);
pub const BODY: Chars = Chars::new("the body", 1024);
pub const LIST_BODY: Chars = Chars::new("the body of a list", 4096);
pub const FOOTER: Chars = Chars::new("a footer", 60);
pub const BUTTONS: Count = Count::new("a message", "buttons", 1, 3);
pub const BUTTON_ID: Chars = Chars::new("a button's id", 256);
pub const BUTTON_TITLE: Chars = Chars::new("a button's title", 20);
pub const LIST_LABEL: Chars = Chars::new("the label of a list's button", 20);
pub const SECTIONS: Count = Count::new("a list", "sections", 1, 10);
pub const SECTION_TITLE: Chars = Chars::new("a section's title", 24);
/// Of all its sections together.
pub const ROWS: Count = Count::new("a list", "rows", 1, 10);
pub const ROW_ID: Chars = Chars::new("a row's id", 200);
pub const ROW_TITLE: Chars = Chars::new("a row's title", 24);
pub const ROW_DESCRIPTION: Chars = Chars::new("a row's description", 72);
pub const LINK_LABEL: Chars = Chars::new("the label of a link's button", 20);
/// Meta recommends 30 for the button of a flow and refuses nothing up to this.
pub const FLOW_LABEL: Chars = Chars::new("the label of a flow's button", 60);
pub const CARDS: Count = Count::new("a carousel", "cards", 2, 10);
pub const CARD_BODY: Chars = Chars::new("the body of a card", 160);
pub const CARD_LINE_BREAKS_MAX: usize = 2;

/// Templates: <https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview>.
pub const TEMPLATE_NAME: Chars = Chars::new("a template's name", 512);
pub const LANGUAGE: Chars = Chars::new("a template's language", 20);
/// Header, body, ten buttons, an offer, a carousel: more components a template cannot have.
pub const COMPONENTS: Count = Count::new("a template", "components", 0, 16);
/// Meta names none; a body of 1,024 characters has no room for more.
pub const PARAMETERS: Count = Count::new("a component", "parameters", 0, 100);
pub const BUTTON_INDEX_MAX: u64 = 9;
pub const HEADER_PARAMETER: Chars = Chars::new("a parameter of a header", 60);
/// What a template of nothing but a body may come to.
pub const PARAMETER: Chars = Chars::new("a parameter", 32_768);
pub const PARAMETER_NAME: Chars = Chars::new("a parameter's name", 512);
pub const PAYLOAD: Chars = Chars::new("a button's payload", 256);
pub const COUPON_CODE: Chars = Chars::new("a coupon code", 20);
pub const CURRENCY_CODE: Chars = Chars::new("a currency's code", 3);
/// `quick_reply`, `url`, `copy_code`, ...: words, of which more may come.
pub const SUB_TYPE: Chars = Chars::new("a button's sub_type", 64);

/// What a tenant may attach to a message.
pub const REFERENCE: Chars = Chars::new("a reference", 256);
/// Further envelope members are a handful of ids and words.
pub const OPTIONS_BYTES_MAX: usize = 4096;
/// Stored media that one provider-specific document may name.
pub const PLACED_MEDIA: Count = Count::new("a document", "media", 0, 32);
/// A user id is a country code, a dot and at most 128 letters and digits:
/// <https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids>.
pub const USER_ID_CHARS_MAX: usize = 160;
/// A message may wait a month at most: WhatsApp itself gives up after 30 days.
pub const TTL_S_MAX: u64 = 30 * 86_400;
/// Channels that a message may fall back to: each adds its retries to the time it may take.
pub const FALLBACK_CHANNELS_MAX: usize = 5;
/// Messages of one batch.
pub const BATCH_MESSAGES_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_limit_and_what_was_given() {
        let error = BUTTON_TITLE.check("/t", &"ä".repeat(21)).unwrap_err();
        assert_eq!(
            (error.code, error.detail.as_str()),
            (
                "too-long",
                "a button's title has at most 20 characters, this one has 21"
            )
        );
        assert!(BUTTON_TITLE.check("/t", &"ä".repeat(20)).is_ok());
        for empty in ["", " \n\u{2003}"] {
            assert_eq!(BUTTON_TITLE.check("/t", empty).unwrap_err().code, "invalid");
        }
        assert_eq!(BUTTON_TITLE.check("/t", "a\0").unwrap_err().code, "invalid");

        let error = ROWS.check("/r", 11).unwrap_err();
        assert_eq!(
            (error.code, error.detail.as_str()),
            ("too-many", "a list has at most 10 rows, this one has 11")
        );
        let error = CARDS.check("/c", 1).unwrap_err();
        assert_eq!(
            error.detail,
            "a carousel has at least 2 cards, this one has 1"
        );
        assert!(CARDS.check("/c", 2).is_ok() && CARDS.check("/c", 10).is_ok());
    }
}
