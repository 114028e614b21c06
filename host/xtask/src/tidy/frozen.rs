//! Released interfaces never change: what `crate::frozen` finds, as complaints.

use std::path::Path;

use super::Complaint;
use crate::frozen;

pub(super) fn check(root: &Path) -> anyhow::Result<Vec<Complaint>> {
    let breaches = frozen::breaches(root)?.into_iter();
    let complaints = breaches.map(|breach| Complaint {
        file: breach.file,
        line: breach.line,
        message: breach.message,
    });
    Ok(complaints.collect())
}
