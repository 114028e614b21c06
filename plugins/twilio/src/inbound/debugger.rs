//! The console debugger's webhook: errors and warnings of an account, each with a payload in JSON.

use serde_json::Value;
use wharf_plugin::prelude::{Event, Item};

use super::address::{account_route, is_name};
use super::{Call, content};

pub(super) fn read(call: &Call<'_>) -> Option<Vec<Item>> {
    let form = call.form;
    let id = form.get("Sid").filter(|id| is_name(id))?;
    if !form.has("Level") || !form.has("Payload") {
        return None;
    }
    let mut document = form.document();
    if let Some(payload) = form.get("Payload").and_then(content::document)
        && let Some(member) = document.get_mut("Payload")
    {
        *member = payload;
    }
    // A subaccount's errors go to the subaccount.
    let route = account_route(form.get("AccountSid"));
    let event = Event::Account(wharf_plugin::document(&Value::to_string(&document)));
    Some(vec![Item::new(route, format!("debugger:{id}"), event)])
}
