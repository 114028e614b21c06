//! Bodies to start from: those of the golden cases, and a source of chance that is always the same.

use std::path::Path;

use serde_json::Value;
use wharf_cloud_api::webhook::{self, Dialect};
use wharf_plugin::prelude::*;
use wharf_plugin::types::HttpMethod;

/// The JSON bodies of all inbound cases that have entries, by their names.
pub(crate) fn bodies() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../graph/cases");
    let mut bodies = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let body = &case["inbound"]["body"];
        if body["entry"].is_array() && body["object"] == "whatsapp_business_account" {
            bodies.push((name, body.clone()));
        }
    }
    bodies.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(bodies.len() > 60, "the corpus is the inbound cases");
    bodies
}

pub(crate) fn webhook(body: Vec<u8>) -> Webhook {
    Webhook {
        name: "main".to_owned(),
        method: HttpMethod::Post,
        query: Vec::new(),
        headers: Vec::new(),
        body,
        received_at: 1_790_000_000_000,
    }
}

/// All items of a body over all pages.
pub(crate) fn parse_bytes(body: Vec<u8>) -> Result<Vec<Item>, Error> {
    let webhook = webhook(body);
    let mut items = Vec::new();
    let mut skip = 0;
    loop {
        let parsed = webhook::parse(&webhook, skip, &Dialect::META)?;
        items.extend(parsed.items);
        match parsed.next {
            Some(next) => {
                assert!(next > skip, "a page goes forward");
                skip = next;
            }
            None => return Ok(items),
        }
    }
}

pub(crate) fn parse(body: &Value) -> Vec<Item> {
    parse_bytes(body.to_string().into_bytes()).unwrap()
}

/// SplitMix64: the same numbers on every machine.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`, which is at least 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    pub(crate) fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            let other = self.below(at + 1);
            list.swap(at, other);
        }
    }
}
