//! Twilio's two ways of writing a time, and the day that its filters take. UTC, no leap seconds.

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAY_S: i64 = 86_400;
/// Years the host takes; earlier ones are before any message.
const YEARS: std::ops::RangeInclusive<i64> = 1970..=9999;

/// `Fri, 24 May 2019 17:18:27 +0000` in milliseconds since the epoch.
pub(crate) fn of_rfc2822(text: &str) -> Option<u64> {
    let text = text.split_once(',').map_or(text, |(_, rest)| rest);
    let mut words = text.split_ascii_whitespace();
    let day = number(words.next()?)?;
    let month = words.next()?;
    let month = MONTHS
        .iter()
        .position(|name| name.eq_ignore_ascii_case(month))?;
    let year = number(words.next()?)?;
    let seconds = clock(words.next()?)?;
    let offset_s = offset(words.next().unwrap_or("+0000"))?;
    let month = i64::try_from(month).ok()? + 1;
    at(year, month, day, seconds.0, offset_s, 0)
}

/// `2015-07-30T19:00:00Z`, also with a fraction or an offset.
pub(crate) fn of_iso(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', ' '])?;
    let mut parts = date.split('-');
    let (year, month, day) = (
        number(parts.next()?)?,
        number(parts.next()?)?,
        number(parts.next()?)?,
    );
    let end = time
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.')))
        .unwrap_or(time.len());
    let (clock_text, zone) = time.split_at_checked(end)?;
    let offset_s = match zone.trim() {
        "" | "Z" | "z" => 0,
        zone => offset(zone)?,
    };
    let (seconds, millis) = clock(clock_text)?;
    at(year, month, day, seconds, offset_s, millis)
}

/// `2019-05-24` of a moment.
pub(crate) fn day(at_ms: u64) -> String {
    let days = i64::try_from(at_ms / 1_000).unwrap_or(0) / DAY_S;
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

fn at(year: i64, month: i64, day: i64, clock_s: i64, offset_s: i64, millis: i64) -> Option<u64> {
    if !YEARS.contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let seconds = days(year, month, day) * DAY_S + clock_s - offset_s;
    u64::try_from(seconds * 1_000 + millis).ok()
}

/// `17:18:27.5` in seconds and milliseconds.
fn clock(text: &str) -> Option<(i64, i64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let (hours, minutes) = (number(parts.next()?)?, number(parts.next()?)?);
    let seconds = parts.next().map_or(Some(0), number)?;
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let mut millis = 0;
    for index in 0..3 {
        let digit = fraction.as_bytes().get(index).copied().unwrap_or(b'0');
        millis = millis * 10 + i64::from(digit.checked_sub(b'0').filter(|it| *it <= 9)?);
    }
    Some((hours * 3_600 + minutes * 60 + seconds, millis))
}

/// `+0200`, `-05:00`, `GMT`.
fn offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return matches!(text, "GMT" | "UTC" | "Z").then_some(0),
    };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let value = number(&digits)?;
    let (hours, minutes) = (value / 100, value % 100);
    (digits.len() == 4 && hours <= 14 && minutes <= 59)
        .then_some(sign * (hours * 3_600 + minutes * 60))
}

/// A few digits: nothing that could overflow what is made of it.
fn number(text: &str) -> Option<i64> {
    let fits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

/// Days since the epoch of a date of the proleptic Gregorian calendar. Years are counted from March, so that
/// the leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

/// The date of a day since the epoch: the inverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = year + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_writing_are_read() {
        for (text, at) in [
            ("Fri, 24 May 2019 17:18:27 +0000", 1_558_718_307_000),
            ("Thu, 30 Jul 2015 20:00:00 +0000", 1_438_286_400_000),
            ("24 May 2019 19:18:27 +0200", 1_558_718_307_000),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thu, 29 Feb 2024 23:59:59 -0030", 1_709_252_999_000),
        ] {
            assert_eq!(of_rfc2822(text), Some(at), "{text}");
        }
        for (text, at) in [
            ("2015-07-30T19:00:00Z", 1_438_282_800_000),
            ("2026-09-21T12:00:00.123+02:00", 1_789_984_800_123),
            ("2026-09-21T10:00:00.1Z", 1_789_984_800_100),
            ("2025-05-29T18:21:32Z", 1_748_542_892_000),
        ] {
            assert_eq!(of_iso(text), Some(at), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "soon",
            "Fri, 24 Foo 2019 17:18:27 +0000",
            "Fri, 24 May 2019",
            "1 Jan 99999 0:0:0 +0000",
            "32 May 2019 17:18:27 +0000",
            "24 May 2019 25:18:27 +0000",
            "1 Jan 1970 00:00:00 +0100",
            "24 May 2019 17:18:27 EST",
        ] {
            assert_eq!(of_rfc2822(text), None, "{text}");
        }
        for text in [
            "",
            "2019",
            "2019-05-24",
            "2019-05-24T",
            "2019-13-24T00:00:00Z",
            "-1-1-1T0:0Z",
            "\u{e9}T\u{e9}",
        ] {
            assert_eq!(of_iso(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_is_written_as_the_filter_takes_it() {
        for (at, text) in [
            (0, "1970-01-01"),
            (1_558_718_307_000, "2019-05-24"),
            (1_709_164_800_000, "2024-02-29"),
            (1_709_251_200_000, "2024-03-01"),
            (1_735_689_599_999, "2024-12-31"),
        ] {
            assert_eq!(day(at), text);
        }
    }
}
