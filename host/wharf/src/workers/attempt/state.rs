//! A plugin's own state between two exchanges, sealed where it is kept.

use wharf_core::{MessageId, TenantId};
use wharf_store::{Aad, StoreError, Vault};

pub(super) fn seal(
    vault: &Vault,
    tenant: &TenantId,
    message: MessageId,
    seq: u32,
    state: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let sealed = vault.seal(&aad(tenant.as_str(), &message.bare(), seq), state)?;
    Ok(sealed.bytes)
}

pub(super) fn open(
    vault: &Vault,
    tenant: &TenantId,
    message: MessageId,
    seq: u32,
    sealed: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let opened = vault.open(&aad(tenant.as_str(), &message.bare(), seq), sealed)?;
    Ok(opened.to_vec())
}

fn aad<'a>(tenant: &'a str, message: &'a str, seq: u32) -> Aad<'a> {
    Aad {
        purpose: "exchange-state",
        tenant: Some(tenant),
        owner: message,
        name: "state",
        slot: i64::from(seq),
    }
}
