//! Cutting a large webhook into pages the host can take. Knows the host's output limit, no provider.

use crate::fingerprint::fingerprint;
use crate::inbound::{Event, Item, Parsed, Route};

/// The host takes this many items a call.
const ITEMS_MAX: u32 = 2_000;
/// The host refuses more than 2 MiB of output; what is left of it covers the estimate's error.
const OUTPUT_BYTES_MAX: usize = 1_536 * 1024;
/// An item's fixed part: about 400 bytes of records, plus its route, pointer and key.
const ITEM_BYTES: usize = 640;
/// Third-party JSON above this is named by its pointer instead of being copied.
const RAW_BYTES_MAX: usize = 256 * 1024;
/// The host refuses longer keys and ids, and with one of them the whole page.
const KEY_BYTES_MAX: usize = 256;

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
        bound_ids(&mut item);
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

/// No provider's ids are this long; a strange one must not cost the items beside it.
fn bound_ids(item: &mut Item) {
    if item.dedupe_key.len() > KEY_BYTES_MAX {
        item.dedupe_key = fingerprint(&[&item.dedupe_key]);
    }
    if let Route::Sender(id) | Route::Account(id) = &item.route
        && (id.is_empty() || id.len() > KEY_BYTES_MAX)
    {
        item.route = Route::App;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(number: u32) -> Item {
        Item {
            route: Route::App,
            pointer: None,
            dedupe_key: number.to_string(),
            event: Event::Other("{}".to_owned()),
        }
    }

    /// All pages of `count` items of `size` bytes, as the host asks for them.
    fn pages(count: u32, size: usize) -> Vec<Vec<Item>> {
        let mut pages = Vec::new();
        let mut skip = 0;
        loop {
            let mut page = Page::new(skip);
            for number in 0..count {
                page.offer(size, || item(number));
            }
            let parsed = page.finish();
            pages.push(parsed.items);
            match parsed.next {
                Some(next) => {
                    assert!(next > skip, "each page must go forward");
                    skip = next;
                }
                None => return pages,
            }
        }
    }

    #[test]
    fn every_item_is_on_exactly_one_page_whatever_their_number() {
        for count in [0, 1, 1_999, 2_000, 2_001, 4_500] {
            let pages = pages(count, 10);
            assert!(pages.iter().all(|page| page.len() <= 2_000));
            let keys: Vec<String> = pages
                .iter()
                .flatten()
                .map(|item| item.dedupe_key.clone())
                .collect();
            let expected: Vec<String> = (0..count).map(|number| number.to_string()).collect();
            assert_eq!(keys, expected);
        }
    }

    #[test]
    fn large_items_make_short_pages_below_the_hosts_output_limit() {
        let pages = pages(30, 200 * 1024);
        assert_eq!(pages.iter().map(Vec::len).sum::<usize>(), 30);
        assert!(
            pages.iter().all(|page| page.len() <= 7),
            "7 * 200 KiB is what fits"
        );
    }

    #[test]
    fn an_item_beyond_the_limit_keeps_its_identity_but_not_its_copy() {
        let pages = pages(1, 3_000_000);
        let [page] = pages.as_slice() else {
            panic!("one page")
        };
        assert_eq!(page[0].dedupe_key, "0");
        assert_eq!(
            page[0].event,
            Event::Other(r#"{"omitted":"too large","bytes":3000000}"#.to_owned())
        );
    }

    #[test]
    fn ids_that_the_host_would_refuse_are_shortened() {
        let long = "x".repeat(600);
        let mut page = Page::new(0);
        for route in [Route::Sender(long.clone()), Route::Account(String::new())] {
            page.offer(1_000, || Item {
                route,
                dedupe_key: long.clone(),
                ..item(0)
            });
        }
        for item in page.finish().items {
            assert_eq!(item.route, Route::App);
            assert_eq!(item.dedupe_key.len(), 32);
        }
    }
}
