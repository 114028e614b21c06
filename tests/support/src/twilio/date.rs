//! Dates as Twilio writes and reads them: RFC 2822 in 2010-04-01, ISO 8601 elsewhere.

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

fn timestamp(at_ms: u64) -> Timestamp {
    let at_ms = i64::try_from(at_ms).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::MAX)
}

/// `Thu, 24 Aug 2023 05:01:45 +0000`.
pub(crate) fn rfc2822(at_ms: u64) -> String {
    timestamp(at_ms)
        .strftime("%a, %d %b %Y %H:%M:%S +0000")
        .to_string()
}

/// `2015-07-30T19:00:00Z`.
pub(crate) fn iso8601(at_ms: u64) -> String {
    timestamp(at_ms).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Which first and last millisecond a filter means: a whole day, or a moment.
pub(crate) fn span_of(text: &str) -> Option<(u64, u64)> {
    let millis = |at: Timestamp| u64::try_from(at.as_millisecond()).ok();
    if text.len() == "2008-01-02".len() {
        let day: Date = text.parse().ok()?;
        let start = millis(day.to_zoned(TimeZone::UTC).ok()?.timestamp())?;
        return Some((start, start + 24 * 60 * 60 * 1000 - 1));
    }
    let at = millis(text.parse::<Timestamp>().ok()?)?;
    Some((at, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_the_forms_of_the_documents_examples() {
        let at_ms = 1_692_853_305_000;
        assert_eq!(rfc2822(at_ms), "Thu, 24 Aug 2023 05:01:45 +0000");
        assert_eq!(iso8601(at_ms), "2023-08-24T05:01:45Z");
        assert_eq!(
            span_of("2023-08-24"),
            Some((1_692_835_200_000, 1_692_921_599_999))
        );
        assert_eq!(span_of("2023-08-24T05:01:45Z"), Some((at_ms, at_ms)));
        assert_eq!(span_of("24.08.2023"), None);
        assert_eq!(span_of("2023-13-24"), None);
    }
}
