//! Twilio's error codes in the gateway's words.

use wharf_plugin::prelude::*;

/// One code.
pub(crate) struct Row {
    pub(crate) number: u32,
    pub(crate) code: Code,
    pub(crate) retry: Retry,
    pub(crate) remedy: &'static str,
}

pub(crate) fn find(number: u32) -> Option<&'static Row> {
    let index = ROWS.binary_search_by_key(&number, |row| row.number).ok()?;
    ROWS.get(index)
}

pub(crate) fn error(row: &Row, detail: String) -> Error {
    Error::new(row.code, row.retry, detail).remedy(row.remedy)
}

/// Sorted by number.
const ROWS: &[Row] = &[Row {
    number: 20_003,
    code: Code::AuthFailed,
    retry: Retry::Never,
    remedy: "Check account SID and auth token, or the API key, of this channel.",
}];
