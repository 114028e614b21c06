//! What a caller may ask of a key, read strictly: everything that is wrong at once.

use serde_json::Value;
use wharf_core::ChannelId;
use wharf_core::request::FieldError;
use wharf_core::scope::{self, Scope};

const NAME_CHARS_MAX: usize = 100;
const SCOPES_MAX: usize = 50;
const CHANNELS_MAX: usize = 100;
const PER_MINUTE_MAX: u64 = 1_000_000;

/// How long an old key works beside the new one: a day, so that a roll-out over many machines can end.
pub(super) const OVERLAP_DEFAULT_S: u64 = 24 * 3600;
/// A month: longer, and nobody remembers that there are two.
const OVERLAP_MAX_S: u64 = 30 * 24 * 3600;

/// A key to make, as it was asked for.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) scopes: Vec<Scope>,
    pub(super) channels: Option<Vec<ChannelId>>,
    pub(super) expires_at: Option<i64>,
    pub(super) requests_per_minute: Option<u32>,
}

impl Wanted {
    /// Everything that is wrong at once.
    pub(super) fn read(
        body: &Value,
        held: &[Scope],
        known: &[ChannelId],
        now: i64,
    ) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::of(
            body,
            &[
                "name",
                "scopes",
                "channels",
                "expires_at",
                "requests_per_minute",
            ],
        )?;
        let name = fields.read("name", "a text of 1 to 100 characters", |value| {
            let text = value.as_str()?.trim();
            let fits = (1..=NAME_CHARS_MAX).contains(&text.chars().count());
            (fits && !text.contains(char::is_control)).then(|| text.to_owned())
        });
        if name.is_none() && !fields.has("name") {
            fields.wrong("name", "missing", "say what the key is for".to_owned());
        }
        let scopes = fields.scopes(held);
        let channels = fields.channels(known);
        let expires_at = fields.read(
            "expires_at",
            "a time to come, as 2030-01-31T00:00:00Z",
            |value| {
                let at: jiff::Timestamp = value.as_str()?.parse().ok()?;
                Some(at.as_millisecond()).filter(|at| *at > now)
            },
        );
        let per_minute = fields.read(
            "requests_per_minute",
            "a number from 1 to 1000000",
            |value| {
                let rate = value.as_u64()?;
                (1..=PER_MINUTE_MAX)
                    .contains(&rate)
                    .then(|| u32::try_from(rate).ok())?
            },
        );
        match name {
            Some(name) if fields.errors.is_empty() => Ok(Self {
                name,
                scopes,
                channels,
                expires_at,
                requests_per_minute: per_minute,
            }),
            _ => Err(fields.errors),
        }
    }
}

/// `{"overlap_s": 3600}`.
pub(super) fn overlap(body: &Value) -> Result<u64, Vec<FieldError>> {
    let mut fields = Fields::of(body, &["overlap_s"])?;
    let give = format!("seconds from 0 to {OVERLAP_MAX_S}");
    let given = fields.read("overlap_s", &give, |value| {
        value.as_u64().filter(|s| *s <= OVERLAP_MAX_S)
    });
    match fields.errors.is_empty() {
        true => Ok(given.unwrap_or(OVERLAP_DEFAULT_S)),
        false => Err(fields.errors),
    }
}

/// The members of a body, and what is wrong with them.
struct Fields<'v> {
    map: &'v serde_json::Map<String, Value>,
    errors: Vec<FieldError>,
}

impl<'v> Fields<'v> {
    fn of(body: &'v Value, known: &[&str]) -> Result<Self, Vec<FieldError>> {
        let Some(map) = body.as_object() else {
            return Err(vec![FieldError::new(
                "",
                "wrong-type",
                "give a JSON object",
            )]);
        };
        let unknown = map.keys().filter(|name| !known.contains(&name.as_str()));
        let errors = unknown.map(|name| {
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            let detail = format!("not known here; known are {}", known.join(", "));
            FieldError::new(&pointer, "unknown", detail)
        });
        Ok(Self {
            errors: errors.collect(),
            map,
        })
    }

    fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    fn wrong(&mut self, name: &str, code: &'static str, detail: String) {
        self.errors
            .push(FieldError::new(&format!("/{name}"), code, detail));
    }

    /// The member, where it is there and right.
    fn read<T>(&mut self, name: &str, give: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let found = read(self.map.get(name)?);
        if found.is_none() {
            self.wrong(name, "invalid", format!("give {give}"));
        }
        found
    }

    /// A list of texts, not empty.
    fn texts(&mut self, name: &str, count_max: usize) -> Option<Vec<&'v str>> {
        let given = self.map.get(name)?;
        let texts: Option<Vec<_>> = given
            .as_array()
            .filter(|list| (1..=count_max).contains(&list.len()))
            .and_then(|list| list.iter().map(Value::as_str).collect());
        if texts.is_none() {
            self.wrong(
                name,
                "invalid",
                format!("give a list of 1 to {count_max} texts"),
            );
        }
        texts
    }

    /// What the key may do, at most what the caller may.
    fn scopes(&mut self, held: &[Scope]) -> Vec<Scope> {
        let Some(texts) = self.texts("scopes", SCOPES_MAX) else {
            return held.to_vec();
        };
        let mut scopes = Vec::new();
        for (at, text) in texts.into_iter().enumerate() {
            let name = format!("scopes/{at}");
            match text.parse::<Scope>() {
                Err(error) => self.wrong(&name, "invalid", error.to_string()),
                Ok(scope) if !scope::allows(held, &scope) => {
                    let detail = "your own key may not do that, so it cannot be given away";
                    self.wrong(&name, "invalid", detail.to_owned());
                }
                Ok(scope) => scopes.push(scope),
            }
        }
        scopes.sort();
        scopes.dedup();
        scopes
    }

    fn channels(&mut self, known: &[ChannelId]) -> Option<Vec<ChannelId>> {
        let texts = self.texts("channels", CHANNELS_MAX)?;
        let mut channels = Vec::new();
        for (at, text) in texts.into_iter().enumerate() {
            match known.iter().find(|id| id.as_str() == text) {
                Some(id) => channels.push(id.clone()),
                None => {
                    let detail = "the tenant has no such channel".to_owned();
                    self.wrong(&format!("channels/{at}"), "invalid", detail);
                }
            }
        }
        channels.sort();
        channels.dedup();
        Some(channels)
    }
}
