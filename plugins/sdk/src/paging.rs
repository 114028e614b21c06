//! Cutting a large webhook into pages the host can take. Knows the host's output limit, no provider.

use crate::inbound::{Event, Item, Parsed};

/// The host takes this many items a call.
const ITEMS_MAX: u32 = 2_000;
/// The host refuses more than 2 MiB of output; what is left of it covers the estimate's error.
const OUTPUT_BYTES_MAX: usize = 1_536 * 1024;
/// An item's fixed part: about 400 bytes of records, plus its route, pointer and key.
const ITEM_BYTES: usize = 640;
/// Third-party JSON above this is named by its pointer instead of being copied.
const RAW_BYTES_MAX: usize = 256 * 1024;

/// The items of one `parse` call: those from `skip` on, until the page is full.
pub struct Page {
    skip: u32,
    seen: u32,
    bytes: usize,
    items: Vec<Item>,
    next: Option<u32>,
}

impl Page {
    /// Start a page after `skip` items.
    #[must_use]
    pub fn new(skip: u32) -> Self {
        Self {
            skip,
            seen: 0,
            bytes: 0,
            items: Vec::new(),
            next: None,
        }
    }

    /// Offer the next item. It is built only if this page has room for it and it was not on an earlier
    /// one. `size` is how many bytes of the webhook it was read from: what it can at most hold.
    pub fn offer(&mut self, size: usize, build: impl FnOnce() -> Item) {
        let index = self.seen;
        self.seen = self.seen.saturating_add(1);
        if index < self.skip || self.next.is_some() {
            return;
        }
        let bytes = ITEM_BYTES + size.min(OUTPUT_BYTES_MAX);
        let full = self.items.len() >= ITEMS_MAX as usize
            || (!self.items.is_empty() && self.bytes + bytes > OUTPUT_BYTES_MAX);
        if full {
            self.next = Some(index);
            return;
        }
        self.bytes += bytes;
        let mut item = build();
        if size > RAW_BYTES_MAX {
            shorten(&mut item, size);
        }
        self.items.push(item);
    }

    /// Whether further items can only go on a later page.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.next.is_some()
    }

    /// How many items were offered so far.
    #[must_use]
    pub fn seen(&self) -> u32 {
        self.seen
    }

    /// The page and where the next one starts.
    #[must_use]
    pub fn finish(self) -> Parsed {
        Parsed {
            items: self.items,
            next: self.next,
        }
    }
}

/// An atom too large for the host's output limit keeps its identity and its pointer into the stored
/// webhook; only its copy is left out.
fn shorten(item: &mut Item, size: usize) {
    item.event = Event::Other(format!(r#"{{"omitted":"too large","bytes":{size}}}"#));
}
