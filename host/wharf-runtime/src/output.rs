//! What a plugin may return beyond what the types say: counts, lengths, shapes, and names that must be
//! the description's. Each check ends in a sentence that says which rule was broken and where.
//!
//! Rules about hosts, audiences and addresses are egress policy and checked there. What a person typed
//! into WhatsApp is never a reason to refuse: with it the whole page would be lost.

mod exchange;
mod inbound;
mod onboarding;
mod optional;
mod outbound;

pub(crate) use exchange::check_exchange as exchange;
pub(crate) use inbound::check_parsed;
pub(crate) use onboarding::onboarding;
pub(crate) use optional::{catch_up, health, media, profile, reconciled, templates};
pub(crate) use outbound::progress;

use wharf_core::provider::{
    Bucket, Descriptor, FlowInfo, Input, InputKind, MediaRef, POINTER_BYTES_MAX, Pace,
    PlatformError,
};

use crate::config::RuntimeConfig;
use crate::descriptor::names::is_slug;
use crate::log;

/// What a check ends in: the rule that was broken.
pub(crate) type Checked = Result<(), String>;

const PACES_MAX: usize = 16;
/// Ids of providers: Meta's are under 100 bytes, Twilio's 34.
const ID_BYTES_MAX: usize = 512;
/// Media types, titles, languages and other things on one line.
const LINE_BYTES_MAX: usize = 255;
/// Texts of an error: enough for a sentence and a provider's own words.
const DETAIL_BYTES_MAX: usize = 2048;
const SHA256_BYTES: usize = 32;
/// The end of the year 9999, the last that RFC 3339 can write.
const AT_MS_MAX: u64 = 253_402_300_799_999;

/// What the checks of one plugin go by.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) descriptor: &'a Descriptor,
    pub(crate) config: &'a RuntimeConfig,
    /// Whose inputs count beside the description's.
    flows: &'a [FlowInfo],
    /// A flow names the secrets of a channel to be as `name/slot`.
    slots: bool,
}

impl<'a> Rules<'a> {
    pub(crate) fn new(descriptor: &'a Descriptor, config: &'a RuntimeConfig) -> Self {
        Self {
            descriptor,
            config,
            flows: &[],
            slots: false,
        }
    }

    fn of_flow(mut self, flow: &str) -> Self {
        self.flows = self.descriptor.flow(flow).map_or(&[], std::slice::from_ref);
        self.slots = true;
        self
    }

    /// Takes what any of the flows may name: its own inputs, and its channels' secrets.
    pub(crate) fn of_any_flow(mut self) -> Self {
        self.flows = &self.descriptor.flows;
        self.slots = true;
        self
    }

    fn input(&self, name: &str) -> Option<&'a Input> {
        let mut inputs = self.flows.iter().flat_map(|flow| &flow.inputs);
        let of_flow = inputs.find(|input| input.name == name);
        of_flow.or_else(|| self.descriptor.input(name))
    }

    fn secret(&self, place: &str, name: &str) -> Checked {
        let name = match name.split_once('/') {
            Some((name, slot)) if self.slots && is_slug(slot) => name,
            _ => name,
        };
        let is_secret = |input: &Input| input.kind == InputKind::Secret;
        if self.input(name).is_some_and(is_secret) {
            return Ok(());
        }
        Err(format!(
            "{place} names the secret `{name}`, which is not declared"
        ))
    }

    fn state(&self, place: &str, state: &[u8]) -> Checked {
        within(place, state.len(), 0, self.config.state_bytes_max)
    }
}

fn within(place: &str, size: usize, min: usize, max: usize) -> Checked {
    if size < min {
        return Err(match min {
            1 => format!("{place} is empty"),
            _ => format!("{place} has {size}, at least {min} are needed"),
        });
    }
    if size > max {
        return Err(format!("{place} has {size}, at most {max} are allowed"));
    }
    Ok(())
}

fn require(holds: bool, place: &str, rule: &str) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(format!("{place} {rule}"))
    }
}

/// An id goes into tables, log lines and URLs.
fn id(place: &str, id: &str) -> Checked {
    line(place, id, ID_BYTES_MAX)
}

fn optional_id(place: &str, value: Option<&String>) -> Checked {
    value.map_or(Ok(()), |value| id(place, value))
}

fn line(place: &str, text: &str, bytes_max: usize) -> Checked {
    within(place, text.len(), 1, bytes_max)?;
    require(
        !text.chars().any(char::is_control),
        place,
        "has control characters",
    )
}

fn at_ms(place: &str, at_ms: u64) -> Checked {
    require(
        at_ms <= AT_MS_MAX,
        place,
        "is after the year 9999; times are milliseconds since 1970",
    )
}

/// RFC 6901.
fn pointer(place: &str, pointer: &str) -> Checked {
    within(place, pointer.len(), 0, POINTER_BYTES_MAX)?;
    let escapes = pointer.split('~').skip(1);
    require(
        (pointer.is_empty() || pointer.starts_with('/'))
            && escapes.clone().all(|rest| rest.starts_with(['0', '1'])),
        place,
        "is no JSON pointer of RFC 6901",
    )
}

fn media_ref(place: &str, media: &MediaRef) -> Checked {
    line(&format!("{place}.handle"), &media.handle, ID_BYTES_MAX)?;
    line(
        &format!("{place}.content-type"),
        &media.content_type,
        LINE_BYTES_MAX,
    )?;
    require(
        media.sha256.len() == SHA256_BYTES,
        place,
        "has a sha256 that is not 32 bytes long",
    )
}

fn paces(paces: &[Pace]) -> Checked {
    within("pace", paces.len(), 0, PACES_MAX)?;
    for pace in paces {
        if let Bucket::Named(name) = &pace.bucket {
            require(is_slug(name), "pace", "has a bucket with an unfit name")?;
        }
    }
    Ok(())
}

/// A failure must never be lost for being too long: it is cut, and control characters are escaped,
/// because operators read it on terminals.
pub(crate) fn bounded_error(mut error: PlatformError) -> PlatformError {
    error.detail = shown(&error.detail);
    error.provider_code = bounded(error.provider_code, ID_BYTES_MAX);
    error.trace_id = bounded(error.trace_id, ID_BYTES_MAX);
    error.remedy = bounded(error.remedy, DETAIL_BYTES_MAX);
    error.pace.truncate(PACES_MAX);
    error
        .pace
        .retain(|pace| paces(std::slice::from_ref(pace)).is_ok());
    error
}

/// Words for people, cut and escaped like those of an error.
pub(crate) fn shown(text: &str) -> String {
    log::escape(text, DETAIL_BYTES_MAX)
}

fn bounded(text: Option<String>, bytes_max: usize) -> Option<String> {
    text.map(|text| log::escape(&text, bytes_max))
}
