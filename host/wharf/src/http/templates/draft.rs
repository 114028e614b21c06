//! A template that is to be made, as a request describes it.

use serde_json::{Map, Value};
use wharf_core::provider::{Json as Document, MediaRef, TemplateDraft};
use wharf_core::request::FieldError;
use wharf_core::{ChannelId, Code, MediaId, TenantId};
use wharf_store::{Conn, media};

use crate::http::Problem;

/// Longer than any provider takes; the plugin knows its own limits.
const NAME_CHARS_MAX: usize = 512;
const LANGUAGE_CHARS_MAX: usize = 64;
/// Example media of one template: a carousel has ten cards.
const EXAMPLES_MAX: usize = 32;
/// Members that stand beside the components.
const BESIDE: [&str; 4] = [
    "parameter_format",
    "message_send_ttl_seconds",
    "allow_category_change",
    "cta_url_link_tracking_opted_out",
];

/// A template to be made, read strictly: a misspelt member would be lost in silence.
pub(super) struct Draft<'a> {
    object: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

impl<'a> Draft<'a> {
    pub(super) async fn read(
        conn: &mut Conn,
        tenant: &TenantId,
        document: &'a Value,
        now: i64,
    ) -> Result<(Option<ChannelId>, TemplateDraft), Problem> {
        let invalid = |errors| Problem::new(Code::InvalidRequest).errors(errors);
        let Some(object) = document.as_object() else {
            let detail = "the body is one JSON object";
            return Err(invalid(vec![FieldError::new("", "invalid", detail)]));
        };
        let mut draft = Self {
            object,
            errors: Vec::new(),
        };
        draft.only_known();
        let channel = match object.get("channel") {
            None => None,
            Some(_) => draft.text("channel", NAME_CHARS_MAX).and_then(|text| {
                text.parse()
                    .ok()
                    .or_else(|| draft.refuse("/channel", "is no channel's name"))
            }),
        };
        let name = draft.text("name", NAME_CHARS_MAX);
        let language = draft.text("language", LANGUAGE_CHARS_MAX);
        let category = draft.text("category", LANGUAGE_CHARS_MAX);
        let definition = draft.definition();
        let examples = draft.examples(conn, tenant, now).await?;
        match (name, language, category, definition) {
            (Some(name), Some(language), Some(category), Some(definition))
                if draft.errors.is_empty() =>
            {
                let draft = TemplateDraft {
                    name,
                    language,
                    category,
                    definition: Document::from(definition),
                    examples,
                };
                Ok((channel, draft))
            }
            _ => Err(invalid(draft.errors)),
        }
    }

    fn refuse<T>(&mut self, pointer: &str, detail: &str) -> Option<T> {
        self.errors
            .push(FieldError::new(pointer, "invalid", detail));
        None
    }

    fn only_known(&mut self) {
        const KNOWN: [&str; 6] = [
            "channel",
            "name",
            "language",
            "category",
            "components",
            "examples",
        ];
        let object = self.object;
        for name in object.keys() {
            if !KNOWN.contains(&name.as_str()) && !BESIDE.contains(&name.as_str()) {
                let known = [&KNOWN[..], &BESIDE[..]].concat().join(", ");
                let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                let detail = format!("is not known here; known are {known}");
                self.errors
                    .push(FieldError::new(&pointer, "unknown", detail));
            }
        }
    }

    fn text(&mut self, name: &str, chars_max: usize) -> Option<String> {
        let pointer = format!("/{name}");
        match self.object.get(name) {
            Some(Value::String(text)) if (1..=chars_max).contains(&text.chars().count()) => {
                Some(text.clone())
            }
            Some(_) => self.refuse(
                &pointer,
                &format!("is a text of 1 to {chars_max} characters"),
            ),
            None => {
                let detail = format!("give `{name}`");
                self.errors
                    .push(FieldError::new(&pointer, "missing", detail));
                None
            }
        }
    }

    /// The components alone, or an object where something stands beside them.
    fn definition(&mut self) -> Option<Value> {
        let components = match self.object.get("components") {
            Some(Value::Array(components)) if !components.is_empty() => components.clone(),
            Some(_) => return self.refuse("/components", "is a list of at least one component"),
            None => {
                let detail = "give `components` as the Cloud API has them";
                self.errors
                    .push(FieldError::new("/components", "missing", detail));
                return None;
            }
        };
        let beside: Map<String, Value> = BESIDE
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.object.get(*name)?.clone())))
            .collect();
        if beside.is_empty() {
            return Some(Value::Array(components));
        }
        let mut definition = beside;
        definition.insert("components".to_owned(), Value::Array(components));
        Some(Value::Object(definition))
    }

    /// Stored objects and their places in the components: `[{"pointer": "/0/example/...", "media": "med_..."}]`.
    async fn examples(
        &mut self,
        conn: &mut Conn,
        tenant: &TenantId,
        now: i64,
    ) -> Result<Vec<(String, MediaRef)>, Problem> {
        let given = match self.object.get("examples") {
            None => return Ok(Vec::new()),
            Some(Value::Array(given)) if given.len() <= EXAMPLES_MAX => given,
            Some(_) => {
                let detail = format!("is a list of at most {EXAMPLES_MAX} pointers and objects");
                self.refuse::<()>("/examples", &detail);
                return Ok(Vec::new());
            }
        };
        let mut examples = Vec::new();
        for (at, example) in given.iter().enumerate() {
            let pointer = example["pointer"]
                .as_str()
                .filter(|text| text.starts_with('/'));
            let id = example["media"]
                .as_str()
                .and_then(|id| id.parse::<MediaId>().ok());
            let row = match id {
                Some(id) => media::get(conn, tenant, id, now).await?,
                None => None,
            };
            match (pointer, row) {
                (Some(pointer), Some(row)) => examples.push((
                    pointer.to_owned(),
                    MediaRef {
                        handle: row.id.to_string(),
                        content_type: row.content_type,
                        size: row.size_bytes,
                        sha256: hex::decode(&row.sha256).unwrap_or_default(),
                        filename: row.filename,
                    },
                )),
                _ => {
                    let detail = "has `pointer`, a place in the definition, and `media`, a stored object; POST /v1/media stores one";
                    self.refuse::<()>(&format!("/examples/{at}"), detail);
                }
            }
        }
        Ok(examples)
    }
}
