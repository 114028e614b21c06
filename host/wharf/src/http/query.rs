//! Query strings, read strictly: what is not known would change what is asked for if it were skipped.

use wharf_core::Code;
use wharf_core::request::FieldError;

use super::Problem;

/// Things on one page, when the caller does not say and at most.
pub(super) const PAGE_DEFAULT: usize = 50;
pub(super) const PAGE_MAX: usize = 200;

/// A query string whose every parameter must be known and given once.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn read(raw: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let mut errors = Vec::new();
        for (i, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                errors.push(format!(
                    "{name} is not known here; known are {}",
                    known.join(", ")
                ));
            } else if pairs[..i].iter().any(|(earlier, _)| earlier == name) {
                errors.push(format!("{name} is given twice"));
            }
        }
        if errors.is_empty() {
            return Ok(Self(pairs));
        }
        let errors = errors
            .into_iter()
            .map(|detail| FieldError {
                pointer: String::new(),
                code: "unknown",
                detail,
            })
            .collect();
        Err(Problem::new(Code::InvalidQuery).errors(errors))
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// How many a page has: `limit`.
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.value("limit") else {
            return Ok(PAGE_DEFAULT);
        };
        let limit = text.parse().ok().filter(|n| (1..=PAGE_MAX).contains(n));
        limit.ok_or_else(|| wrong("limit", format!("a number from 1 to {PAGE_MAX}")))
    }

    /// A time: Unix milliseconds.
    pub(super) fn time(&self, name: &str) -> Result<Option<i64>, Problem> {
        self.parsed(
            name,
            "a time as 2026-01-31T12:00:00Z (a + in it is written %2B)",
            |text| {
                let at: jiff::Timestamp = text.parse().ok()?;
                Some(at.as_millisecond()).filter(|ms| *ms >= 0)
            },
        )
    }

    /// The parameter, where it is there and right.
    pub(super) fn parsed<T>(
        &self,
        name: &str,
        is: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.value(name) else {
            return Ok(None);
        };
        read(text)
            .map(Some)
            .ok_or_else(|| wrong(name, is.to_owned()))
    }
}

fn wrong(name: &str, is: String) -> Problem {
    Problem::new(Code::InvalidQuery).detail(format!("{name} is {is}"))
}
