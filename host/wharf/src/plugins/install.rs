//! What a command does to the lock: decided here, from values alone, and written by the caller.
//!
//! The rules: the first version of a plugin needs somebody's yes; a later one that asks for no more
//! goes into service; one that asks for more, or repeats a version number with other bytes, waits. A
//! name never changes the plugin behind it.

use thiserror::Error;

use super::digest::Digest;
use super::lock::{Approval, Entry, Lock, PREVIOUS_MAX, Pending, Previous, Version};
use super::permissions::Permissions;

const NAME_BYTES_MAX: usize = 64;

/// A component that was fetched, admitted and described.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub id: String,
    pub version: Version,
    pub permissions: Permissions,
}

/// Who decides, and when.
#[derive(Clone, Copy, Debug)]
pub struct Actor<'a> {
    pub by: &'a str,
    /// RFC 3339.
    pub at: &'a str,
}

/// What is to be done with a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in service already.
    Unchanged,
    /// A new name: somebody must say yes to these permissions.
    First { asks: Vec<String> },
    /// It asks for no more than what is approved.
    Upgrade { order: Order },
    /// Only its version number speaks against it.
    SameVersion,
    /// It asks for more; each line says what is new.
    Waits { reasons: Vec<String>, order: Order },
}

/// How its version relates to the one in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Newer,
    Same,
    Older,
    /// One of them is no semantic version.
    Unclear,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum InstallError {
    #[error(
        "{0:?} cannot be a plugin's name; use a-z, 0-9, - and _, at most {NAME_BYTES_MAX}, beginning with a letter or digit (--name)"
    )]
    Name(String),
    #[error(
        "{name} is the plugin {known}, and this is {found}: another plugin; give it a name of its own with --name, or `wharf plugin remove {name}` first"
    )]
    OtherPlugin {
        name: String,
        known: String,
        found: String,
    },
    #[error(
        "the plugin {id} is installed as {known}; to upgrade it add --name {known}, for a second copy add --name NAME"
    )]
    KnownElsewhere { id: String, known: String },
    #[error("there is no plugin named {name} in the lock; {remedy}")]
    Unknown { name: String, remedy: String },
    #[error("no version of {0} waits for approval; `wharf plugin list` shows what does")]
    NothingPending(String),
    #[error(
        "{waiting} waits for approval, not {asked}: it was replaced since you looked; `wharf plugin inspect` it again"
    )]
    OtherPending { waiting: Digest, asked: String },
    #[error("{0} has no earlier version to go back to; `wharf plugin add` the one you want")]
    NothingPrevious(String),
    #[error("{name} has no earlier version {asked}; there are: {known}")]
    NoSuchPrevious {
        name: String,
        asked: String,
        known: String,
    },
}

/// Names stand in paths of webhooks and in configuration keys.
pub fn check_name(name: &str) -> Result<(), InstallError> {
    let first = name.bytes().next();
    let good = first.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && name.len() <= NAME_BYTES_MAX
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
    match good {
        true => Ok(()),
        false => Err(InstallError::Name(name.chars().take(100).collect())),
    }
}

/// `named`: the operator chose the name, so a second copy of a known plugin is meant.
pub fn judge(
    lock: &Lock,
    name: &str,
    candidate: &Candidate,
    named: bool,
) -> Result<Verdict, InstallError> {
    check_name(name)?;
    let Some(entry) = lock.plugins.get(name) else {
        let mut others = lock
            .plugins
            .iter()
            .filter(|(_, other)| other.id == candidate.id);
        return match others.next() {
            Some((known, _)) if !named => Err(InstallError::KnownElsewhere {
                id: candidate.id.clone(),
                known: known.clone(),
            }),
            _ => Ok(Verdict::First {
                asks: candidate.permissions.lines(),
            }),
        };
    };
    if entry.id != candidate.id {
        return Err(InstallError::OtherPlugin {
            name: name.to_owned(),
            known: entry.id.clone(),
            found: candidate.id.clone(),
        });
    }
    if entry.current.digest == candidate.version.digest {
        return Ok(Verdict::Unchanged);
    }
    let order = order(&entry.current.version, &candidate.version.version);
    let reasons = candidate.permissions.beyond(&entry.approved.permissions);
    Ok(match (reasons.is_empty(), order) {
        (true, Order::Same) => Verdict::SameVersion,
        (true, order) => Verdict::Upgrade { order },
        (false, order) => Verdict::Waits { reasons, order },
    })
}

fn order(current: &str, new: &str) -> Order {
    if current == new {
        return Order::Same;
    }
    match (semver::Version::parse(current), semver::Version::parse(new)) {
        (Ok(current), Ok(new)) => match new.cmp(&current) {
            std::cmp::Ordering::Less => Order::Older,
            std::cmp::Ordering::Equal => Order::Same,
            std::cmp::Ordering::Greater => Order::Newer,
        },
        _ => Order::Unclear,
    }
}

/// Puts a candidate into service: a first one, or one that may follow.
pub fn put_in_service(lock: &mut Lock, name: &str, candidate: Candidate, actor: Actor<'_>) {
    let Some(entry) = lock.plugins.get_mut(name) else {
        let entry = Entry {
            id: candidate.id,
            current: candidate.version,
            approved: Approval::new(candidate.permissions, actor.by, actor.at),
            pending: None,
            previous: Vec::new(),
        };
        lock.plugins.insert(name.to_owned(), entry);
        return;
    };
    // Within what somebody approved: that approval goes on, and shrinks to what is used. What a
    // version gave up must be approved again.
    let within = candidate
        .permissions
        .beyond(&entry.approved.permissions)
        .is_empty();
    let approved = match within {
        true => Approval::new(
            candidate.permissions,
            &entry.approved.by,
            &entry.approved.at,
        ),
        false => Approval::new(candidate.permissions, actor.by, actor.at),
    };
    replace(entry, candidate.version, approved);
    entry.pending = None;
}

/// Keeps a candidate until somebody approves it. What waited before is replaced.
pub fn let_wait(lock: &mut Lock, name: &str, candidate: Candidate, reasons: Vec<String>) {
    if let Some(entry) = lock.plugins.get_mut(name) {
        entry.pending = Some(Pending {
            version: candidate.version,
            permissions: candidate.permissions,
            reasons,
        });
    }
}

/// The current version is wanted after all: nothing waits any more. True when something did.
pub fn drop_pending(lock: &mut Lock, name: &str) -> bool {
    let entry = lock.plugins.get_mut(name);
    entry.is_some_and(|entry| entry.pending.take().is_some())
}

/// Puts what waits into service, with the permissions it asks for. `asked`: the digest the operator
/// looked at, whole or its beginning.
pub fn approve(
    lock: &mut Lock,
    name: &str,
    asked: Option<&str>,
    actor: Actor<'_>,
) -> Result<Version, InstallError> {
    let entry = entry(lock, name)?;
    let pending = take_pending(entry, name, asked)?;
    let version = pending.version;
    let approved = Approval::new(pending.permissions, actor.by, actor.at);
    replace(entry, version.clone(), approved);
    Ok(version)
}

/// Throws away what waits: the version in service was right. `asked` as for [`approve`].
pub fn reject(lock: &mut Lock, name: &str, asked: Option<&str>) -> Result<Version, InstallError> {
    let entry = entry(lock, name)?;
    Ok(take_pending(entry, name, asked)?.version)
}

fn take_pending(
    entry: &mut Entry,
    name: &str,
    asked: Option<&str>,
) -> Result<Pending, InstallError> {
    let Some(pending) = &entry.pending else {
        return Err(InstallError::NothingPending(name.to_owned()));
    };
    let waiting = pending.version.digest;
    if let Some(asked) = asked.filter(|asked| !names(&waiting, asked)) {
        let asked = asked.to_owned();
        return Err(InstallError::OtherPending { waiting, asked });
    }
    Ok(entry.pending.take().expect("it was found above"))
}

/// Goes back to the version before, or to the one with this digest; it has the approval it had then. It
/// waits for nobody's approval any more.
pub fn rollback(lock: &mut Lock, name: &str, asked: Option<&str>) -> Result<Version, InstallError> {
    let entry = entry(lock, name)?;
    if entry.previous.is_empty() {
        return Err(InstallError::NothingPrevious(name.to_owned()));
    }
    let at = match asked {
        None => Some(0),
        Some(asked) => entry
            .previous
            .iter()
            .position(|it| names(&it.version.digest, asked)),
    };
    let Some(at) = at else {
        let known = entry
            .previous
            .iter()
            .map(|it| format!("{} ({})", it.version.digest.short(), it.version.version));
        return Err(InstallError::NoSuchPrevious {
            name: name.to_owned(),
            asked: asked.unwrap_or_default().to_owned(),
            known: known.collect::<Vec<_>>().join(", "),
        });
    };
    let chosen = entry.previous.remove(at);
    replace(entry, chosen.version.clone(), chosen.approved);
    Ok(chosen.version)
}

pub fn remove(lock: &mut Lock, name: &str) -> Result<Entry, InstallError> {
    entry(lock, name)?;
    Ok(lock.plugins.remove(name).expect("it was found above"))
}

/// The digest a person wrote, whole or its beginning: six digits tell versions apart.
fn names(digest: &Digest, asked: &str) -> bool {
    let asked = asked
        .strip_prefix("sha256:")
        .unwrap_or(asked)
        .to_ascii_lowercase();
    asked.len() >= 6 && digest.hex().starts_with(&asked)
}

fn entry<'a>(lock: &'a mut Lock, name: &str) -> Result<&'a mut Entry, InstallError> {
    let known = lock.plugins.keys().cloned().collect::<Vec<_>>().join(", ");
    lock.plugins
        .get_mut(name)
        .ok_or_else(|| InstallError::Unknown {
            name: name.to_owned(),
            remedy: match known.is_empty() {
                true => "install one with `wharf plugin add SOURCE`".to_owned(),
                false => format!("there are: {known}"),
            },
        })
}

fn replace(entry: &mut Entry, version: Version, approved: Approval) {
    let left = Previous {
        version: std::mem::replace(&mut entry.current, version),
        approved: std::mem::replace(&mut entry.approved, approved),
    };
    let now = entry.current.digest;
    // What came into service does not wait.
    entry
        .pending
        .take_if(|pending| pending.version.digest == now);
    entry
        .previous
        .retain(|it| it.version.digest != now && it.version.digest != left.version.digest);
    entry.previous.insert(0, left);
    entry.previous.truncate(PREVIOUS_MAX);
}
