//! A message that opens a WhatsApp Flow.

use serde_json::{Map, Value, json};
use wharf_plugin::prelude::Error;

use super::super::limit;

const MEMBER: &str = "interactive.action.parameters";
/// The only version there is.
const VERSION: &str = "3";

pub(super) fn action(parameters: &str) -> Result<Value, Error> {
    let mut parameters = limit::object(MEMBER, parameters)?;
    check(&parameters)?;
    parameters
        .entry("flow_message_version")
        .or_insert_with(|| VERSION.into());
    Ok(json!({ "name": "flow", "parameters": parameters }))
}

fn check(parameters: &Map<String, Value>) -> Result<(), Error> {
    let is_given = |name| !matches!(parameters.get(name), None | Some(Value::Null));
    match (is_given("flow_id"), is_given("flow_name")) {
        (true, true) => {
            return Err(
                Error::invalid(format!("`{MEMBER}` has both `flow_id` and `flow_name`"))
                    .remedy("Name the flow by one of them."),
            );
        }
        (false, false) => return Err(limit::missing(format_args!("{MEMBER}.flow_id"))),
        _ => {}
    }
    limit::string(MEMBER, parameters, "flow_cta")?;
    one_of(parameters, "mode", ["draft", "published"])?;
    one_of(parameters, "flow_action", ["navigate", "data_exchange"])?;
    match parameters.get("flow_action_payload") {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(_) => Err(
            Error::invalid(format!("`{MEMBER}.flow_action_payload` is not an object"))
                .remedy("Give it as an object with `screen` and `data`."),
        ),
    }
}

fn one_of(parameters: &Map<String, Value>, name: &str, words: [&str; 2]) -> Result<(), Error> {
    match parameters.get(name) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(word)) if words.contains(&word.as_str()) => Ok(()),
        Some(_) => {
            let [one, other] = words;
            Err(
                Error::invalid(format!("`{MEMBER}.{name}` is `{one}` or `{other}`"))
                    .remedy("Use one of these two words."),
            )
        }
    }
}
