//! The simple surface's requests: flat fields in, a `/v1` message out. Everything is checked as that message,
//! and what is wrong is named as the caller wrote it.

use serde_json::{Map, Value, json};

use super::{FieldError, MessageRequest, parse_message};

/// What a path of the simple surface sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimpleKind {
    Text,
    Template,
    Image,
    Document,
    Audio,
    Video,
    Location,
    Buttons,
    List,
}

impl SimpleKind {
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::Template,
        Self::Image,
        Self::Document,
        Self::Audio,
        Self::Video,
        Self::Location,
        Self::Buttons,
        Self::List,
    ];

    /// The last part of its path.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Template => "template",
            Self::Image => "image",
            Self::Document => "document",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Location => "location",
            Self::Buttons => "buttons",
            Self::List => "list",
        }
    }

    /// The `/v1` type it stands for.
    fn kind(self) -> &'static str {
        match self {
            Self::Buttons | Self::List => "interactive",
            other => other.as_str(),
        }
    }
}

/// Other names of `to` that callers bring along from older gateways.
const RECIPIENT_ALIASES: [&str; 2] = ["phone", "recipient_phone"];

/// Reads the simple fields of a kind, or a whole `/v1` message of it.
pub fn parse_simple(kind: SimpleKind, body: &Value) -> Result<MessageRequest, Vec<FieldError>> {
    let Some(given) = body.as_object() else {
        return parse_message(body);
    };
    let mut fields = Fields {
        rest: given.clone(),
        renamed: Vec::new(),
    };
    fields.recipient();
    let whole = fields.rest.contains_key(kind.kind()) || is_of_another_type(kind, &fields.rest);
    if !whole {
        fields.build(kind);
    }
    fields.rest.entry("type").or_insert(kind.kind().into());
    let Fields { rest, renamed } = fields;
    let read = parse_message(&Value::Object(rest));
    let request = read.map_err(|errors| {
        let as_sent = |error| as_sent(error, &renamed);
        errors.into_iter().map(as_sent).collect::<Vec<_>>()
    })?;
    if request.content.kind() != kind.kind() {
        let detail = format!(
            "this path sends {}; use /v1/messages for others",
            kind.as_str()
        );
        return Err(vec![FieldError::new("/type", "invalid", detail)]);
    }
    Ok(request)
}

/// What says itself to be something else is read as that, and refused as that.
fn is_of_another_type(kind: SimpleKind, given: &Map<String, Value>) -> bool {
    given
        .get("type")
        .is_some_and(|named| named.as_str() != Some(kind.kind()))
}

/// The caller's words for a place of the `/v1` message: a whole pointer, or the beginning of one.
fn as_sent(mut error: FieldError, renamed: &[(String, String)]) -> FieldError {
    let found = renamed
        .iter()
        .filter(|(ours, _)| {
            error
                .pointer
                .strip_prefix(ours.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
        .max_by_key(|(ours, _)| ours.len());
    if let Some((ours, theirs)) = found {
        error.pointer = format!("{theirs}{}", &error.pointer[ours.len()..]);
    }
    error
}

/// A request on its way from flat fields to a `/v1` message.
struct Fields {
    rest: Map<String, Value>,
    /// Pointers of the message, and what the caller called them.
    renamed: Vec<(String, String)>,
}

impl Fields {
    fn renamed(&mut self, ours: impl Into<String>, theirs: impl Into<String>) {
        self.renamed.push((ours.into(), theirs.into()));
    }

    fn recipient(&mut self) {
        for alias in RECIPIENT_ALIASES {
            if !self.rest.contains_key("to")
                && let Some(value) = self.rest.remove(alias)
            {
                self.renamed("/to", format!("/{alias}"));
                self.rest.insert("to".to_owned(), value);
            }
        }
    }

    fn build(&mut self, kind: SimpleKind) {
        let content = match kind {
            SimpleKind::Text => self.moved(
                "/text",
                &[("body", "message"), ("preview_url", "preview_url")],
            ),
            SimpleKind::Location => {
                let same = ["latitude", "longitude", "name", "address"];
                self.moved("/location", &same.map(|name| (name, name)))
            }
            SimpleKind::Image | SimpleKind::Document | SimpleKind::Audio | SimpleKind::Video => {
                let at = format!("/{}", kind.kind());
                // What is missing is the link, mostly.
                self.renamed(at.clone(), "/link");
                let same = ["id", "link", "caption", "filename", "voice"];
                self.moved(&at, &same.map(|name| (name, name)))
            }
            SimpleKind::Template => self.template(),
            SimpleKind::Buttons => self.buttons(),
            SimpleKind::List => self.list(),
        };
        self.rest.insert(kind.kind().to_owned(), content);
    }

    /// The object of these members, each taken from the field of the second name.
    fn moved(&mut self, at: &str, members: &[(&str, &str)]) -> Value {
        let mut content = Map::new();
        for (member, field) in members {
            self.renamed(format!("{at}/{member}"), format!("/{field}"));
            if let Some(value) = self.rest.remove(*field) {
                content.insert((*member).to_owned(), value);
            }
        }
        Value::Object(content)
    }

    /// `{"name", "language": "en_US", "parameters": ["Ada"] or {"who": "Ada"}}`, or `components` as `/v1` has
    /// them.
    fn template(&mut self) -> Value {
        let same = ["name", "id", "components"].map(|name| (name, name));
        let mut content = self.moved("/template", &same);
        if let Some(language) = self.rest.remove("language") {
            self.renamed("/template/language/code", "/language");
            content["language"] = match language {
                Value::Object(_) => language,
                code => json!({ "code": code }),
            };
        }
        self.renamed("/template/language", "/language");
        // Beside `components` it would be left open which of them fill the body: refused as unknown.
        if content.get("components").is_none()
            && let Some(given) = self.rest.remove("parameters")
        {
            self.renamed("/template/components", "/parameters");
            let parameters = self.parameters(given);
            content["components"] = json!([{ "type": "body", "parameters": parameters }]);
        }
        content
    }

    fn parameters(&mut self, given: Value) -> Value {
        let at = "/template/components/0/parameters";
        self.renamed(at, "/parameters");
        let named: Vec<(String, Value)> = match given {
            Value::Array(texts) => {
                let filled = texts.into_iter().enumerate();
                let parameter = |(number, text): (usize, Value)| {
                    (number.to_string(), json!({ "type": "text", "text": text }))
                };
                filled.map(parameter).collect()
            }
            Value::Object(texts) => {
                let parameter = |(name, text): (String, Value)| {
                    let parameter = json!({ "type": "text", "parameter_name": name, "text": text });
                    (name.replace('~', "~0").replace('/', "~1"), parameter)
                };
                texts.into_iter().map(parameter).collect()
            }
            other => return other,
        };
        for (number, (name, _)) in named.iter().enumerate() {
            for member in ["text", "parameter_name"] {
                self.renamed(
                    format!("{at}/{number}/{member}"),
                    format!("/parameters/{name}"),
                );
            }
        }
        named.into_iter().map(|(_, parameter)| parameter).collect()
    }

    /// What stands around an action: `message`, `header` and `footer` as texts.
    fn around(&mut self, kind: &str) -> Map<String, Value> {
        let mut content = Map::new();
        content.insert("type".to_owned(), kind.into());
        self.renamed("/interactive/body", "/message");
        self.renamed("/interactive/body/text", "/message");
        if let Some(message) = self.rest.remove("message") {
            content.insert("body".to_owned(), json!({ "text": message }));
        }
        if let Some(footer) = self.rest.remove("footer") {
            self.renamed("/interactive/footer/text", "/footer");
            content.insert("footer".to_owned(), json!({ "text": footer }));
        }
        if let Some(header) = self.rest.remove("header") {
            self.renamed("/interactive/header/text", "/header");
            self.renamed("/interactive/header", "/header");
            let header = match header {
                Value::Object(_) => header,
                text => json!({ "type": "text", "text": text }),
            };
            content.insert("header".to_owned(), header);
        }
        content
    }

    /// `{"message", "buttons": [{"id", "title"}]}`.
    fn buttons(&mut self) -> Value {
        let mut content = self.around("button");
        self.renamed("/interactive/action/buttons", "/buttons");
        let mut action = Map::new();
        if let Some(given) = self.rest.remove("buttons") {
            let buttons = match given {
                Value::Array(buttons) => {
                    for number in 0..buttons.len() {
                        self.renamed(
                            format!("/interactive/action/buttons/{number}/reply"),
                            format!("/buttons/{number}"),
                        );
                    }
                    let reply = |button| json!({ "type": "reply", "reply": button });
                    buttons.into_iter().map(reply).collect()
                }
                other => other,
            };
            action.insert("buttons".to_owned(), buttons);
        }
        content.insert("action".to_owned(), Value::Object(action));
        Value::Object(content)
    }

    /// `{"message", "button", "sections": [{"title", "rows"}]}`, or `rows` where one section does.
    fn list(&mut self) -> Value {
        let mut content = self.around("list");
        let same = ["button", "sections"].map(|name| (name, name));
        let mut action = self.moved("/interactive/action", &same);
        if action.get("sections").is_none()
            && let Some(rows) = self.rest.remove("rows")
        {
            self.renamed("/interactive/action/sections/0/rows", "/rows");
            action["sections"] = json!([{ "rows": rows }]);
        }
        content.insert("action".to_owned(), action);
        Value::Object(content)
    }
}
