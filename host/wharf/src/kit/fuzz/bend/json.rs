//! Bends a JSON document as providers do when they change an API, and as nobody should.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

use super::node::{Node, quoted};
use super::{Pool, odd};

/// Copies of one element; a webhook has a thousand atoms and more.
const COPIES_MAX: usize = 40;
const MANY_COPIES: usize = 3_000;
/// One in so many multiplications is a large one.
const MANY_ONE_IN: u32 = 40;

/// One change somewhere in the document.
pub(super) fn bend(root: &mut Node, pool: &Pool, chance: &mut StdRng) {
    let number = chance.random_range(0..root.count());
    let Some(node) = root.nth(number) else {
        return;
    };
    match (chance.random_range(0..12), &mut *node) {
        (0, _) => *node = Node::Leaf(odd::leaf(chance)),
        (1, _) => {
            if let Some(other) = pool.nodes.choose(chance) {
                *node = other.clone();
            }
        }
        // The whole in a list, or the other way round.
        (2, _) => {
            let inner = std::mem::replace(node, Node::List(Vec::new()));
            *node = match chance.random_bool(0.5) {
                true => Node::List(vec![inner]),
                false => Node::Members(vec![(name(pool, chance), inner)]),
            };
        }
        (_, Node::List(elements)) => bend_list(elements, pool, chance),
        (_, Node::Members(members)) => bend_members(members, pool, chance),
        (_, Node::Leaf(leaf)) => *leaf = bend_leaf(leaf, chance),
    }
}

fn bend_list(elements: &mut Vec<Node>, pool: &Pool, chance: &mut StdRng) {
    if elements.is_empty() {
        return elements.extend(pool.nodes.choose(chance).cloned());
    }
    let index = chance.random_range(0..elements.len());
    match chance.random_range(0..5) {
        0 => drop(elements.remove(index)),
        1 => elements.shuffle(chance),
        2 => {
            let copies = match chance.random_ratio(1, MANY_ONE_IN) {
                true => MANY_COPIES,
                false => chance.random_range(1..=COPIES_MAX),
            };
            let element = elements[index].clone();
            elements.extend(std::iter::repeat_n(element, copies));
        }
        3 => elements.insert(index, Node::Leaf(odd::leaf(chance))),
        _ => {
            if let Some(other) = pool.nodes.choose(chance) {
                elements.insert(index, other.clone());
            }
        }
    }
}

fn bend_members(members: &mut Vec<(String, Node)>, pool: &Pool, chance: &mut StdRng) {
    if members.is_empty() {
        return members.push((name(pool, chance), Node::Leaf(odd::leaf(chance))));
    }
    let index = chance.random_range(0..members.len());
    match chance.random_range(0..7) {
        0 | 1 => drop(members.remove(index)),
        2 => members.shuffle(chance),
        // The same name twice, with the same or another value.
        3 => {
            let mut twin = members[index].clone();
            if chance.random_bool(0.5) {
                twin.1 = Node::Leaf(odd::leaf(chance));
            }
            members.insert(chance.random_range(0..=members.len()), twin);
        }
        4 => members[index].0 = name(pool, chance),
        5 => {
            let other = chance.random_range(0..members.len());
            let value = members[other].1.clone();
            members[index].1 = value;
        }
        _ => {
            if let Some(node) = pool.nodes.choose(chance) {
                members.push((name(pool, chance), node.clone()));
            }
        }
    }
}

fn name(pool: &Pool, chance: &mut StdRng) -> String {
    match pool.names.choose(chance) {
        Some(name) if !chance.random_ratio(1, 8) => name.clone(),
        _ => quoted(&odd::text(chance)),
    }
}

fn bend_leaf(leaf: &str, chance: &mut StdRng) -> String {
    let text: Option<String> = serde_json::from_str(leaf).ok();
    match (text, chance.random_range(0..6)) {
        (_, 0 | 1) => odd::leaf(chance),
        // A number where a text was, and the other way round.
        (Some(text), 2) if text.parse::<f64>().is_ok() => text,
        (None, 2) => quoted(leaf),
        (Some(text), 3) => {
            let length = text.chars().count();
            let cut = chance.random_range(0..=length);
            quoted(&text.chars().take(cut).collect::<String>())
        }
        (Some(text), 4) => quoted(&(text + &odd::text(chance))),
        (Some(text), _) => {
            let mut characters: Vec<char> = text.chars().collect();
            if let Some(one) = (!characters.is_empty())
                .then(|| chance.random_range(0..characters.len()))
                .and_then(|index| characters.get_mut(index))
            {
                *one = char::from(chance.random_range(b' '..=b'~'));
            }
            quoted(&characters.into_iter().collect::<String>())
        }
        (None, _) => match leaf.parse::<i64>() {
            Ok(number) => number.wrapping_add(chance.random_range(-2..=2)).to_string(),
            Err(_) => odd::leaf(chance),
        },
    }
}
