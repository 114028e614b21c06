//! What each of several plugins can do, side by side, as a Markdown table: for people who choose a provider,
//! and for the one that is kept in the repository.

use std::fmt::Write as _;
use std::path::Path;

use wharf_core::provider::Descriptor;
use wharf_runtime::LimitClass;

use super::subject::Component;

/// Names that plugins share, in the order of the table, and what they mean.
const SHARED: [(&str, &str); 48] = [
    ("text", "text"),
    ("preview-url", "preview of the first link"),
    ("image", "image"),
    ("video", "video"),
    ("audio", "audio"),
    ("voice", "voice message"),
    ("document", "document"),
    ("sticker", "sticker"),
    ("location", "location"),
    ("contacts", "contacts"),
    ("reaction", "reaction"),
    ("reply", "answer to a message"),
    ("interactive.buttons", "reply buttons"),
    ("interactive.list", "list"),
    ("interactive.cta-url", "button with a link"),
    ("interactive.location-request", "request for a location"),
    ("interactive.flow", "flow"),
    ("interactive.carousel", "carousel"),
    (
        "interactive.other",
        "another interactive message of the provider's",
    ),
    ("template", "template"),
    ("template.carousel", "template with a carousel"),
    ("read", "read receipt"),
    ("typing", "typing, with a read receipt"),
    ("other", "the provider's own message"),
    ("to.phone", "to a phone number"),
    ("to.user-id", "to a user id"),
    ("to.group", "to a group"),
    ("inbound.text", "comes in: text"),
    ("inbound.image", "comes in: image"),
    ("inbound.video", "comes in: video"),
    ("inbound.audio", "comes in: audio"),
    ("inbound.voice", "comes in: voice message"),
    ("inbound.document", "comes in: document"),
    ("inbound.sticker", "comes in: sticker"),
    ("inbound.location", "comes in: location"),
    ("inbound.contacts", "comes in: contacts"),
    ("inbound.reaction", "comes in: reaction"),
    ("inbound.reply", "comes in: answer to a message"),
    ("inbound.forwarded", "comes in: forwarded message"),
    ("inbound.button", "comes in: reply button"),
    ("inbound.template-button", "comes in: button of a template"),
    ("inbound.list", "comes in: row of a list"),
    ("inbound.flow", "comes in: answers of a flow"),
    ("inbound.order", "comes in: order"),
    ("inbound.referral", "comes in: from an advertisement"),
    ("inbound.edit", "comes in: edited message"),
    ("inbound.revoke", "comes in: deleted message"),
    (
        "inbound.user-id",
        "comes in: from somebody without a phone number",
    ),
];
/// Declared as a whole, it means each of its parts.
const INTERACTIVE: &str = "interactive";
/// Interfaces that a plugin may lack.
const INTERFACES: [(&str, &str); 6] = [
    ("media", "media fetched, uploaded, deleted"),
    ("templates", "templates listed, created, deleted"),
    ("onboarding", "numbers connected by a flow"),
    ("health", "health of the account"),
    ("reconcile", "lost answers and missed webhooks"),
    ("profile", "the number's profile"),
];

/// One plugin of the table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its file's name, which is also its name in a configuration.
    pub name: String,
    pub descriptor: Descriptor,
    /// As `wharf:provider/media@1.0.0`.
    pub exports: Vec<String>,
}

impl Column {
    /// Loads a component and has it describe itself.
    pub fn load(file: &Path, class: LimitClass) -> anyhow::Result<Self> {
        let component = Component::load(file, class)?;
        let surface = wharf_build::surface(&std::fs::read(file)?)?;
        Ok(Self {
            name: file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            descriptor: (**component.plugin().descriptor()).clone(),
            exports: surface.exports,
        })
    }

    /// Whether it declares this, and its words on it.
    fn declares(&self, name: &str) -> Option<Option<&str>> {
        let of = |wanted: &str| {
            let mut all = self.descriptor.capabilities.iter();
            all.find(|capability| capability.name == wanted)
                .map(|capability| capability.note.as_deref())
        };
        let is_part = name
            .strip_prefix(INTERACTIVE)
            .is_some_and(|rest| rest.starts_with('.'));
        of(name).or_else(|| is_part.then(|| of(INTERACTIVE)).flatten())
    }

    fn exports(&self, interface: &str) -> bool {
        let named = |export: &String| {
            let last = export.rsplit('/').next().unwrap_or_default();
            last.split('@').next() == Some(interface)
        };
        self.exports.iter().any(named)
    }
}

/// The table, with notes below it.
pub fn table(columns: &[Column]) -> String {
    let mut table = Table {
        columns,
        text: String::new(),
        notes: Vec::new(),
    };
    table.head();
    for (name, meaning) in SHARED {
        table.row(name, meaning);
    }
    for name in own_names(columns) {
        table.row(&name, "");
    }
    for (interface, meaning) in INTERFACES {
        let cells = columns
            .iter()
            .map(|column| mark(column.exports(interface)).to_owned());
        let cells = cells.collect();
        table.line(meaning, &format!("interface `{interface}`"), cells);
    }
    table.finish()
}

/// What only some plugins have a name for.
fn own_names(columns: &[Column]) -> Vec<String> {
    let is_shared = |name: &str| name == INTERACTIVE || SHARED.iter().any(|(it, _)| *it == name);
    let all = columns
        .iter()
        .flat_map(|column| &column.descriptor.capabilities);
    let mut own: Vec<_> = all
        .map(|capability| capability.name.clone())
        .filter(|name| !is_shared(name))
        .collect();
    own.sort();
    own.dedup();
    own
}

fn mark(can: bool) -> &'static str {
    if can { "yes" } else { "no" }
}

struct Table<'a> {
    columns: &'a [Column],
    text: String,
    notes: Vec<String>,
}

impl Table<'_> {
    fn head(&mut self) {
        let titles = self.columns.iter().map(|it| format!("`{}`", it.name));
        let titles: Vec<_> = titles.collect();
        let _ = writeln!(self.text, "| what | name | {} |", titles.join(" | "));
        let _ = writeln!(self.text, "|---|---|{}", "---|".repeat(self.columns.len()));
    }

    fn row(&mut self, name: &str, meaning: &str) {
        let mut cells = Vec::new();
        for column in self.columns {
            let declared = column.declares(name);
            let mut cell = mark(declared.is_some()).to_owned();
            if let Some(Some(note)) = declared {
                let number = self.note(&format!("`{}`: {note}", column.name));
                let _ = write!(cell, " ({number})");
            }
            cells.push(cell);
        }
        let meaning = if meaning.is_empty() { name } else { meaning };
        self.line(meaning, &format!("`{name}`"), cells);
    }

    fn line(&mut self, meaning: &str, name: &str, cells: Vec<String>) {
        let _ = writeln!(self.text, "| {meaning} | {name} | {} |", cells.join(" | "));
    }

    /// The number under which a note stands; the same note stands once.
    fn note(&mut self, note: &str) -> usize {
        let note = note.replace('|', "\\|");
        let known = self.notes.iter().position(|it| *it == note);
        known.map_or_else(
            || {
                self.notes.push(note);
                self.notes.len()
            },
            |at| at + 1,
        )
    }

    fn finish(mut self) -> String {
        if !self.notes.is_empty() {
            self.text.push('\n');
        }
        for (number, note) in self.notes.iter().enumerate() {
            let _ = writeln!(self.text, "{}. {note}", number + 1);
        }
        self.text
    }
}
