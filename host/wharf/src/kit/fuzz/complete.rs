//! Nothing is dropped: whether each place of a body where atoms stand came out in some item.
//!
//! Where atoms stand is learnt from the golden cases: a pointer that ends in an index is an element of a list
//! of atoms, in whatever body. In a bent body, each element of such a list must be in an item: its own, one of
//! what holds it, or one of its parts. That can be said exactly of any JSON without doubled names, whose
//! meaning nobody knows.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Pointers with `*` for each index, and all of them end in one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(BTreeSet<String>);

/// What was looked at, and what is in no item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Looked {
    places: usize,
    missing: Vec<String>,
}

impl Places {
    /// The lists that these pointers go into.
    pub fn of(pointers: &BTreeSet<String>) -> Self {
        let patterns = pointers.iter().map(|pointer| {
            let segments = pointer.split('/').map(|segment| match is_index(segment) {
                true => "*",
                false => segment,
            });
            segments.collect::<Vec<_>>().join("/")
        });
        Self(patterns.filter(|it| it.ends_with("/*")).collect())
    }

    /// As [`Self::iter`] gave them.
    pub(super) fn given(patterns: impl Iterator<Item = String>) -> Self {
        Self(patterns.collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// `None` for a body of which it cannot be said: no JSON, or with a name twice in one object.
    fn look(&self, body: &[u8], items: &BTreeSet<String>) -> Option<Looked> {
        if self.0.is_empty() {
            return None;
        }
        let tree: Tree = serde_json::from_slice(body).ok()?;
        let mut looked = Looked::default();
        for pattern in &self.0 {
            let segments: Vec<_> = pattern.split('/').skip(1).collect();
            tree.visit(&segments, String::new(), &mut |place| {
                looked.places += 1;
                if !is_in(items, &place) {
                    looked.missing.push(place);
                }
            });
        }
        Some(looked)
    }
}

/// What is wrong with what a whole body gave, and how many atoms were looked for, if any could be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub atoms: Option<usize>,
    pub problem: Option<String>,
}

/// `items`: how many there were. `pointers`: theirs.
pub fn verdict(places: &Places, body: &[u8], items: usize, pointers: &BTreeSet<String>) -> Verdict {
    if items == 0 && !is_nothing(body) {
        let problem = "it gave no item, and no error, for a body that says something";
        return Verdict {
            atoms: None,
            problem: Some(problem.to_owned()),
        };
    }
    let Some(Looked { places, missing }) = places.look(body, pointers) else {
        return Verdict::default();
    };
    Verdict {
        atoms: Some(places),
        problem: missing.first().map(|first| {
            let more = missing.len() - 1;
            format!("in no item: {first}, and {more} more")
        }),
    }
}

/// Whether a body that gave no item at all had nothing to give: it is empty, or JSON that is.
fn is_nothing(body: &[u8]) -> bool {
    let text: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    matches!(text.as_slice(), b"" | b"[]" | b"{}")
}

fn is_index(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
}

/// An item is of the place, of what holds it, or of a part of it.
fn is_in(items: &BTreeSet<String>, place: &str) -> bool {
    let mut holder = place;
    loop {
        if items.contains(holder) {
            return true;
        }
        match holder.rfind('/') {
            Some(end) => holder = &holder[..end],
            None => break,
        }
    }
    let below = format!("{place}/");
    items
        .range(below.clone()..)
        .next()
        .is_some_and(|first| first.starts_with(&below))
}

/// A document without its values.
enum Tree {
    Leaf,
    List(Vec<Self>),
    Members(Vec<(String, Self)>),
}

impl Tree {
    fn visit(&self, pattern: &[&str], at: String, found: &mut dyn FnMut(String)) {
        let Some((first, rest)) = pattern.split_first() else {
            return found(at);
        };
        match (self, *first) {
            (Self::List(elements), "*") => {
                for (index, element) in elements.iter().enumerate() {
                    element.visit(rest, format!("{at}/{index}"), found);
                }
            }
            (Self::Members(members), name) => {
                let plain = name.replace("~1", "/").replace("~0", "~");
                let member = members.iter().find(|(known, _)| *known == plain);
                if let Some((_, member)) = member {
                    member.visit(rest, format!("{at}/{name}"), found);
                }
            }
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Read)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without doubled names")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_str<E>(self, _: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = from.next_element()? {
            elements.push(element);
        }
        Ok(Tree::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut names = BTreeSet::new();
        let mut members = Vec::new();
        while let Some((name, member)) = from.next_entry::<String, Tree>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom("a doubled name"));
            }
            members.push((name, member));
        }
        Ok(Tree::Members(members))
    }
}
