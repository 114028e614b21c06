//! A webhook body to its atoms: every message and every status of every change of every entry. Nothing
//! is dropped: what is not understood, at whatever depth, becomes one `other` item with its raw text.

use serde::de::IgnoredAny;
use wharf_plugin::prelude::*;

use crate::json::{Object, list};
use crate::{echo, message, status};

/// Members of a `messages` value that are read, not atoms themselves.
const ENVELOPE_MEMBERS: [&str; 3] = ["messaging_product", "metadata", "contacts"];

pub fn parse(webhook: &Webhook, skip: u32) -> Result<Parsed, Error> {
    let body = std::str::from_utf8(&webhook.body).map_err(|_| unreadable("is not UTF-8"))?;
    let envelope = Object::read(body);
    // An object that was read is JSON to its end; anything else may be other JSON, or cut off.
    if envelope.is_none() && serde_json::from_str::<IgnoredAny>(body).is_err() {
        return Err(unreadable("is not JSON"));
    }
    let mut walk = Walk {
        page: Page::new(skip),
        received_at: webhook.received_at,
    };
    walk.body(body, envelope);
    Ok(walk.page.finish())
}

fn unreadable(problem: &str) -> Error {
    Error::new(
        Code::MalformedResponse,
        Retry::Never,
        format!("the webhook's body {problem}, though its signature is right"),
    )
}

/// What the atoms of one value share.
pub(crate) struct Setting {
    pub route: Route,
    pub contacts: Vec<Contact>,
    pub received_at: u64,
}

struct Walk {
    page: Page,
    received_at: u64,
}

impl Walk {
    fn body(&mut self, body: &str, envelope: Option<Object<'_>>) {
        let entries = envelope
            .filter(|envelope| {
                envelope.text("object").as_deref() == Some("whatsapp_business_account")
            })
            .and_then(|envelope| envelope.list("entry"));
        let Some(entries) = entries else {
            return self.other(Route::App, String::new(), "body", body);
        };
        for (index, entry) in entries.into_iter().enumerate() {
            if self.page.is_full() {
                return;
            }
            self.entry(entry, &format!("/entry/{index}"));
        }
    }

    fn entry(&mut self, raw: &str, pointer: &str) {
        let read = Object::read(raw)
            .and_then(|entry| entry.list("changes").map(|changes| (entry, changes)));
        let Some((entry, changes)) = read else {
            return self.other(Route::App, pointer.to_owned(), "entry", raw);
        };
        let account = entry.text("id");
        let time = entry.raw("time").unwrap_or_default();
        for (index, change) in changes.into_iter().enumerate() {
            if self.page.is_full() {
                return;
            }
            self.change(
                change,
                &format!("{pointer}/changes/{index}"),
                account.as_deref(),
                time,
            );
        }
    }

    fn change(&mut self, raw: &str, pointer: &str, account: Option<&str>, time: &str) {
        let route = account.map_or(Route::App, |id| Route::Account(id.to_owned()));
        let Some((change, value)) = Object::read(raw)
            .and_then(|change| change.object("value").map(|value| (change, value)))
        else {
            return self.other(route, pointer.to_owned(), "change", raw);
        };
        let number = value
            .object("metadata")
            .and_then(|metadata| metadata.text("phone_number_id"));
        let setting = Setting {
            route: number.map_or(route, Route::Sender),
            contacts: contacts(&value),
            received_at: self.received_at,
        };
        let field = change.text("field").unwrap_or_default();
        let before = self.page.seen();
        match field.as_str() {
            "messages" => self.messages(&value, pointer, &setting),
            "message_echoes" | "smb_message_echoes" => self.echoes(&value, pointer, &setting),
            _ => {}
        }
        if self.page.seen() == before {
            // The entry's time tells two equal changes from one that was sent twice.
            let account = account.unwrap_or_default();
            let key = format!("change:{field}:{}", fingerprint(&[account, time, raw]));
            self.page.offer(raw.len(), || Item {
                route: setting.route,
                pointer: Some(pointer.to_owned()),
                dedupe_key: key,
                event: Event::Other(raw.to_owned()),
            });
        }
    }

    fn messages(&mut self, value: &Object<'_>, pointer: &str, setting: &Setting) {
        for (name, raw) in value.members() {
            if ENVELOPE_MEMBERS.contains(&name) || raw == "null" {
                continue;
            }
            let read: fn(&str, &Setting) -> Option<(String, Event)> = match name {
                "messages" => message::read,
                "statuses" => status::read,
                _ => |_, _| None,
            };
            self.atoms(
                name,
                raw,
                &format!("{pointer}/value/{}", escape(name)),
                setting,
                read,
            );
        }
    }

    fn echoes(&mut self, value: &Object<'_>, pointer: &str, setting: &Setting) {
        if let Some(raw) = value.raw("message_echoes") {
            self.atoms(
                "message_echoes",
                raw,
                &format!("{pointer}/value/message_echoes"),
                setting,
                echo::read,
            );
        }
    }

    /// One item for each element of a list; `read` gives its dedupe key and event, or leaves it as it is.
    fn atoms(
        &mut self,
        name: &str,
        raw: &str,
        pointer: &str,
        setting: &Setting,
        read: fn(&str, &Setting) -> Option<(String, Event)>,
    ) {
        let Some(elements) = list(raw) else {
            return self.other(setting.route.clone(), pointer.to_owned(), name, raw);
        };
        for (index, element) in elements.into_iter().enumerate() {
            if self.page.is_full() {
                return;
            }
            self.page.offer(element.len(), || {
                let (dedupe_key, event) = read(element, setting).unwrap_or_else(|| {
                    (unknown_key(name, element), Event::Other(element.to_owned()))
                });
                Item {
                    route: setting.route.clone(),
                    pointer: Some(format!("{pointer}/{index}")),
                    dedupe_key,
                    event,
                }
            });
        }
    }

    fn other(&mut self, route: Route, pointer: String, name: &str, raw: &str) {
        self.page.offer(raw.len(), || Item {
            route,
            pointer: Some(pointer),
            dedupe_key: unknown_key(name, raw),
            event: Event::Other(raw.to_owned()),
        });
    }
}

fn unknown_key(name: &str, raw: &str) -> String {
    format!("{name}:{}", fingerprint(&[raw]))
}

/// An entry of `contacts`: the name that belongs to an id.
pub(crate) struct Contact {
    phone: Option<String>,
    user_id: Option<String>,
    username: Option<String>,
    name: Option<String>,
}

fn contacts(value: &Object<'_>) -> Vec<Contact> {
    let list = value.list("contacts").unwrap_or_default();
    list.into_iter()
        .filter_map(Object::read)
        .map(|contact| {
            let profile = contact.object("profile").unwrap_or_default();
            Contact {
                phone: contact.text("wa_id"),
                user_id: contact.text("user_id"),
                username: profile.text("username"),
                name: profile.text("name"),
            }
        })
        .collect()
}

/// A JSON pointer's token.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl Setting {
    /// The person behind a phone number or a user id, with the name their contact entry gives them.
    pub(crate) fn party(&self, phone: Option<String>, user_id: Option<String>) -> Party {
        let contact = self.contacts.iter().find(|contact| {
            (user_id.is_some() && contact.user_id == user_id)
                || (phone.is_some() && contact.phone == phone)
        });
        let Some(contact) = contact else {
            return Party {
                phone,
                user_id,
                username: None,
                name: None,
            };
        };
        Party {
            phone: phone.or_else(|| contact.phone.clone()),
            user_id: user_id.or_else(|| contact.user_id.clone()),
            username: contact.username.clone(),
            name: contact.name.clone(),
        }
    }
}
