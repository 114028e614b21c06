//! Message templates as the Cloud API writes them: what is created, and what a list shows. Where the calls
//! go is each provider's own.

mod limits;
mod place;

use serde_json::{Map, Value};
use wharf_plugin::prelude::{Error, Replay};
use wharf_plugin::templates::{Create, Entry};

use wharf_plugin::document;

pub use place::put;

/// Members of a definition that stand beside the components in a request.
/// https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/
const BESIDE: [&str; 4] = [
    "parameter_format",
    "message_send_ttl_seconds",
    "allow_category_change",
    "cta_url_link_tracking_opted_out",
];
/// The members that a list is asked for.
pub const FIELDS: &str = "id,name,language,status,category,components,previous_category,quality_score,rejected_reason,parameter_format";
/// Where the gateway needs a word and the provider has none.
const UNKNOWN: &str = "UNKNOWN";

/// A draft whose form and limits are right.
pub struct Draft {
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    pub category: String,
    /// The draft's definition: an array of components, or an object that has them.
    definition: Value,
}

impl Draft {
    /// Checks a draft. Example media are not in it yet: [`Draft::put_example`] puts them in.
    ///
    /// # Errors
    /// The first limit it breaks, by its name.
    pub fn read(draft: &Create) -> Result<Self, Error> {
        limits::name(&draft.name)?;
        limits::language(&draft.language)?;
        let category = limits::category(&draft.category)?;
        let definition: Value = serde_json::from_str(&draft.definition).map_err(|problem| {
            invalid(format!("the template's definition is not JSON: {problem}"))
        })?;
        let read = Self {
            category,
            definition,
        };
        let components = read.components().and_then(Value::as_array);
        let Some(components) = components.filter(|components| !components.is_empty()) else {
            return Err(invalid(
                "the template's definition has no components; it is an array of them, or an object with the member `components`",
            ));
        };
        limits::components(components, &read.category)?;
        let mut places = Self {
            category: String::new(),
            definition: read.definition.clone(),
        };
        for (pointer, _) in &draft.examples {
            places.put_example(pointer, "")?;
        }
        Ok(read)
    }

    /// Puts the handle of an uploaded example where the draft wants it. `pointer` is RFC 6901 into the
    /// definition; missing levels are made.
    ///
    /// # Errors
    /// When the pointer leads nowhere that a value can stand.
    pub fn put_example(&mut self, pointer: &str, handle: &str) -> Result<(), Error> {
        if put(&mut self.definition, pointer, Value::from(handle)) {
            return Ok(());
        }
        Err(invalid(format!(
            "the place of an example, {pointer}, is none in the template's definition"
        )))
    }

    fn components(&self) -> Option<&Value> {
        match &self.definition {
            Value::Array(_) => Some(&self.definition),
            definition => definition.get("components"),
        }
    }

    /// What is posted to create it.
    #[must_use]
    pub fn creation(&self, draft: &Create) -> String {
        let mut document = self.content();
        document.insert("name".to_owned(), Value::from(draft.name.as_str()));
        document.insert("language".to_owned(), Value::from(draft.language.as_str()));
        document.insert("category".to_owned(), Value::from(self.category.as_str()));
        Value::Object(document).to_string()
    }

    /// What is posted to change the template that is there. Name and language cannot change, and the
    /// category of an approved template neither: it is named only where it differs.
    #[must_use]
    pub fn change(&self, category_now: &str) -> String {
        let mut document = self.content();
        document.remove("allow_category_change");
        if !category_now.eq_ignore_ascii_case(&self.category) {
            document.insert("category".to_owned(), Value::from(self.category.as_str()));
        }
        Value::Object(document).to_string()
    }

    /// The components and what stands beside them.
    fn content(&self) -> Map<String, Value> {
        let mut document = Map::new();
        for name in BESIDE {
            if let Some(value) = self.definition.get(name).filter(|value| !value.is_null()) {
                document.insert(name.to_owned(), value.clone());
            }
        }
        let components = self.components().cloned().unwrap_or_default();
        document.insert("components".to_owned(), components);
        document
    }

    /// The entry that a creation led to: the answer's words where it has them, the draft's elsewhere.
    #[must_use]
    pub fn created(&self, draft: &Create, answer: &Value) -> Entry {
        let answered = |name: &str| text(&answer[name]);
        Entry {
            id: answered("id"),
            name: answered("name").unwrap_or_else(|| draft.name.clone()),
            language: answered("language").unwrap_or_else(|| draft.language.clone()),
            category: answered("category").unwrap_or_else(|| self.category.clone()),
            status: answered("status").unwrap_or_else(|| "PENDING".to_owned()),
            quality: None,
            reason: reason(answer),
            definition: self
                .components()
                .map_or_else(|| "[]".to_owned(), Value::to_string),
        }
    }
}

/// The templates of one page, each read by `entry`.
///
/// # Errors
/// When there are more of them than the host takes as one page, which is more than was asked for.
pub fn entries(
    listed: &[Value],
    entry: impl FnMut(&Value) -> Option<Entry>,
) -> Result<Vec<Entry>, Error> {
    /// The host's limit; Meta gives as many at most.
    const PAGE_MAX: usize = 1000;
    if listed.len() > PAGE_MAX {
        return Err(Error::malformed(
            format!(
                "a page of {} templates, at most {PAGE_MAX} are taken",
                listed.len()
            ),
            Replay::Safe,
        ));
    }
    Ok(listed.iter().filter_map(entry).collect())
}

/// One template of a list. None for what has no name or language: nothing could be sent with it.
#[must_use]
pub fn entry(template: &Value) -> Option<Entry> {
    let word = |name: &str| text(&template[name]);
    let quality = match &template["quality_score"] {
        Value::Object(score) => score.get("score").and_then(text),
        score => text(score),
    };
    Some(Entry {
        id: word("id"),
        name: word("name")?,
        language: word("language")?,
        category: word("category").unwrap_or_else(|| UNKNOWN.to_owned()),
        status: word("status").unwrap_or_else(|| UNKNOWN.to_owned()),
        quality,
        reason: reason(template),
        definition: match &template["components"] {
            Value::Null => "[]".to_owned(),
            components => document(&components.to_string()),
        },
    })
}

/// A template's name as it may stand in a request.
///
/// # Errors
/// When it is none.
pub fn checked_name(name: &str) -> Result<&str, Error> {
    limits::name(name).map(|()| name)
}

fn reason(template: &Value) -> Option<String> {
    text(&template["rejected_reason"]).filter(|reason| !reason.eq_ignore_ascii_case("none"))
}

/// A text, or a number's digits. Empty, too long for the gateway or of several lines: none.
fn text(value: &Value) -> Option<String> {
    /// The host's limit for a template's words is 255 bytes, for its name and id 512.
    const BYTES_MAX: usize = 255;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
    .map(|text| text.chars().filter(|char| !char.is_control()).collect())
    .filter(|text: &String| !text.is_empty())
    .map(|text| {
        match text
            .char_indices()
            .find(|(at, char)| at + char.len_utf8() > BYTES_MAX)
        {
            Some((cut, _)) => text.get(..cut).unwrap_or_default().to_owned(),
            None => text,
        }
    })
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::invalid(detail).remedy("Correct the template, then send it again.")
}
