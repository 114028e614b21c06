//! Contact cards. Their shape is the Cloud API's and they are passed on as they are; what would make
//! WhatsApp refuse or lose one is checked.

use super::limits;
use super::reader::{Object, Reader};
use crate::provider::Json;

const MEMBERS: [&str; 7] = [
    "name",
    "phones",
    "emails",
    "urls",
    "addresses",
    "org",
    "birthday",
];
const NAMES: [&str; 6] = [
    "formatted_name",
    "first_name",
    "last_name",
    "middle_name",
    "prefix",
    "suffix",
];
/// Lists of a card: their name, the members of an element, and the one it cannot do without.
const LISTS: [(&str, &[&str], Option<&str>); 4] = [
    ("phones", &["phone", "type", "wa_id"], Some("phone")),
    ("emails", &["email", "type"], Some("email")),
    ("urls", &["url", "type"], Some("url")),
    (
        "addresses",
        &[
            "street",
            "city",
            "state",
            "zip",
            "country",
            "country_code",
            "type",
        ],
        None,
    ),
];

pub(super) fn contacts(read: &mut Reader, envelope: &Object<'_>) -> Option<Json> {
    let cards = read.needed_objects(envelope, "contacts", &limits::CONTACTS)?;
    for card in &cards {
        contact(read, card);
    }
    let whole = envelope.get("contacts")?;
    read.document(whole, &envelope.pointer("contacts"))
}

fn contact(read: &mut Reader, card: &Object<'_>) {
    read.only(card, &MEMBERS);
    let give = "give `name` as {\"formatted_name\": \"...\"}";
    if let Some(name) = read.needed_object(card, "name", give) {
        texts(read, &name, &NAMES);
        if !name.has("formatted_name") {
            read.error(
                &name.pointer("formatted_name"),
                "missing",
                "give the whole name as it is shown",
            );
        }
    }
    for (list, members, needed) in LISTS {
        if !card.has(list) {
            continue;
        }
        for entry in read
            .needed_objects(card, list, &ENTRIES)
            .unwrap_or_default()
        {
            texts(read, &entry, members);
            if let Some(needed) = needed.filter(|needed| !entry.has(needed)) {
                read.error(
                    &entry.pointer(needed),
                    "missing",
                    format!("give `{needed}`"),
                );
            }
        }
    }
    if let Some(org) = read.object(card, "org") {
        texts(read, &org, &["company", "department", "title"]);
    }
    if let Some(birthday) = read.string(card, "birthday")
        && !is_date(&birthday)
    {
        read.error(
            &card.pointer("birthday"),
            "invalid",
            "write a date as 1990-12-31",
        );
    }
}

/// No list of a card needs more; the platform names no limit.
const ENTRIES: limits::Count = limits::Count {
    owner: "a contact",
    what: "entries of a kind",
    min: 0,
    max: 50,
};

/// Nothing but these members, each a text.
fn texts(read: &mut Reader, object: &Object<'_>, members: &[&str]) {
    read.only(object, members);
    for member in members {
        read.text(object, member, &limits::CONTACT_TEXT);
    }
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes
            .get(range)
            .is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let number = |range: std::ops::Range<usize>| {
        text.get(range)
            .and_then(|part| part.parse::<u8>().ok())
            .unwrap_or(0)
    };
    bytes.len() == 10
        && digits(0..4)
        && bytes[4] == b'-'
        && digits(5..7)
        && bytes[7] == b'-'
        && digits(8..10)
        && (1..=12).contains(&number(5..7))
        && (1..=31).contains(&number(8..10))
}

#[cfg(test)]
mod tests {
    use super::is_date;

    #[test]
    fn dates() {
        assert!(is_date("1990-12-31"));
        for wrong in [
            "",
            "31.12.1990",
            "1990-13-01",
            "1990-00-10",
            "1990-1-1",
            "1990-12-32",
            "199ä-12-3",
        ] {
            assert!(!is_date(wrong), "{wrong}");
        }
    }
}
