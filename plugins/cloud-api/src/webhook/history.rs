//! The field `history`: what was written on the phone before the number came to the API, up to half a year
//! of it. Each message is an atom, but an `other` one: as a message it would be answered by bots, fetched
//! and counted as if somebody had written just now, and it opens no window.

use wharf_plugin::prelude::Event;

use super::{Atom, Setting, Walk, account, member, word};
use crate::json::{Object, list};
use wharf_plugin::document;

/// What a chunk and a thread say of themselves is told with each message: some numbers and an id.
const ABOUT_BYTES_MAX: usize = 1024;

/// A medium that follows its placeholder, beside the chunks.
pub(super) fn medium(raw: &str, _: &Setting<'_>) -> Option<Atom> {
    message(raw, "null", "null")
}

/// The placeholder and the medium have the same id; their kind tells them apart.
fn message(raw: &str, chunk: &str, thread: &str) -> Option<Atom> {
    let message = Object::read(raw)?;
    let id = message.id("id")?;
    let kind = message.text("type").unwrap_or_default();
    let document = format!(
        r#"{{"field":"history","chunk":{chunk},"thread":{thread},"message":{}}}"#,
        document(raw)
    );
    Some((
        format!("history:{id}:{}", word(&kind)),
        Event::Other(document),
    ))
}

fn about(object: &Object<'_>, member: &str) -> String {
    object
        .document(member)
        .filter(|document| document.len() <= ABOUT_BYTES_MAX)
        .unwrap_or_else(|| "null".to_owned())
}

impl Walk<'_> {
    /// Chunks of threads of messages.
    pub(super) fn history(&mut self, raw: &str, pointer: &str, setting: &Setting<'_>) {
        let Some(chunks) = list(raw) else {
            return self.other(setting.route.clone(), pointer.to_owned(), "history", raw);
        };
        for (index, raw) in chunks.into_iter().enumerate() {
            if self.page.is_full() {
                return;
            }
            let pointer = format!("{pointer}/{index}");
            let before = self.page.seen();
            let is_chunk = |chunk: &Object<'_>| {
                chunk.raw("threads").is_some() || chunk.raw("errors").is_some()
            };
            if let Some(chunk) = Object::read(raw).filter(is_chunk) {
                self.chunk(&chunk, &pointer, setting);
            }
            if self.page.seen() == before {
                self.other(setting.route.clone(), pointer, "history", raw);
            }
        }
    }

    fn chunk(&mut self, chunk: &Object<'_>, pointer: &str, setting: &Setting<'_>) {
        let about = about(chunk, "metadata");
        for (name, raw) in chunk.members() {
            let pointer = member(pointer, name);
            match name {
                _ if raw == "null" => {}
                "metadata" => {}
                "threads" => self.threads(raw, &pointer, &about, setting),
                "errors" => self.atoms(name, raw, &pointer, setting, &account::error),
                _ => self.atoms(name, raw, &pointer, setting, &|_, _| None),
            }
        }
    }

    fn threads(&mut self, raw: &str, pointer: &str, about: &str, setting: &Setting<'_>) {
        let Some(threads) = list(raw) else {
            return self.other(setting.route.clone(), pointer.to_owned(), "threads", raw);
        };
        for (index, raw) in threads.into_iter().enumerate() {
            if self.page.is_full() {
                return;
            }
            let pointer = format!("{pointer}/{index}");
            let before = self.page.seen();
            if let Some(thread) = Object::read(raw)
                && let Some(messages) = thread.raw("messages")
            {
                let id = self::about(&thread, "id");
                let pointer = format!("{pointer}/messages");
                self.atoms("history", messages, &pointer, setting, &|raw, _| {
                    message(raw, about, &id)
                });
            }
            if self.page.seen() == before {
                self.other(setting.route.clone(), pointer, "threads", raw);
            }
        }
    }
}
