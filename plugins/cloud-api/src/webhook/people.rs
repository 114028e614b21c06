//! Who somebody is: the contacts of a value, changes of a number or a user id, and what somebody wants
//! to be sent.

use wharf_plugin::inbound::{IdentityChange, Preference};
use wharf_plugin::prelude::{Event, Party, fingerprint};

use super::{Atom, Setting};
use crate::json::Object;

/// WhatsApp's own limit for a profile name is 25 characters; a name is copied into each message of its
/// person, so it must not be what a body is full of.
const NAME_CHARS_MAX: usize = 200;

/// An entry of `contacts`: the name that belongs to an id.
struct Contact {
    phone: Option<String>,
    user_id: Option<String>,
    username: Option<String>,
    name: Option<String>,
}

/// The contacts of a value, found by either id: a value may have a thousand messages and contacts.
pub(super) struct Contacts {
    list: Vec<Contact>,
    by_phone: Vec<(String, usize)>,
    by_user_id: Vec<(String, usize)>,
}

impl Contacts {
    pub(super) fn read(value: &Object<'_>) -> Self {
        let list: Vec<Contact> = value
            .list("contacts")
            .into_iter()
            .flatten()
            .filter_map(Object::read)
            .map(|contact| {
                let profile = contact.object("profile").unwrap_or_default();
                Contact {
                    phone: contact.person("wa_id"),
                    user_id: contact.person("user_id"),
                    username: profile.text("username").map(short),
                    name: profile.text("name").map(short),
                }
            })
            .collect();
        let index = |id: fn(&Contact) -> Option<&String>| {
            let mut index: Vec<(String, usize)> = list
                .iter()
                .enumerate()
                .filter_map(|(at, contact)| Some((id(contact)?.clone(), at)))
                .collect();
            index.sort_unstable();
            index
        };
        Self {
            by_phone: index(|contact| contact.phone.as_ref()),
            by_user_id: index(|contact| contact.user_id.as_ref()),
            list,
        }
    }

    /// The user id tells somebody from everybody else for longer than a number does.
    fn find(&self, phone: Option<&str>, user_id: Option<&str>) -> Option<&Contact> {
        let at = user_id
            .and_then(|id| first(&self.by_user_id, id))
            .or_else(|| first(&self.by_phone, phone?))?;
        self.list.get(at)
    }
}

fn short(name: String) -> String {
    match name.char_indices().nth(NAME_CHARS_MAX) {
        Some((end, _)) => name.get(..end).unwrap_or_default().to_owned(),
        None => name,
    }
}

fn first(index: &[(String, usize)], id: &str) -> Option<usize> {
    let at = index.partition_point(|(key, _)| key.as_str() < id);
    index
        .get(at)
        .filter(|(key, _)| key == id)
        .map(|(_, contact)| *contact)
}

impl Setting<'_> {
    /// The person behind a phone number or a user id, with the name their contact entry gives them.
    pub(super) fn party(&self, phone: Option<String>, user_id: Option<String>) -> Party {
        let contact = self.contacts.find(phone.as_deref(), user_id.as_deref());
        let Some(contact) = contact else {
            return nameless(phone, user_id);
        };
        Party {
            phone: phone.or_else(|| contact.phone.clone()),
            user_id: user_id.or_else(|| contact.user_id.clone()),
            username: contact.username.clone(),
            name: contact.name.clone(),
        }
    }
}

fn nameless(phone: Option<String>, user_id: Option<String>) -> Party {
    Party {
        phone,
        user_id,
        username: None,
        name: None,
    }
}

/// A system message that says that somebody has another number or user id now. The contacts beside it
/// may already be the new ones, so they are not asked.
pub(super) fn identity(message: &Object<'_>, setting: &Setting<'_>) -> Option<IdentityChange> {
    let system = message.object("system")?;
    let kind = system.text("type")?;
    if !matches!(
        kind.as_str(),
        "user_changed_number" | "user_changed_user_id"
    ) {
        return None;
    }
    let before = nameless(
        message.person("from").or_else(|| system.person("customer")),
        system
            .person("previous_user_id")
            .or_else(|| message.person("from_user_id")),
    );
    let after = nameless(
        system
            .person("wa_id")
            .or_else(|| system.person("new_wa_id")),
        system.person("user_id"),
    );
    let at = message.time_ms("timestamp").unwrap_or(setting.received_at);
    changed(before, after, at)
}

/// One element of `user_id_update`: the old and the new id of one person. Meta shows no sample, so the
/// names that the system message has are tried, and the plainest others.
pub(super) fn user_id_update(raw: &str, setting: &Setting<'_>) -> Option<Atom> {
    let update = Object::read(raw)?;
    let change = user_id_change(&update, setting)?;
    let ids = [&change.before.user_id, &change.after.user_id].map(|id| id.as_deref().unwrap_or(""));
    let key = fingerprint(&[ids[0], ids[1], &change.at.to_string()]);
    Some((format!("user-id:{key}"), Event::Identity(change)))
}

/// The same where it is the value itself.
pub(super) fn user_id_change(update: &Object<'_>, setting: &Setting<'_>) -> Option<IdentityChange> {
    let pair = update.object("user_id").unwrap_or_default();
    let any =
        |object: &Object<'_>, names: &[&str]| names.iter().find_map(|name| object.person(name));
    let before = any(update, &["previous_user_id", "old_user_id"])
        .or_else(|| any(&pair, &["previous", "old"]))?;
    let after = any(update, &["user_id", "new_user_id", "current_user_id"])
        .or_else(|| any(&pair, &["current", "new"]))?;
    let at = update.time_ms("timestamp").unwrap_or(setting.received_at);
    let phone = update.person("wa_id");
    changed(
        nameless(phone.clone(), Some(before)),
        nameless(phone, Some(after)),
        at,
    )
}

/// None where one side is nobody, or both are the same.
fn changed(before: Party, after: Party, at: u64) -> Option<IdentityChange> {
    let is_somebody = |party: &Party| party.phone.is_some() || party.user_id.is_some();
    (is_somebody(&before) && is_somebody(&after) && before != after).then_some(IdentityChange {
        before,
        after,
        at,
    })
}

/// One element of `user_preferences`.
pub(super) fn preference(raw: &str, setting: &Setting<'_>) -> Option<Atom> {
    let said = Object::read(raw)?;
    let (phone, user_id) = (said.person("wa_id"), said.person("user_id"));
    if phone.is_none() && user_id.is_none() {
        return None;
    }
    let category = said.line("category")?;
    let value = said.text("value")?;
    let opted_in = match value.as_str() {
        "stop" => false,
        "resume" | "signup" => true,
        _ => return None,
    };
    let who = [&phone, &user_id].map(|id| id.as_deref().unwrap_or_default());
    let time = said.text("timestamp").unwrap_or_default();
    let key = fingerprint(&[who[0], who[1], &category, &value, &time]);
    let preference = Preference {
        who: setting.party(phone, user_id),
        category,
        opted_in,
        at: said.time_ms("timestamp").unwrap_or(setting.received_at),
    };
    Some((format!("preference:{key}"), Event::Preference(preference)))
}
