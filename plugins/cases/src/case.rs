//! One file of golden cases: strict about what it holds, generous about what it leaves out.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::diff::differences;
use crate::run::Ran;

/// A fixed moment, 2026-09-21: a case that depends on the clock says its own.
const NOW_MS: u64 = 1_790_000_000_000;
/// 32 bytes, as the host gives.
const SEED: &str = "wharf-golden-case-seed-32-bytes!";
const MESSAGE_ID: &str = "01J9ZQ5Y3W8V7T6S5R4Q3P2N1M";
const PHONE: &str = "4915112345678";
/// A case is read by people; a larger one is a mistake.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// What all cases of a folder share.
const DEFAULTS_FILE: &str = "defaults.json";

/// One golden case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The file's name without `.json`.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// The whole context, defaults filled in.
    pub context: Value,
    /// What is called.
    pub call: Call,
    /// What the first call must give; absent in a case that is still to be written.
    pub expect: Option<Value>,
    /// What happens then.
    pub then: Vec<Step>,
    /// The file as it stands, so that it can be written again.
    pub file: Map<String, Value>,
}

/// One further step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What the plugin is told.
    pub input: StepInput,
    /// What it must say.
    pub expect: Option<Value>,
}

/// What a plugin is told in a further step.
#[derive(Clone, Debug, PartialEq)]
pub enum StepInput {
    /// What became of the last exchange.
    Outcome(Value),
    /// What a person answered to a flow's questions.
    Answer(Value),
}

/// What all cases of a folder share: `defaults.json` with `context` and `message`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults {
    /// Members of the context, `settings` first of all.
    pub context: Map<String, Value>,
    /// Members of every outbound message.
    pub message: Map<String, Value>,
}

/// A file that is no case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseError {
    /// Which file.
    pub file: PathBuf,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl std::fmt::Display for CaseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.problem)
    }
}

impl std::error::Error for CaseError {}

/// The case files of a folder, sorted by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, CaseError> {
    let failed = |problem: std::io::Error| CaseError {
        file: folder.to_owned(),
        problem: format!("cannot read the folder of cases: {problem}"),
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_case = path
            .extension()
            .is_some_and(|extension| extension == "json")
            && path.file_name().is_some_and(|name| name != DEFAULTS_FILE);
        if is_case {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl Defaults {
    /// Reads `defaults.json` of a folder; without one there are none.
    ///
    /// # Errors
    /// When there is one and it is wrong.
    pub fn load(folder: &Path) -> Result<Self, CaseError> {
        let file = folder.join(DEFAULTS_FILE);
        if !file.exists() {
            return Ok(Self::default());
        }
        let fail = |problem| CaseError {
            file: file.clone(),
            problem,
        };
        let members = read_object(&file).map_err(fail)?;
        only(&members, &["context", "message"]).map_err(fail)?;
        Ok(Self {
            context: object(&members, "context").map_err(fail)?,
            message: object(&members, "message").map_err(fail)?,
        })
    }

    /// A context with these defaults, under what `own` says.
    #[must_use]
    pub fn context(&self, own: &Map<String, Value>) -> Value {
        let mut context = Map::new();
        context.insert("now".to_owned(), json!(NOW_MS));
        context.insert("seed".to_owned(), json!(SEED));
        context.insert("settings".to_owned(), json!({}));
        merge(&mut context, &self.context);
        merge(&mut context, own);
        Value::Object(context)
    }

    /// A message with these defaults, under what `own` says.
    #[must_use]
    pub fn message(&self, own: &Map<String, Value>) -> Value {
        let mut message = Map::new();
        message.insert("id".to_owned(), json!(MESSAGE_ID));
        message.insert("to".to_owned(), json!({ "phone": PHONE }));
        message.insert("sender".to_owned(), json!("sender"));
        message.insert("options".to_owned(), json!({}));
        for (name, value) in self.message.iter().chain(own) {
            message.insert(name.clone(), value.clone());
        }
        Value::Object(message)
    }
}

impl Case {
    /// Reads one file.
    ///
    /// # Errors
    /// When it is not what the documentation of cases says.
    pub fn load(file: &Path, defaults: &Defaults) -> Result<Self, CaseError> {
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        read_object(file)
            .and_then(|members| Self::parse(&name, members, defaults))
            .map_err(|problem| CaseError {
                file: file.to_owned(),
                problem,
            })
    }

    /// Reads a case from the members of its file.
    ///
    /// # Errors
    /// What is wrong and what would be right.
    pub fn parse(
        name: &str,
        file: Map<String, Value>,
        defaults: &Defaults,
    ) -> Result<Self, String> {
        const CALLS: [&str; 9] = [
            "outbound",
            "inbound",
            "media",
            "templates",
            "profile",
            "health",
            "reconcile",
            "catch-up",
            "onboarding",
        ];
        let mut known = vec!["$schema", "about", "context", "expect", "then"];
        known.extend(CALLS);
        only(&file, &known)?;
        let mut calls = CALLS.iter().filter(|call| file.contains_key(**call));
        let (Some(call), None) = (calls.next(), calls.next()) else {
            return Err(format!("name exactly one call: {}", CALLS.join(", ")));
        };
        let context = defaults.context(&object(&file, "context")?);
        let call = read_call(call, &file[*call], &context, defaults)?;
        let about = match file.get("about") {
            None => String::new(),
            Some(Value::String(about)) => about.clone(),
            Some(_) => return Err("`about` is one line of text".to_owned()),
        };
        let then = match file.get("then") {
            None => Vec::new(),
            Some(Value::Array(steps)) => steps
                .iter()
                .enumerate()
                .map(|(number, step)| {
                    read_step(step).map_err(|problem| format!("then[{number}]: {problem}"))
                })
                .collect::<Result<_, _>>()?,
            Some(_) => return Err("`then` is a list of steps".to_owned()),
        };
        Ok(Self {
            name: name.to_owned(),
            about,
            context,
            call,
            expect: file.get("expect").cloned(),
            then,
            file,
        })
    }

    /// What is wrong with a run of this case; nothing when it passed.
    #[must_use]
    pub fn problems(&self, ran: &Ran) -> Vec<String> {
        let mut problems = ran.problems.clone();
        let expected =
            std::iter::once(&self.expect).chain(self.then.iter().map(|step| &step.expect));
        for (number, (expected, got)) in expected.zip(&ran.results).enumerate() {
            let place = match number {
                0 => "expect".to_owned(),
                number => format!("then[{}].expect", number - 1),
            };
            match expected {
                None => problems.push(format!("{place} is missing; the plugin says {got}")),
                Some(expected) => problems.extend(
                    differences(expected, got)
                        .into_iter()
                        .map(|difference| format!("{place}{difference}")),
                ),
            }
        }
        problems
    }

    /// The file with what was really said in place of what was expected.
    #[must_use]
    pub fn updated(&self, results: &[Value]) -> String {
        let mut file = self.file.clone();
        if let Some(first) = results.first() {
            file.insert("expect".to_owned(), first.clone());
        }
        if let Some(Value::Array(steps)) = file.get_mut("then") {
            for (step, result) in steps.iter_mut().zip(results.iter().skip(1)) {
                if let Value::Object(step) = step {
                    step.insert("expect".to_owned(), result.clone());
                }
            }
        }
        let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
        text.push('\n');
        text
    }
}

fn read_call(
    name: &str,
    value: &Value,
    context: &Value,
    defaults: &Defaults,
) -> Result<Call, String> {
    let members = || {
        value
            .as_object()
            .cloned()
            .ok_or_else(|| format!("`{name}` is an object"))
    };
    let message = |value: &Value| match value {
        Value::Object(own) => Ok(defaults.message(own)),
        _ => Err("a message is an object".to_owned()),
    };
    Ok(match name {
        "outbound" => Call::Outbound(message(value)?),
        "inbound" => {
            let mut webhook = members()?;
            webhook.entry("name").or_insert_with(|| json!("main"));
            webhook.entry("method").or_insert_with(|| json!("post"));
            webhook
                .entry("received-at")
                .or_insert_with(|| context["now"].clone());
            Call::Inbound(Value::Object(webhook))
        }
        "media" => Call::Request("media", value.clone()),
        "templates" => Call::Request("templates", value.clone()),
        "profile" => Call::Request("profile", value.clone()),
        "health" => {
            only(&members()?, &[])?;
            Call::Health
        }
        "reconcile" => {
            let members = members()?;
            only(&members, &["message", "sent-at"])?;
            let sent = members
                .get("message")
                .ok_or("`reconcile` needs a `message`")?;
            let sent_at = members.get("sent-at").unwrap_or(&context["now"]).clone();
            Call::Reconcile(message(sent)?, sent_at)
        }
        "catch-up" => {
            let members = members()?;
            only(&members, &["since"])?;
            Call::CatchUp(
                members
                    .get("since")
                    .cloned()
                    .ok_or("`catch-up` needs `since`")?,
            )
        }
        _ => {
            let members = members()?;
            only(&members, &["flow", "inputs"])?;
            let flow = members
                .get("flow")
                .cloned()
                .ok_or("`onboarding` needs a `flow`")?;
            Call::Onboarding(
                flow,
                members.get("inputs").cloned().unwrap_or_else(|| json!({})),
            )
        }
    })
}

fn read_step(step: &Value) -> Result<Step, String> {
    let members = step.as_object().ok_or("a step is an object")?;
    only(members, &["outcome", "answer", "expect"])?;
    let input = match (members.get("outcome"), members.get("answer")) {
        (Some(outcome), None) => StepInput::Outcome(outcome.clone()),
        (None, Some(answer)) => StepInput::Answer(answer.clone()),
        _ => return Err("a step has either an `outcome` or an `answer`".to_owned()),
    };
    Ok(Step {
        input,
        expect: members.get("expect").cloned(),
    })
}

fn read_object(file: &Path) -> Result<Map<String, Value>, String> {
    let size = std::fs::metadata(file)
        .map_err(|problem| format!("cannot read it: {problem}"))?
        .len();
    if size > FILE_BYTES_MAX {
        return Err(format!(
            "it has {size} bytes; a case has at most {FILE_BYTES_MAX}"
        ));
    }
    let text = std::fs::read(file).map_err(|problem| format!("cannot read it: {problem}"))?;
    match serde_json::from_slice(&text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err("it is not a JSON object".to_owned()),
        Err(problem) => Err(format!("it is not JSON: {problem}")),
    }
}

fn object(members: &Map<String, Value>, name: &str) -> Result<Map<String, Value>, String> {
    match members.get(name) {
        None => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object.clone()),
        Some(_) => Err(format!("`{name}` is an object")),
    }
}

/// Members of `more` over those of `into`; `settings` member by member.
fn merge(into: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (name, value) in more {
        match (into.get_mut(name), value) {
            (Some(Value::Object(settings)), Value::Object(more)) if name == "settings" => {
                settings.extend(more.clone());
            }
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

fn only(members: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) if known.is_empty() => {
            Err(format!("`{name}` is unknown; nothing may stand here"))
        }
        Some(name) => Err(format!(
            "`{name}` is unknown; there is {}",
            known.join(", ")
        )),
    }
}
