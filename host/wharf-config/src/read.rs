//! Reads typed values out of merged layers and notes every problem instead of stopping at one.
//!
//! A section asks for its keys by name; what nobody asked for is an unknown key. Must not know
//! which sections exist.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;

use figment::value::Dict;
use figment::{Figment, Profile, Provider};

use crate::at::{At, dotted};
use crate::error::{Origin, Problem};
use crate::layer::{KeyPath, Layer};
use crate::suggest::nearest;

static NOTHING: Dict = Dict::new();

/// A value that can be read from one key.
pub(crate) trait FromConfig: Sized {
    /// `None` after the problem was noted with [`At::refuse`].
    fn from_config(at: &At<'_>) -> Option<Self>;

    /// What it means that no layer has the key; `None` makes the key required.
    fn absent() -> Option<Self> {
        None
    }
}

/// The layers of one configuration, or of one tenant, lowest first.
pub(crate) struct Context<'a> {
    pub(crate) layers: &'a [Layer],
    pub(crate) variables: &'a BTreeMap<String, String>,
    pub(crate) merged: Dict,
    problems: RefCell<Vec<Problem>>,
    /// Every key that was asked for, dotted.
    known: RefCell<BTreeSet<String>>,
    unknown: RefCell<Vec<(KeyPath, Vec<&'static str>)>>,
    /// A source could not be read, so a missing key says nothing.
    pub(crate) incomplete: bool,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        layers: &'a [Layer],
        variables: &'a BTreeMap<String, String>,
        incomplete: bool,
    ) -> Self {
        let figment = layers.iter().fold(Figment::new(), Figment::merge);
        let merged = figment
            .data()
            .expect("layers are parsed before they are merged")
            .remove(&Profile::Default)
            .unwrap_or_default();
        Self {
            layers,
            variables,
            merged,
            problems: RefCell::default(),
            known: RefCell::default(),
            unknown: RefCell::default(),
            incomplete,
        }
    }

    pub(crate) fn root(&self) -> Table<'_> {
        Table {
            cx: self,
            path: Vec::new(),
            dict: &self.merged,
            asked: Vec::new(),
        }
    }

    pub(crate) fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Refuses a key by its whole path.
    pub(crate) fn refuse(&self, path: [&str; 2], what: &str, remedy: &str) {
        let path = path.map(str::to_owned);
        let problem = Problem::new(self.origin(&path), dotted(&path), what, remedy);
        self.report(problem);
    }

    /// The highest layer that has the key: the one that won.
    pub(crate) fn winner(&self, path: &[String]) -> Option<(usize, &Origin)> {
        let layers = self.layers.iter().enumerate().rev();
        layers
            .filter_map(|(rank, layer)| layer.origins.get(path).map(|origin| (rank, origin)))
            .next()
    }

    /// Where the value of a key was written, or the nearest table around a key that is missing.
    pub(crate) fn origin(&self, path: &[String]) -> Origin {
        (0..=path.len())
            .rev()
            .find_map(|length| self.winner(&path[..length]))
            .map_or_else(|| self.whole(), |(_, origin)| origin.clone())
    }

    /// Where a table began: the lowest layer that has it, not an override of one of its keys.
    pub(crate) fn table_origin(&self, path: &[String]) -> Origin {
        let lowest = self.layers.iter().find_map(|layer| layer.origins.get(path));
        lowest.cloned().unwrap_or_else(|| self.origin(path))
    }

    fn whole(&self) -> Origin {
        let name = self
            .layers
            .iter()
            .rev()
            .find(|layer| !layer.values.is_empty());
        Origin::of(name.map_or("configuration", |layer| layer.name.as_str()))
    }

    /// All keys that exist, for suggestions; complete once every section was read.
    pub(crate) fn known(&self) -> BTreeSet<String> {
        self.known.borrow().clone()
    }

    /// Everything that was found wrong, with suggestions for unknown keys.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        let known = self.known();
        for (path, asked) in self.unknown.take() {
            let name = path.last().map_or("", String::as_str);
            let mut remedy = match nearest(name, asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => elsewhere(name, &known),
            };
            if remedy.is_empty() {
                remedy = match asked.is_empty() {
                    true => "remove it".to_owned(),
                    false => format!("known here: {}", asked.join(", ")),
                };
            }
            let origin = self.origin(&path);
            self.report(Problem::new(origin, dotted(&path), "unknown key", remedy));
        }
        self.problems.into_inner()
    }
}

/// A key of the same name in another section, which is how most unknown keys come to be.
fn elsewhere(name: &str, known: &BTreeSet<String>) -> String {
    let mut homes = known
        .iter()
        .filter(|key| key.rsplit('.').next() == Some(name));
    match homes.next() {
        Some(home) => format!("did you mean `{home}`?"),
        None => String::new(),
    }
}

/// One table of the configuration, merged from all layers.
pub(crate) struct Table<'a> {
    pub(crate) cx: &'a Context<'a>,
    pub(crate) path: KeyPath,
    dict: &'a Dict,
    asked: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// The table that a key holds. `None` after it was noted that it holds none.
    pub(crate) fn at(at: &At<'a>) -> Option<Self> {
        Some(Self {
            cx: at.cx,
            path: at.path.clone(),
            dict: at.dict()?,
            asked: Vec::new(),
        })
    }

    pub(crate) fn get<T: FromConfig>(&mut self, name: &'static str) -> Option<T> {
        self.ask(name);
        let path = self.below(name);
        match self.dict.get(name) {
            Some(value) => T::from_config(&At {
                cx: self.cx,
                path,
                value,
            }),
            None => T::absent().or_else(|| {
                self.missing(&path);
                None
            }),
        }
    }

    /// The value again, when it is inside the range.
    pub(crate) fn within<T: PartialOrd + Display>(
        &self,
        name: &str,
        value: T,
        range: &RangeInclusive<T>,
    ) -> Option<T> {
        if range.contains(&value) {
            return Some(value);
        }
        let path = self.below(name);
        self.cx.report(Problem::new(
            self.cx.origin(&path),
            dotted(&path),
            format!("{value} is out of range"),
            format!("choose from {} to {}", range.start(), range.end()),
        ));
        None
    }

    /// A section; one that nobody wrote is empty. `None` when it is not a table at all.
    pub(crate) fn table(&mut self, name: &'static str) -> Option<Table<'a>> {
        self.ask(name);
        let path = self.below(name);
        let dict = match self.dict.get(name) {
            None => &NOTHING,
            Some(value) => At {
                cx: self.cx,
                path: path.clone(),
                value,
            }
            .dict()?,
        };
        Some(Table {
            cx: self.cx,
            path,
            dict,
            asked: Vec::new(),
        })
    }

    /// Named tables below a key, `[channels.main]` and its siblings. All of them are read, so that
    /// all their problems are noted, even when one is wrong.
    pub(crate) fn named<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&str, &mut Table<'a>) -> Option<T>,
    ) -> Option<BTreeMap<String, T>> {
        let outer = self.table(name)?;
        let mut all = Some(BTreeMap::new());
        for (id, value) in outer.dict {
            let mut path = outer.path.clone();
            path.push(id.clone());
            let at = At {
                cx: self.cx,
                path: path.clone(),
                value,
            };
            let read = at.id(id).and_then(|()| at.dict()).and_then(|dict| {
                let mut table = Table {
                    cx: self.cx,
                    path,
                    dict,
                    asked: Vec::new(),
                };
                read(id, &mut table)
            });
            all = all.zip(read).map(|(mut all, one)| {
                all.insert(id.clone(), one);
                all
            });
        }
        all
    }

    pub(crate) fn origin(&self) -> Origin {
        self.cx.table_origin(&self.path)
    }

    /// Where each value below this table was written, by dotted key relative to it.
    pub(crate) fn origins(&self) -> BTreeMap<String, Origin> {
        let mut found = BTreeMap::new();
        for layer in self.cx.layers {
            for (path, origin) in &layer.origins {
                if let Some(rest) = path.strip_prefix(self.path.as_slice()) {
                    found.insert(rest.join("."), origin.clone());
                }
            }
        }
        found.remove("");
        found
    }

    /// Refuses a combination of keys, pointing at one of them.
    pub(crate) fn refuse<T>(
        &self,
        name: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Option<T> {
        let path = self.below(name);
        let problem = Problem::new(self.cx.origin(&path), dotted(&path), what, remedy);
        self.cx.report(problem);
        None
    }

    /// Refuses a key that belongs elsewhere, with a better reason than `unknown key`.
    pub(crate) fn forbid(&mut self, name: &'static str, what: &str, remedy: &str) {
        if self.dict.contains_key(name) {
            self.refuse::<()>(name, what, remedy);
            self.asked.push(name);
        }
    }

    /// Notes the keys nobody asked for.
    pub(crate) fn finish(&self) {
        for name in self.dict.keys() {
            if !self.asked.contains(&name.as_str()) {
                let entry = (self.below(name), self.asked.clone());
                self.cx.unknown.borrow_mut().push(entry);
            }
        }
    }

    fn ask(&mut self, name: &'static str) {
        self.asked.push(name);
        let key = dotted(&self.below(name));
        self.cx.known.borrow_mut().insert(key);
    }

    fn below(&self, name: &str) -> KeyPath {
        let mut path = self.path.clone();
        path.push(name.to_owned());
        path
    }

    fn missing(&self, path: &[String]) {
        if !self.cx.incomplete {
            let name = path.last().map_or("", String::as_str);
            self.cx.report(Problem::new(
                self.origin(),
                dotted(path),
                "required, and not set",
                format!("add `{name} = ...` here"),
            ));
        }
    }
}
