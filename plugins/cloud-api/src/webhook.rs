//! A webhook body to its atoms: every message and every status of every change of every entry. Nothing
//! is dropped: what is not understood, at whatever depth, becomes one `other` item with its raw text.
//!
//! Here is the walk; [`fields`] knows which field holds which atoms, the other modules read one each.

mod account;
mod call;
mod content;
mod echo;
mod fields;
mod history;
mod kinds;
mod message;
mod people;
mod status;
mod template;

use serde::de::IgnoredAny;
use wharf_plugin::prelude::*;

use crate::json::{Object, list};
use fields::Reader;
use people::Contacts;
use wharf_plugin::document;

pub use kinds::RECEIVED;

/// Members of a value that are read with its atoms, not atoms themselves.
const ENVELOPE_MEMBERS: [&str; 3] = ["messaging_product", "metadata", "contacts"];
/// Contacts that tell two errors apart are one or two; more are not looked at for each of them.
const ABOUT_BYTES_MAX: usize = 4 * 1024;
/// Longer names are no field's; a pointer has at most 512 bytes.
const NAME_BYTES_MAX: usize = 64;

/// How a provider that passes Meta's webhooks on differs from Meta.
#[derive(Clone, Copy, Debug)]
pub struct Dialect<'a> {
    /// Which of a number's ids is the plugin's sender setting.
    pub sender: SenderId,
    /// The number whose webhook this is, where its URL tells: it gets what names no number of its own,
    /// instead of the account.
    pub own: Option<&'a str>,
}

/// The member of `metadata` that routes carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderId {
    /// Meta's id of the number.
    PhoneNumberId,
    /// The number itself, digits only.
    DisplayPhoneNumber,
}

impl Dialect<'_> {
    /// Meta's own webhooks.
    pub const META: Dialect<'static> = Dialect {
        sender: SenderId::PhoneNumberId,
        own: None,
    };

    fn number(&self, value: &Object<'_>) -> Option<String> {
        let metadata = value.object("metadata").unwrap_or_default();
        match self.sender {
            SenderId::PhoneNumberId => metadata.id("phone_number_id"),
            SenderId::DisplayPhoneNumber => {
                let number = metadata
                    .text("display_phone_number")
                    .or_else(|| value.text("display_phone_number"))?;
                let digits: String = number.chars().filter(char::is_ascii_digit).collect();
                Some(digits).filter(|digits| (1..=32).contains(&digits.len()))
            }
        }
    }

    /// Whom a change concerns: its number, else the account it names, else the account of its entry.
    fn route(&self, value: &Object<'_>, account: Option<&str>) -> Route {
        if let Some(number) = self.number(value) {
            return Route::Sender(number);
        }
        if let Some(own) = self.own {
            return Route::Sender(own.to_owned());
        }
        // Notices to a partner come in an entry of the partner's own business.
        let named = value
            .object("waba_info")
            .and_then(|info| info.id("waba_id"));
        match named.or_else(|| account.map(str::to_owned)) {
            Some(account) => Route::Account(account),
            None => Route::App,
        }
    }
}

/// The items of one body, from `skip` on.
///
/// # Errors
/// When the body is no JSON.
pub fn parse(webhook: &Webhook, skip: u32, dialect: &Dialect<'_>) -> Result<Parsed, Error> {
    let body = std::str::from_utf8(&webhook.body).map_err(|_| unreadable("is not UTF-8"))?;
    let envelope = Object::read(body);
    // An object that was read is JSON to its end; anything else may be other JSON, or cut off.
    if envelope.is_none() && serde_json::from_str::<IgnoredAny>(body).is_err() {
        return Err(unreadable("is not JSON"));
    }
    let mut walk = Walk {
        page: Page::new(skip),
        received_at: webhook.received_at,
        dialect,
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

/// What is made of an element that is understood: its dedupe key and its event.
type Atom = (String, Event);

/// What the atoms of one value share.
struct Setting<'a> {
    route: Route,
    contacts: Contacts,
    /// The people and the time of a value, as they came: what tells two equal errors apart.
    about: [&'a str; 2],
    received_at: u64,
}

/// One change of an entry.
struct Change<'a> {
    raw: &'a str,
    field: String,
    outer: Object<'a>,
    value: Object<'a>,
}

struct Walk<'a> {
    page: Page,
    received_at: u64,
    dialect: &'a Dialect<'a>,
}

impl Walk<'_> {
    fn body(&mut self, body: &str, envelope: Option<Object<'_>>) {
        let Some(envelope) = envelope else {
            return self.other(Route::App, String::new(), "body", body);
        };
        let object = envelope.text("object");
        let is_ours = object.is_none_or(|object| object == "whatsapp_business_account");
        let entries = envelope.list("entry").filter(|_| is_ours);
        let Some(entries) = entries else {
            return self.flat(body, &envelope, is_ours);
        };
        for (index, entry) in entries.into_iter().enumerate() {
            if self.page.is_full() {
                return;
            }
            self.entry(entry, &format!("/entry/{index}"));
        }
        if self.page.seen() == 0 {
            self.other(Route::App, String::new(), "body", body);
        }
    }

    /// A value without its envelope, as the older API posted it.
    fn flat(&mut self, body: &str, envelope: &Object<'_>, is_ours: bool) {
        let is_value = ["messages", "statuses"]
            .iter()
            .any(|name| envelope.list(name).is_some());
        if is_ours && is_value {
            let setting = self.setting(envelope, None, "");
            self.value("messages", envelope, "", &setting);
        }
        if self.page.seen() == 0 {
            self.other(Route::App, String::new(), "body", body);
        }
    }

    fn entry(&mut self, raw: &str, pointer: &str) {
        let Some(entry) = Object::read(raw) else {
            return self.other(Route::App, pointer.to_owned(), "entry", raw);
        };
        let account = entry.id("id");
        let time = entry.raw("time").unwrap_or_default();
        let before = self.page.seen();
        for (index, change) in entry.list("changes").into_iter().flatten().enumerate() {
            if self.page.is_full() {
                return;
            }
            let pointer = format!("{pointer}/changes/{index}");
            self.change(change, &pointer, account.as_deref(), time);
        }
        if self.page.seen() == before {
            let route = self.dialect.route(&Object::default(), account.as_deref());
            self.other(route, pointer.to_owned(), "entry", raw);
        }
    }

    fn change(&mut self, raw: &str, pointer: &str, account: Option<&str>, time: &str) {
        let read = Object::read(raw).and_then(|outer| {
            let value = outer.object("value")?;
            let field = outer.text("field").unwrap_or_default();
            Some(Change {
                raw,
                field,
                outer,
                value,
            })
        });
        let Some(change) = read else {
            let route = self.dialect.route(&Object::default(), account);
            return self.other(route, pointer.to_owned(), "change", raw);
        };
        let setting = self.setting(&change.value, account, time);
        let before = self.page.seen();
        let base = format!("{pointer}/value");
        self.value(&change.field, &change.value, &base, &setting);
        if self.page.seen() == before {
            // The entry's time tells two equal changes from one that was sent twice.
            let identity = fingerprint(&[account.unwrap_or_default(), time, raw]);
            self.page.offer(raw.len(), || Item {
                route: account::route(&change, &setting),
                pointer: Some(pointer.to_owned()),
                dedupe_key: format!("change:{}:{identity}", word(&change.field)),
                event: account::read(&change, &setting),
            });
        }
    }

    fn setting<'b>(&self, value: &Object<'b>, account: Option<&str>, time: &'b str) -> Setting<'b> {
        let contacts = value
            .raw("contacts")
            .filter(|raw| raw.len() <= ABOUT_BYTES_MAX);
        Setting {
            route: self.dialect.route(value, account),
            contacts: Contacts::read(value),
            about: [contacts.unwrap_or_default(), time],
            received_at: self.received_at,
        }
    }

    /// The atoms of a field that has lists of them, when one is there.
    fn value(&mut self, field: &str, value: &Object<'_>, base: &str, setting: &Setting<'_>) {
        let Some(lists) = fields::lists(field) else {
            return;
        };
        if lists.iter().all(|(list, _)| value.raw(list).is_none()) {
            return;
        }
        for (name, raw) in value.members() {
            if ENVELOPE_MEMBERS.contains(&name) || raw == "null" {
                continue;
            }
            let pointer = member(base, name);
            let reader = lists.iter().find(|(list, _)| *list == name);
            match reader.map(|(_, reader)| reader) {
                Some(Reader::Each(read)) => self.atoms(name, raw, &pointer, setting, read),
                Some(Reader::Chunks) => self.history(raw, &pointer, setting),
                None => self.atoms(name, raw, &pointer, setting, &|_, _| None),
            }
        }
    }

    /// One item for each element of a list; `read` gives its dedupe key and event, or leaves it as it is.
    fn atoms(
        &mut self,
        name: &str,
        raw: &str,
        pointer: &str,
        setting: &Setting<'_>,
        read: &dyn Fn(&str, &Setting<'_>) -> Option<Atom>,
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
                    (unknown_key(name, element), Event::Other(document(element)))
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
            event: Event::Other(document(raw)),
        });
    }
}

fn unknown_key(name: &str, raw: &str) -> String {
    format!("{}:{}", word(name), fingerprint(&[raw]))
}

/// A name as a part of a key: itself, where it is one.
fn word(name: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.len() <= NAME_BYTES_MAX && name.bytes().all(is_word) {
        name.to_owned()
    } else {
        fingerprint(&[name])
    }
}

/// The pointer of a member; of what holds it where the name is too long for one.
fn member(base: &str, name: &str) -> String {
    if name.len() > NAME_BYTES_MAX {
        return base.to_owned();
    }
    format!("{base}/{}", name.replace('~', "~0").replace('/', "~1"))
}
