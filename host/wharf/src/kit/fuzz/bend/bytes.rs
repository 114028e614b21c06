//! Bends bytes, whatever they mean: cuts, flips, splices, and what is no text.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngCore};

use super::odd;

/// A longer random body would be refused at its first byte like a short one.
const RANDOM_BYTES_MAX: usize = 2_048;

pub(super) fn random(chance: &mut StdRng) -> Vec<u8> {
    let mut bytes = vec![0; chance.random_range(0..=RANDOM_BYTES_MAX)];
    chance.fill_bytes(&mut bytes);
    bytes
}

/// One change. `other`: bytes of the same kind, to splice with.
pub(super) fn bend(bytes: &mut Vec<u8>, other: &[u8], chance: &mut StdRng) {
    let at = chance.random_range(0..=bytes.len());
    let to = chance.random_range(at..=bytes.len());
    match chance.random_range(0..9) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..to)),
        2 => {
            let part = bytes[at..to].to_vec();
            insert(bytes, at, &part);
        }
        3 | 4 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << chance.random_range(0..8);
            }
        }
        5 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = chance.random();
            }
        }
        6 => {
            let from = chance.random_range(0..=other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        7 => {
            let from = chance.random_range(0..=other.len());
            let until = chance.random_range(from..=other.len());
            insert(bytes, at, &other[from..until]);
        }
        _ => {
            let odd = odd::BYTES.choose(chance).expect("there are some");
            insert(bytes, at, odd);
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    bytes.splice(at..at, part.iter().copied());
}
