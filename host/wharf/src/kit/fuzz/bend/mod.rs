//! Makes a new input of an old one. Knows JSON, forms and bytes, and nothing of what they mean to a provider;
//! the same chance makes the same input.

mod bytes;
mod form;
mod json;
mod node;
mod odd;

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use wharf_core::provider::{HttpMethod, Outcome, TransportFailure};

use super::input::{Seed, Told, Webhook};
use node::Node;

/// Changes of one body.
const CHANGES_MAX: usize = 4;
/// A part that is put elsewhere; a larger one would be most of its body.
const NODE_BYTES_MAX: usize = 4 * 1024;
/// Parts kept of all cases.
const NODES_MAX: usize = 20_000;
/// What a host hands to a plugin as a state, and no more (`state_bytes_max`).
const STATE_BYTES_MAX: usize = 16 * 1024;
const STATUSES: [u16; 24] = [
    200, 201, 202, 204, 206, 299, 301, 302, 304, 400, 401, 402, 403, 404, 405, 408, 409, 413, 422,
    429, 500, 502, 503, 504,
];
const FAILURES: [TransportFailure; 11] = [
    TransportFailure::Dns,
    TransportFailure::Connect,
    TransportFailure::Tls,
    TransportFailure::TimeoutBeforeSend,
    TransportFailure::TimeoutAfterSend,
    TransportFailure::Reset,
    TransportFailure::BodyTooLarge,
    TransportFailure::Denied,
    TransportFailure::Canceled,
    TransportFailure::Interrupted,
    TransportFailure::Other,
];
/// What a header's value may say; the host passes on printable ASCII only.
const HEADER_VALUES: [&str; 12] = [
    "",
    "0",
    "-1",
    "60",
    "99999999999999999999",
    "Wed, 21 Oct 2099 07:28:00 GMT",
    "application/json",
    "text/html; charset=utf-8",
    "image/png",
    "{\"a\":1}",
    "{",
    "x, y; q=0.1",
];

/// What the media store calls a body; never nothing.
const MEDIA_TYPES: [&str; 4] = [
    "image/png",
    "application/octet-stream",
    "text/html; charset=utf-8",
    "x-unknown/x-never-seen",
];

/// Parts of all inputs, to put into others.
#[derive(Default)]
pub(super) struct Pool {
    nodes: Vec<Node>,
    names: Vec<String>,
    fields: form::Fields,
    headers: Vec<(String, String)>,
    /// Values that people gave in flows, with the names of their inputs.
    inputs: Vec<(String, Vec<String>)>,
    webhooks: Vec<String>,
    /// Bodies by function.
    bodies: BTreeMap<&'static str, Vec<Vec<u8>>>,
}

impl Pool {
    pub(super) fn of<'a>(seeds: impl Iterator<Item = &'a Seed>) -> Self {
        let mut pool = Self::default();
        for seed in seeds {
            pool.take(seed);
        }
        for names in [&mut pool.names, &mut pool.webhooks] {
            names.sort();
            names.dedup();
        }
        for pairs in [&mut pool.headers, &mut pool.fields] {
            pairs.sort();
            pairs.dedup();
        }
        pool
    }

    fn take(&mut self, seed: &Seed) {
        match &seed.told {
            Told::Webhook { webhook, .. } => {
                self.headers.extend(webhook.headers.iter().cloned());
                self.webhooks.push(webhook.name.clone());
            }
            Told::Outcome { outcome, .. } => {
                if let Some(headers) = headers(outcome) {
                    self.headers.extend(headers.iter().cloned());
                }
            }
            Told::Answer { inputs, .. } => self.inputs.extend(inputs.iter().cloned()),
        }
        let Some(body) = body(&seed.told) else {
            return;
        };
        self.bodies
            .entry(seed.function)
            .or_default()
            .push(body.to_vec());
        if let Some(root) = Node::read(body) {
            let (nodes, names) = (&mut self.nodes, &mut self.names);
            root.walk(
                &mut |node| {
                    if nodes.len() < NODES_MAX && node.text().len() <= NODE_BYTES_MAX {
                        nodes.push(node.clone());
                    }
                },
                &mut |name| names.push(name.to_owned()),
            );
        } else if let Some(fields) = form::read(body) {
            self.fields.extend(fields);
        }
    }

    fn body(&self, function: &str, chance: &mut StdRng) -> &[u8] {
        let bodies = self.bodies.get(function);
        bodies
            .and_then(|bodies| bodies.choose(chance))
            .map_or(&[], Vec::as_slice)
    }
}

/// What is told instead, and whether the state was bent too: that is the plugin's own.
pub(super) struct Bent {
    pub(super) told: Told,
    pub(super) of_state: bool,
}

/// A new input made of `seed`.
pub(super) fn bend(seed: &Seed, pool: &Pool, chance: &mut StdRng) -> Bent {
    let mut told = seed.told.clone();
    let mut of_state = false;
    match &mut told {
        Told::Webhook { webhook, skip } => {
            bend_webhook(webhook, seed, pool, chance);
            if chance.random_ratio(1, 25) {
                *skip = *[1, 2, 7, 1_999, 2_000, u32::MAX]
                    .choose(chance)
                    .expect("there are some");
            }
        }
        Told::Outcome { state, outcome } => {
            of_state = chance.random_ratio(1, 8) && bend_state(state, seed, pool, chance);
            bend_outcome(outcome, seed, pool, chance);
        }
        Told::Answer { state, inputs } => {
            of_state = chance.random_ratio(1, 4) && bend_state(state, seed, pool, chance);
            bend_inputs(inputs, pool, chance);
        }
    }
    Bent { told, of_state }
}

fn bend_webhook(webhook: &mut Webhook, seed: &Seed, pool: &Pool, chance: &mut StdRng) {
    bend_body(&mut webhook.body, seed, pool, chance);
    if chance.random_ratio(1, 6) {
        bend_headers(&mut webhook.headers, pool, chance);
    }
    if chance.random_ratio(1, 20) {
        let name = odd::text(chance);
        webhook.query.push((name, odd::text(chance)));
    }
    if chance.random_ratio(1, 30) {
        webhook.method = *[HttpMethod::Get, HttpMethod::Post, HttpMethod::Put]
            .choose(chance)
            .expect("there are some");
    }
    if chance.random_ratio(1, 30)
        && let Some(name) = pool.webhooks.choose(chance)
    {
        webhook.name.clone_from(name);
    }
}

fn bend_outcome(outcome: &mut Outcome, seed: &Seed, pool: &Pool, chance: &mut StdRng) {
    if chance.random_ratio(1, 16) {
        *outcome = Outcome::Failed(*FAILURES.choose(chance).expect("there are some"));
        return;
    }
    if matches!(outcome, Outcome::Failed(_)) {
        *outcome = Outcome::Response(wharf_core::provider::HttpResponse {
            status: 200,
            headers: Vec::new(),
            body: pool.body(seed.function, chance).to_vec(),
        });
    }
    match outcome {
        Outcome::Response(response) => {
            bend_body(&mut response.body, seed, pool, chance);
            if chance.random_ratio(1, 4) {
                response.status = match chance.random_ratio(1, 8) {
                    true => chance.random_range(100..=999),
                    false => *STATUSES.choose(chance).expect("there are some"),
                };
            }
            // A 2xx body would have gone into the media store.
            if seed.stores && (200..300).contains(&response.status) {
                response.status = 500;
            }
            if chance.random_ratio(1, 6) {
                bend_headers(&mut response.headers, pool, chance);
            }
        }
        Outcome::Stored(stored) => {
            stored.status = chance.random_range(200..300);
            stored.media.size = *[0, 1, 1 << 20, 5_000_000_000, u64::MAX]
                .choose(chance)
                .expect("there are some");
            stored.media.content_type = (*MEDIA_TYPES.choose(chance).expect("some")).to_owned();
            bend_headers(&mut stored.headers, pool, chance);
        }
        Outcome::Failed(_) => {}
    }
}

fn bend_headers(headers: &mut Vec<(String, String)>, pool: &Pool, chance: &mut StdRng) {
    let value = (*HEADER_VALUES.choose(chance).expect("there are some")).to_owned();
    match chance.random_range(0..5) {
        0 => headers.clear(),
        1 => headers.shuffle(chance),
        2 => headers.extend(pool.headers.choose(chance).cloned()),
        3 => {
            let name = *["retry-after", "content-type", "date"]
                .choose(chance)
                .expect("there are some");
            headers.push((name.to_owned(), value));
        }
        _ => {
            if let Some((_, old)) = (!headers.is_empty())
                .then(|| chance.random_range(0..headers.len()))
                .and_then(|index| headers.get_mut(index))
            {
                *old = value;
            }
        }
    }
}

fn bend_inputs(inputs: &mut Vec<(String, Vec<String>)>, pool: &Pool, chance: &mut StdRng) {
    for _ in 0..chance.random_range(0..=CHANGES_MAX) {
        if inputs.is_empty() {
            inputs.extend(pool.inputs.choose(chance).cloned());
            continue;
        }
        let index = chance.random_range(0..inputs.len());
        match chance.random_range(0..6) {
            0 => drop(inputs.remove(index)),
            1 => inputs[index].1.clear(),
            2 => inputs[index].1 = vec![odd::text(chance)],
            3 => inputs[index].1.push(odd::text(chance)),
            4 => inputs.extend(pool.inputs.choose(chance).cloned()),
            _ => {
                if let Some((_, values)) = pool.inputs.choose(chance) {
                    inputs[index].1.clone_from(values);
                }
            }
        }
    }
}

/// False where nothing changed.
fn bend_state(state: &mut Vec<u8>, seed: &Seed, pool: &Pool, chance: &mut StdRng) -> bool {
    let old = state.clone();
    bend_body(state, seed, pool, chance);
    state.truncate(STATE_BYTES_MAX);
    *state != old
}

fn bend_body(body: &mut Vec<u8>, seed: &Seed, pool: &Pool, chance: &mut StdRng) {
    let other = |chance: &mut StdRng| pool.body(seed.function, chance);
    match chance.random_range(0..100) {
        0..60 => restructure(body, pool, chance),
        60..70 => {
            restructure(body, pool, chance);
            bytes::bend(body, other(chance), chance);
        }
        70..84 => {
            for _ in 0..chance.random_range(1..=CHANGES_MAX) {
                bytes::bend(body, other(chance), chance);
            }
        }
        84..88 => *body = bytes::random(chance),
        88..94 => {
            *body = other(chance).to_vec();
            restructure(body, pool, chance);
        }
        94 => body.clear(),
        _ => {}
    }
    body.truncate(seed.body_bytes_max);
}

/// Some changes of a document or a form; of anything else, of its bytes.
fn restructure(body: &mut Vec<u8>, pool: &Pool, chance: &mut StdRng) {
    let changes = chance.random_range(1..=CHANGES_MAX);
    if let Some(mut root) = Node::read(body) {
        (0..changes).for_each(|_| json::bend(&mut root, pool, chance));
        *body = root.text().into_bytes();
    } else if let Some(mut fields) = form::read(body) {
        (0..changes).for_each(|_| form::bend(&mut fields, pool, chance));
        *body = form::write(&fields).into_bytes();
    } else {
        bytes::bend(body, &[], chance);
    }
}

fn body(told: &Told) -> Option<&[u8]> {
    match told {
        Told::Webhook { webhook, .. } => Some(&webhook.body),
        Told::Outcome {
            outcome: Outcome::Response(response),
            ..
        } => Some(&response.body),
        _ => None,
    }
}

fn headers(outcome: &Outcome) -> Option<&[(String, String)]> {
    match outcome {
        Outcome::Response(response) => Some(&response.headers),
        Outcome::Stored(stored) => Some(&stored.headers),
        Outcome::Failed(_) => None,
    }
}
