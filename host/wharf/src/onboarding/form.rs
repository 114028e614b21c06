//! What people fill in: the fields of a form, and whether what came fits them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use wharf_core::provider::{Descriptor, FlowInfo, Input, InputKind, Level, Purpose, Question};
use wharf_core::request::FieldError;

use crate::sync::misshapen;

/// As `flows::onboarding` has them for one answer.
const VALUE_BYTES_MAX: usize = 16 * 1024;
const VALUES_MAX: usize = 500;

/// A field, and what may be chosen for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) input: Input,
    /// Found at run time: value and label. Empty for whatever the input allows.
    pub(super) choices: Vec<(String, String)>,
    pub(super) many: bool,
}

/// A question of a flow as it was asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Prompt {
    pub(super) title: String,
    pub(super) asked: Vec<Asked>,
}

impl Prompt {
    pub(super) fn of(
        descriptor: &Descriptor,
        flow: &FlowInfo,
        title: String,
        questions: Vec<Question>,
    ) -> Self {
        let asked = questions.into_iter().filter_map(|question| {
            let mut own = flow.inputs.iter().chain(&descriptor.inputs);
            let mut input = own.find(|input| input.name == question.input)?.clone();
            // The flow says itself what it cannot do without.
            input.required = false;
            Some(Asked {
                input,
                choices: question.choices,
                many: question.many,
            })
        });
        Self {
            title,
            asked: asked.collect(),
        }
    }

    pub(super) fn view(&self) -> Value {
        let fields: Vec<_> = self.asked.iter().map(field).collect();
        json!({ "title": self.title, "fields": fields })
    }
}

/// What a flow may be begun with, the required ones marked: its own inputs, and those of the app when the
/// tenant brings one of its own.
pub(super) fn of_start(descriptor: &Descriptor, flow: &FlowInfo, own_app: bool) -> Vec<Asked> {
    let app = own_app && flow.purpose == Purpose::Connect;
    let declared = descriptor.inputs.iter().filter_map(|input| {
        let mut input = input.clone();
        match input.level {
            Level::App if !app => return None,
            Level::App => {}
            // The flow finds them; what a signup's window tells may name them.
            Level::Account | Level::Channel => input.required = false,
        }
        Some(input)
    });
    let inputs = flow.inputs.iter().cloned().chain(declared);
    let asked = inputs.map(|input| Asked {
        input,
        choices: Vec::new(),
        many: false,
    });
    asked.collect()
}

/// The values by their names, or every field that is wrong. An empty text is no answer. Values are never
/// quoted: they may be secrets.
pub(super) fn read(
    asked: &[Asked],
    given: &Map<String, Value>,
    member: &str,
) -> Result<Vec<(String, Vec<String>)>, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut read = Vec::new();
    for (name, value) in given {
        let pointer = format!("/{member}/{}", name.replace('~', "~0").replace('/', "~1"));
        let Some(field) = asked.iter().find(|asked| asked.input.name == *name) else {
            let known: Vec<_> = asked.iter().map(|it| it.input.name.as_str()).collect();
            let detail = format!("is not asked for; known here are {}", known.join(", "));
            errors.push(error(pointer, "unknown", detail));
            continue;
        };
        match texts(value).map(|values| (fault(field, &values), values)) {
            Some((None, values)) if !values.is_empty() => read.push((name.clone(), values)),
            Some((None, _)) => {}
            Some((Some(detail), _)) => errors.push(error(pointer, "invalid", detail)),
            None => {
                let detail = "is a text, or a list of texts where several may be chosen".to_owned();
                errors.push(error(pointer, "invalid", detail));
            }
        }
    }
    for field in asked.iter().filter(|asked| asked.input.required) {
        let name = &field.input.name;
        if !read.iter().any(|(known, _)| known == name) && !given.contains_key(name) {
            let detail = format!("is missing: {}. {}", field.input.title, field.input.help);
            errors.push(error(format!("/{member}/{name}"), "missing", detail));
        }
    }
    match errors.is_empty() {
        true => Ok(read),
        false => Err(errors),
    }
}

fn error(pointer: String, code: &'static str, detail: String) -> FieldError {
    FieldError {
        pointer,
        code,
        detail,
    }
}

/// A text, a number or a truth value, or a list of texts; those that are empty are left out.
fn texts(value: &Value) -> Option<Vec<String>> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let mut all: Vec<String> = match value {
        Value::Null => Vec::new(),
        Value::Array(several) => several.iter().map(one).collect::<Option<_>>()?,
        single => vec![one(single)?],
    };
    all.retain(|text| !text.is_empty());
    Some(all)
}

/// What is wrong with the values of a field.
fn fault(field: &Asked, values: &[String]) -> Option<String> {
    if values.len() > 1 && !field.many {
        return Some("takes one value".to_owned());
    }
    if values.len() > VALUES_MAX {
        return Some(format!("takes at most {VALUES_MAX} values"));
    }
    values.iter().find_map(|value| {
        if value.len() > VALUE_BYTES_MAX {
            return Some(format!("has at most {VALUE_BYTES_MAX} bytes"));
        }
        // A pasted PEM key has lines.
        if value.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Some("holds control characters".to_owned());
        }
        if field.choices.is_empty() {
            return misshapen(&field.input, value);
        }
        let offered = field.choices.iter().any(|(choice, _)| choice == value);
        (!offered).then(|| "is none of the choices".to_owned())
    })
}

/// A field as people see it.
fn field(asked: &Asked) -> Value {
    let declared = asked
        .input
        .choices
        .iter()
        .map(|it| (it.clone(), it.clone()));
    let choices: Vec<(String, String)> = match asked.choices.is_empty() {
        true => declared.collect(),
        false => asked.choices.clone(),
    };
    let choices: Vec<_> = choices
        .iter()
        .map(|(value, label)| json!({ "value": value, "label": label }))
        .collect();
    let mut shown = view(&asked.input);
    shown["choices"] = choices.into();
    shown["many"] = asked.many.into();
    shown
}

/// An input as it is declared.
pub(crate) fn view(input: &Input) -> Value {
    let choices: Vec<_> = input
        .choices
        .iter()
        .map(|choice| json!({ "value": choice, "label": choice }))
        .collect();
    json!({
        "name": input.name,
        "title": input.title,
        "help": input.help,
        "kind": input.kind,
        "secret": input.kind == InputKind::Secret,
        "required": input.required,
        "pattern": (!input.pattern.is_empty()).then_some(&input.pattern),
        "choices": choices,
        "many": false,
    })
}
