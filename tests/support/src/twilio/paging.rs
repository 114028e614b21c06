//! Pages of a list in Twilio's two forms: `next_page_uri` of 2010-04-01, and `meta` of the newer APIs.

use serde_json::{Value, json};

use super::error::TwilioError;
use super::parameters::Form;

const PAGE_SIZE_DEFAULT: u64 = 50;

/// A part of a list.
pub(crate) struct Page {
    items: Vec<Value>,
    number: u64,
    size: u64,
    start: usize,
    /// Goes into the next page's address.
    next_token: Option<String>,
}

impl Page {
    /// Cuts the page out that the query names; the token is the sid that the page before ended with.
    pub(crate) fn of(query: &Form, all: &[(String, Value)]) -> Result<Self, TwilioError> {
        let size = query.whole("PageSize").unwrap_or(PAGE_SIZE_DEFAULT);
        let number = query.whole("Page").unwrap_or(0);
        let start = match query.get("PageToken") {
            // What the page before ended with may have been deleted since.
            Some(token) => token
                .strip_prefix("PA")
                .and_then(|sid| all.iter().position(|(known, _)| known == sid))
                .map(|at| at + 1)
                .ok_or_else(|| TwilioError::invalid("unknown PageToken"))?,
            None if number > 0 => {
                return Err(TwilioError::invalid(
                    "pages after the first need the PageToken that the page before gave",
                ));
            }
            None => 0,
        };
        let size_max = usize::try_from(size).unwrap_or(usize::MAX);
        let items: Vec<_> = all.iter().skip(start).take(size_max).collect();
        let is_last = start + items.len() >= all.len();
        Ok(Self {
            next_token: items
                .last()
                .filter(|_| !is_last)
                .map(|(sid, _)| format!("PA{sid}")),
            items: items.into_iter().map(|(_, item)| item.clone()).collect(),
            number,
            size,
            start,
        })
    }

    fn address(&self, base: &str, query: &Form, number: u64, token: Option<&str>) -> String {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        let is_filter = |name: &str| !["Page", "PageSize", "PageToken"].contains(&name);
        for (name, value) in query.0.iter().filter(|pair| is_filter(&pair.0)) {
            pairs.append_pair(name, value);
        }
        pairs.append_pair("PageSize", &self.size.to_string());
        pairs.append_pair("Page", &number.to_string());
        if let Some(token) = token {
            pairs.append_pair("PageToken", token);
        }
        format!("{base}?{}", pairs.finish())
    }

    fn next(&self, base: &str, query: &Form) -> Option<String> {
        let token = self.next_token.as_deref()?;
        Some(self.address(base, query, self.number + 1, Some(token)))
    }
}

/// `{"KEY": [...], "next_page_uri": ...}`; the addresses are paths.
pub(crate) fn by_uri(path: &str, key: &str, query: &Form, page: &Page) -> Value {
    json!({
        key: page.items,
        "page": page.number,
        "page_size": page.size,
        "start": page.start,
        "end": (page.start + page.items.len()).saturating_sub(1),
        "uri": page.address(path, query, page.number, query.get("PageToken")),
        "first_page_uri": page.address(path, query, 0, None),
        "previous_page_uri": null,
        "next_page_uri": page.next(path, query),
    })
}

/// `{"KEY": [...], "meta": {...}}`; the addresses are whole.
pub(crate) fn by_meta(url: &str, key: &str, query: &Form, page: &Page) -> Value {
    json!({
        key: page.items,
        "meta": {
            "page": page.number,
            "page_size": page.size,
            "first_page_url": page.address(url, query, 0, None),
            "previous_page_url": null,
            "url": page.address(url, query, page.number, query.get("PageToken")),
            "next_page_url": page.next(url, query),
            "key": key,
        },
    })
}
