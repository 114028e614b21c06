//! A digest of the body in the query, which a signature over the URL covers.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

use super::encoding::decode;
use super::{Incoming, Refusal};
use crate::provider::{BodyDigest, Hash};

pub(super) fn verify(declared: &BodyDigest, call: &Incoming<'_>) -> Result<(), Refusal> {
    let mut values = call
        .query
        .iter()
        .filter(|(name, _)| *name == declared.param);
    let presented = match (values.next(), values.next()) {
        (Some((_, value)), None) => decode(declared.encoding, value),
        _ => None,
    };
    let wanted = match declared.hash {
        Hash::Sha1 => Sha1::digest(call.body).to_vec(),
        Hash::Sha256 => Sha256::digest(call.body).to_vec(),
        Hash::Sha512 => Sha512::digest(call.body).to_vec(),
    };
    presented
        .is_some_and(|presented| presented.ct_eq(&wanted).into())
        .then_some(())
        .ok_or_else(|| Refusal::Digest {
            param: declared.param.clone(),
        })
}
