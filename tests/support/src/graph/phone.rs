//! Calls about a number: reading it, registering it, its profile and whom it blocks.

use serde_json::{Value, json};

use super::Shared;
use super::serve::Target;
use crate::cloud::GraphError;
use crate::cloud::number::{CALLBACK, Number};
use crate::cloud::serve::{Refusal, Reply, Request};
use crate::cloud::shape::{self, Flaw, Member, Shape, may, need};

/// The code that every SMS and call of this fake brings.
pub const VERIFICATION_CODE: &str = "123830";

const SET: &[Member] = &[
    may("pin", Shape::Text(6, 6)),
    may("webhook_configuration", Shape::Object(CALLBACK)),
];
const DEREGISTER: &[Member] = &[may("messaging_product", Shape::OneOf(&["whatsapp"]))];
const REQUEST_CODE: &[Member] = &[
    need("code_method", Shape::OneOf(&["SMS", "VOICE"])),
    need("language", Shape::Text(2, 16)),
];
const VERIFY_CODE: &[Member] = &[need("code", Shape::Text(6, 6))];
const SYNCHRONISE: &[Member] = &[
    need("messaging_product", Shape::OneOf(&["whatsapp"])),
    need(
        "sync_type",
        Shape::OneOf(&["smb_app_state_sync", "history"]),
    ),
];
const BLOCK: &[Member] = &[
    need("messaging_product", Shape::OneOf(&["whatsapp"])),
    need(
        "block_users",
        Shape::List(
            &Shape::Object(&[need("user", Shape::Text(1, 140))]),
            1,
            1000,
        ),
    ),
];

pub(super) fn call(
    shared: &Shared,
    request: &Request,
    target: &Target<'_>,
    call: &str,
) -> Result<Reply, Refusal> {
    let id = target.path[0];
    let verb = request.method.as_str();
    shared.number_of(id, &target.caller, verb)?;
    let now_ms = shared.platform.clock.now_ms();
    let mut world = shared.platform.world();
    if call == "phone.get" {
        let number = world
            .number(id)
            .ok_or_else(|| GraphError::unknown_object(id, verb))?;
        let health = world.health_of(&number.base.account_id, Some(number));
        let mut shown = number.shown(request.parameter("fields"), &health)?;
        if let Some(callbacks) = shown.get_mut("webhook_configuration") {
            callbacks["application"] = json!(shared.callback_url());
            let account = world.account(&number.base.account_id);
            if let Some(url) = account.and_then(|account| account.callback.as_ref()) {
                callbacks["whatsapp_business_account"] = json!(url);
            }
        }
        return Ok(Reply::ok(shown));
    }
    let number = world
        .number_mut(id)
        .ok_or_else(|| GraphError::unknown_object(id, verb))?;
    match call {
        "profile.get" => Ok(Reply::ok(
            number.shown_profile(request.parameter("fields"))?,
        )),
        "profile.set" => {
            number.set_profile(&request.json()?)?;
            Ok(Reply::success())
        }
        "phone.register" => {
            number.register(&request.json()?, now_ms)?;
            Ok(Reply::success())
        }
        "phone.deregister" => {
            checked(&request.parameters()?, DEREGISTER)?;
            number.deregister(now_ms)?;
            Ok(Reply::success())
        }
        "phone.block" => block(number, request),
        "phone.synchronise" => synchronise(number, &request.json()?),
        _ => set(number, request, target, call),
    }
}

fn checked(body: &Value, members: &'static [Member]) -> Result<(), GraphError> {
    shape::check(body, &Shape::Object(members), "").map_err(Flaw::parameter)
}

fn set(
    number: &mut Number,
    request: &Request,
    target: &Target<'_>,
    call: &str,
) -> Result<Reply, Refusal> {
    let body = request.parameters()?;
    match call {
        "phone.request_code" => {
            checked(&body, REQUEST_CODE)?;
            if number.code_verified {
                return Err(GraphError::parameter("The phone number is verified already.").into());
            }
        }
        "phone.verify_code" => {
            checked(&body, VERIFY_CODE)?;
            if shape::text(&body, "/code") != Some(VERIFICATION_CODE) {
                return Err(GraphError::parameter("The code is not correct.").into());
            }
            number.code_verified = true;
        }
        _ => {
            checked(&body, SET)?;
            if let Some(Err(error)) = &target.proven {
                return Err(error.clone().into());
            }
            if let Some(pin) = shape::text(&body, "/pin") {
                number.pin = Some(pin.to_owned());
            }
            if let Some(url) = shape::text(&body, "/webhook_configuration/override_callback_uri") {
                number.callback = (!url.is_empty()).then(|| url.to_owned());
            }
        }
    }
    Ok(Reply::success())
}

/// Each kind once, and for numbers of the Business app only.
fn synchronise(number: &mut Number, body: &Value) -> Result<Reply, Refusal> {
    checked(body, SYNCHRONISE)?;
    if !number.is_on_business_app {
        let complaint = "The phone number is not used in the WhatsApp Business app.";
        return Err(GraphError::parameter(complaint).into());
    }
    let kind = shape::text(body, "/sync_type")
        .unwrap_or_default()
        .to_owned();
    if number.synchronised.contains(&kind) {
        return Err(GraphError::of_code(2_593_107).into());
    }
    number.synchronised.push(kind);
    Ok(Reply::ok(
        json!({ "messaging_product": "whatsapp", "request_id": "1" }),
    ))
}

fn block(number: &mut Number, request: &Request) -> Result<Reply, Refusal> {
    let digits = |user: &str| {
        user.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    if request.method == "GET" {
        let shown: Vec<Value> = number
            .blocked
            .iter()
            .map(|wa_id| json!({ "messaging_product": "whatsapp", "wa_id": wa_id }))
            .collect();
        return Ok(Reply::ok(json!({ "data": shown })));
    }
    let body = request.json()?;
    checked(&body, BLOCK)?;
    let mut done = Vec::new();
    for user in shape::list(&body, "/block_users") {
        let input = shape::text(user, "/user").unwrap_or_default();
        let wa_id = digits(input);
        number.blocked.retain(|blocked| *blocked != wa_id);
        if request.method == "POST" {
            number.blocked.push(wa_id.clone());
        }
        done.push(json!({ "input": input, "wa_id": wa_id }));
    }
    let list = if request.method == "POST" {
        "added_users"
    } else {
        "removed_users"
    };
    Ok(Reply::ok(json!({
        "messaging_product": "whatsapp",
        "block_users": { list: done },
    })))
}
