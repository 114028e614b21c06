//! Bends a form (`application/x-www-form-urlencoded`). Fields are kept as they are written, so that broken
//! percent signs can be among them.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use url::form_urlencoded;

use super::node::Node;
use super::{Pool, json, odd};

/// Names and values as they are written.
pub(super) type Fields = Vec<(String, String)>;

/// As bytes are written that are no text, or that the form's own signs are not allowed to be.
const BROKEN: [&str; 8] = [
    "%",
    "%z",
    "%zz",
    "%ff",
    "%C0%80",
    "%ed%a0%80",
    "+%2",
    "a=b=c",
];

/// `None` for what does not look like a form.
pub(super) fn read(body: &[u8]) -> Option<Fields> {
    let text = std::str::from_utf8(body).ok()?;
    let fields: Option<Fields> = text
        .split('&')
        .map(|field| {
            let (name, value) = field.split_once('=')?;
            let is_name = !name.is_empty() && !name.contains(['{', '<', ' ']);
            is_name.then(|| (name.to_owned(), value.to_owned()))
        })
        .collect();
    fields
}

pub(super) fn write(fields: &Fields) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    fields.join("&")
}

pub(super) fn bend(fields: &mut Fields, pool: &Pool, chance: &mut StdRng) {
    let from_pool = pool.fields.choose(chance).cloned();
    if fields.is_empty() {
        return fields.extend(from_pool);
    }
    let index = chance.random_range(0..fields.len());
    match chance.random_range(0..10) {
        0 | 1 => drop(fields.remove(index)),
        2 => fields.shuffle(chance),
        3 => {
            let twin = fields[index].clone();
            fields.insert(chance.random_range(0..=fields.len()), twin);
        }
        4 => fields[index].1 = encoded(&odd::text(chance)),
        5 => fields[index].1 = (*BROKEN.choose(chance).expect("some")).to_owned(),
        6 => fields.extend(from_pool),
        7 => {
            if let Some((_, value)) = from_pool {
                fields[index].1 = value;
            }
        }
        8 => {
            if let Some((name, _)) = from_pool {
                fields[index].0 = name;
            }
        }
        _ => bend_value(&mut fields[index].1, pool, chance),
    }
}

/// JSON inside a field is bent as JSON, a text as a text.
fn bend_value(value: &mut String, pool: &Pool, chance: &mut StdRng) {
    let field = format!("a={value}");
    let Some((_, plain)) = form_urlencoded::parse(field.as_bytes()).next() else {
        return;
    };
    match Node::read(plain.as_bytes()) {
        Some(mut node) => {
            json::bend(&mut node, pool, chance);
            *value = encoded(&node.text());
        }
        None => {
            let mut characters: Vec<char> = plain.chars().collect();
            characters.truncate(chance.random_range(0..=characters.len()));
            let cut: String = characters.into_iter().collect();
            *value = encoded(&(cut + &odd::text(chance)));
        }
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
