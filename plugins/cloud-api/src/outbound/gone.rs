//! What Meta says of a media id that it does not have, and what that means for whom.
//!
//! Code 100, and a message that names the parameter: `(#100) Param template['components'][0]['parameters'][0]
//! ['image']['id'] is not a valid whatsapp business account media attachment ID`, or shorter, `Param image.id
//! is ...`. Published clients match on the same words (n8n's WhatsApp node, Kapso's emulator).

use wharf_plugin::prelude::{Code, Error, Retry};

/// The part of the sentence that stands for nothing else.
const WORDS: &str = "media attachment id";
/// Stands before the parameter's name.
const PARAM: &str = "Param ";

/// Whether a refusal is about a media id.
pub(super) fn says(error: &Error) -> bool {
    error.detail.to_ascii_lowercase().contains(WORDS)
}

/// Whether the sentence names a place at all.
pub(super) fn names_any(detail: &str) -> bool {
    named(detail).next().is_some()
}

/// Whether it names this place: `/image` for `image.id` and `image['id']`.
pub(super) fn names(detail: &str, pointer: &str) -> bool {
    let named = named(detail);
    // A JSON pointer's escapes belong to keys that no medium's place has.
    let place = pointer.split('/').skip(1).chain(["id"]);
    named.eq(place)
}

/// The steps from the message to the parameter that the sentence names.
fn named(detail: &str) -> impl Iterator<Item = &str> {
    let (_, rest) = detail.split_once(PARAM).unwrap_or_default();
    let name = rest.split(' ').next().unwrap_or_default();
    name.split(['.', '[', ']', '\'', '"'])
        .filter(|part| !part.is_empty())
}

/// The tenant's own id: nothing here can bring it back.
pub(super) fn given_by_the_tenant(error: Error) -> Error {
    rejected(
        error,
        Retry::Never,
        "Upload the file again and use its new media ID: the provider keeps media for 30 days, for the account that uploaded them.",
    )
}

/// One of ours once more. The message was refused, so nothing was sent, and the next attempt begins with
/// what was uploaded anew.
pub(super) fn again(error: Error) -> Error {
    rejected(
        error,
        Retry::Backoff,
        "Nothing to do: the file is uploaded anew with the next attempt.",
    )
}

fn rejected(mut error: Error, retry: Retry, remedy: &str) -> Error {
    error.code = Code::MediaRejected;
    error.retry = retry;
    error.remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_by_either_way_of_writing_it() {
        for (detail, pointer) in [
            (
                "(#100) Param image.id is not a valid whatsapp business account media attachment ID",
                "/image",
            ),
            ("Param image['id'] is not a valid ...", "/image"),
            (
                "(#100) Param template['components'][0]['parameters'][0]['image']['id'] is not ...",
                "/template/components/0/parameters/0/image",
            ),
        ] {
            assert!(names(detail, pointer), "{detail}");
        }
        for (detail, pointer) in [
            ("Param image.id is not", "/video"),
            ("Param image.id is not", "/image/x"),
            ("Param interactive['header']['image']['id'] is", "/image"),
            ("the parameter", "/image"),
            ("Param ", "/image"),
            ("", ""),
        ] {
            assert!(!names(detail, pointer), "{detail}");
        }
    }
}
