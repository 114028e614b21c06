//! One source of keys and values: a TOML file, the environment or the options.
//!
//! Every scalar becomes text exactly as it was written and is parsed only once its meaning is
//! known. figment's own environment provider guesses types instead, and a WhatsApp id of digits
//! would lose its leading zero or arrive as a number. A layer must not know which keys exist.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use toml_edit::{Document, Item, Key, TableLike};

use crate::error::{Origin, Problem};
use crate::sources::ENV_PREFIX;

/// Keys of the main configuration that are not inside a section.
pub(crate) const TOP_LEVEL_KEYS: [&str; 1] = ["tenants_dir"];

/// The table that only environment and options may have: overrides of tenant files.
pub(crate) const TENANTS: &str = "tenants";

pub(crate) type KeyPath = Vec<String>;

#[derive(Clone)]
pub(crate) struct Layer {
    pub(crate) name: String,
    /// What a relative `file = "..."` in this layer is relative to.
    pub(crate) base: PathBuf,
    pub(crate) values: Dict,
    pub(crate) origins: BTreeMap<KeyPath, Origin>,
}

impl Provider for &Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

impl Layer {
    pub(crate) fn empty(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            base: PathBuf::new(),
            values: Dict::new(),
            origins: BTreeMap::new(),
        }
    }

    /// A TOML text. Only the first mistake in the syntax is known to the parser.
    pub(crate) fn toml(name: &str, base: &Path, text: &str) -> Result<Self, Problem> {
        let lines = Lines::of(text);
        let document = Document::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| lines.line(&span));
            // Not the error's own Display: it quotes the line, which may hold a secret.
            Problem::new(
                Origin::at(name, line),
                "",
                format!("not valid TOML: {}", error.message().replace('\n', ", ")),
                syntax_remedy(error.message()),
            )
        })?;
        let mut layer = Self::empty(name);
        layer.base = base.to_owned();
        let mut walk = Walk {
            layer: &mut layer,
            lines: &lines,
        };
        let values = walk.table(document.as_table(), &mut Vec::new());
        layer.values = values;
        Ok(layer)
    }

    /// `WHARF_A__B=text` sets `a.b`; `WHARF_A__B_FILE=path` names the file that holds `a.b`.
    /// Variables without `__` belong to others (Kubernetes sets WHARF_PORT for a service called
    /// wharf), except those that name a key outside every section.
    pub(crate) fn environment(
        variables: &BTreeMap<String, String>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut layer = Self::empty("environment");
        for (name, text) in variables {
            let Some(key) = name.strip_prefix(ENV_PREFIX) else {
                continue;
            };
            let mut path: KeyPath = key.split("__").map(str::to_ascii_lowercase).collect();
            if path.len() == 1 && !TOP_LEVEL_KEYS.contains(&path[0].as_str()) {
                continue;
            }
            let origin = Origin::of(format!("environment variable {name}"));
            if path.iter().any(String::is_empty) {
                problems.push(Problem::new(
                    origin,
                    "",
                    "a part of the name is empty",
                    "write WHARF_SECTION__KEY with exactly two underscores between the parts",
                ));
                continue;
            }
            if strip_file_suffix(&mut path) {
                path.push("file".to_owned());
            }
            layer.insert(path, text, origin, problems);
        }
        layer
    }

    /// Options of the command line: dotted TOML keys with their values.
    pub(crate) fn options(flags: &[(String, String)], problems: &mut Vec<Problem>) -> Self {
        let mut layer = Self::empty("options");
        for (key, text) in flags {
            let origin = Origin::of(format!("option {key}"));
            match Key::parse(key) {
                Ok(keys) => {
                    let path = keys.iter().map(|key| key.get().to_owned()).collect();
                    layer.insert(path, text, origin, problems);
                }
                Err(_) => problems.push(Problem::new(
                    origin,
                    "",
                    "not a dotted key",
                    "write SECTION.KEY, and quote a part that has dots itself",
                )),
            }
        }
        layer
    }

    /// Cuts `tenants.ID` out of the environment or the options: one layer for each tenant.
    pub(crate) fn take_tenants(&mut self) -> BTreeMap<String, Self> {
        let mut layers = BTreeMap::new();
        let Some(Value::Dict(_, tenants)) = self.values.get_mut(TENANTS) else {
            return layers;
        };
        for (id, value) in std::mem::take(tenants) {
            let Value::Dict(_, values) = value else {
                // Left in place, so that it is refused with the other keys.
                tenants.insert(id, value);
                continue;
            };
            let mut layer = Self::empty(&self.name);
            layer.values = values;
            let prefix = [TENANTS.to_owned(), id.clone()];
            for (path, origin) in &self.origins {
                if let Some(rest) = path.strip_prefix(prefix.as_slice()) {
                    layer.origins.insert(rest.to_vec(), origin.clone());
                }
            }
            layers.insert(id, layer);
        }
        if tenants.is_empty() {
            self.values.remove(TENANTS);
        }
        layers
    }

    /// The places of single values, not of the tables around them.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = &Origin> {
        let mut leaves: Vec<&Origin> = self.origins.values().collect();
        leaves.sort();
        leaves.dedup();
        leaves.into_iter()
    }

    pub(crate) fn insert(
        &mut self,
        path: KeyPath,
        text: &str,
        origin: Origin,
        problems: &mut Vec<Problem>,
    ) {
        let mut dict = &mut self.values;
        let (leaf, parents) = path.split_last().expect("a path has at least one part");
        for parent in parents {
            let next = dict
                .entry(parent.clone())
                .or_insert_with(|| Value::from(Dict::new()));
            match next {
                Value::Dict(_, inner) => dict = inner,
                _ => return problems.push(twice(origin, &path)),
            }
        }
        if dict.contains_key(leaf) {
            return problems.push(twice(origin, &path));
        }
        dict.insert(leaf.clone(), Value::from(text));
        for length in 0..path.len() {
            let ancestor = path[..length].to_vec();
            self.origins
                .entry(ancestor)
                .or_insert_with(|| origin.clone());
        }
        self.origins.insert(path, origin);
    }
}

fn twice(origin: Origin, path: &[String]) -> Problem {
    Problem::new(
        origin,
        path.join("."),
        "set in two ways at the same time",
        "keep one: the value, or the _FILE that holds it, and not a table besides",
    )
}

/// True, with the suffix gone, when the variable names a file. A setting of a plugin may itself be
/// called `something_file`, and settings are never secret.
fn strip_file_suffix(path: &mut [String]) -> bool {
    let in_settings = path.len() > 1 && path[path.len() - 2] == "settings";
    let Some(last) = path.last_mut().filter(|_| !in_settings) else {
        return false;
    };
    match last.strip_suffix("_file") {
        Some(stem) if !stem.is_empty() => {
            *last = stem.to_owned();
            true
        }
        _ => false,
    }
}

fn syntax_remedy(message: &str) -> &'static str {
    if message.contains("zero") || message.contains("large") || message.contains("overflow") {
        "put ids and other text made of digits in quotes"
    } else {
        "correct this line; text needs quotes, and a section starts with [name]"
    }
}

/// Byte offsets of the line starts of a text.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let breaks = text.match_indices('\n').map(|(offset, _)| offset + 1);
        Self(std::iter::once(0).chain(breaks).collect())
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.0.partition_point(|start| *start <= span.start)
    }
}

struct Walk<'a> {
    layer: &'a mut Layer,
    lines: &'a Lines,
}

impl Walk<'_> {
    fn table(&mut self, table: &dyn TableLike, path: &mut KeyPath) -> Dict {
        let mut dict = Dict::new();
        for (name, item) in table.iter() {
            path.push(name.to_owned());
            let key = table.get_key_value(name).and_then(|(key, _)| key.span());
            self.note(key.or_else(|| item.span()), path);
            dict.insert(name.to_owned(), self.item(item, path));
            path.pop();
        }
        dict
    }

    fn item(&mut self, item: &Item, path: &mut KeyPath) -> Value {
        match item {
            Item::None => Value::from(Dict::new()),
            Item::Value(value) => self.value(value, path),
            Item::Table(table) => Value::from(self.table(table, path)),
            Item::ArrayOfTables(tables) => {
                let tables = tables.iter().enumerate();
                let items: Vec<Value> = tables
                    .map(|(index, table)| {
                        path.push(index.to_string());
                        self.note(table.span(), path);
                        let value = Value::from(self.table(table, path));
                        path.pop();
                        value
                    })
                    .collect();
                Value::from(items)
            }
        }
    }

    fn value(&mut self, value: &toml_edit::Value, path: &mut KeyPath) -> Value {
        use toml_edit::Value as Toml;
        match value {
            Toml::String(text) => Value::from(text.value().as_str()),
            Toml::Integer(number) => {
                let text = number.display_repr();
                let digits = text.strip_prefix('-').unwrap_or(&text);
                match digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    true => Value::from(text.as_ref()),
                    // 4_000, +1 and 0x10 are notations of TOML: keep the number, not its spelling.
                    false => Value::from(number.value().to_string()),
                }
            }
            Toml::Float(number) => Value::from(number.display_repr().as_ref()),
            Toml::Boolean(flag) => Value::from(flag.value().to_string()),
            Toml::Datetime(time) => Value::from(time.display_repr().as_ref()),
            Toml::InlineTable(table) => Value::from(self.table(table, path)),
            Toml::Array(array) => {
                let items: Vec<Value> = array
                    .iter()
                    .enumerate()
                    .map(|(index, item)| {
                        path.push(index.to_string());
                        self.note(item.span(), path);
                        let value = self.value(item, path);
                        path.pop();
                        value
                    })
                    .collect();
                Value::from(items)
            }
        }
    }

    fn note(&mut self, span: Option<Range<usize>>, path: &[String]) {
        let origin = match span {
            Some(span) => Origin::at(&*self.layer.name, self.lines.line(&span)),
            None => Origin::of(&*self.layer.name),
        };
        self.layer.origins.insert(path.to_vec(), origin);
    }
}
