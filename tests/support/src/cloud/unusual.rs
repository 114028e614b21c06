//! Changes of the field `messages` that are no plain message or status, as the published pages show them.

use serde_json::{Value, json};

use super::config::PhoneNumber;
use super::payload;

/// Whole webhooks, each with a name for who reads a test.
#[must_use]
pub fn webhooks(number: &PhoneNumber) -> Vec<(&'static str, Value)> {
    let of = |parts: Value| payload::envelope(number, parts);
    vec![
        ("a click on a marketing message", of(click())),
        (
            "errors without a message",
            of(json!({ "errors": [error(131_000)] })),
        ),
        ("an interactive message without its body", of(bodiless())),
        ("a payment", of(json!({ "statuses": [payment()] }))),
        (
            "what a group's members did",
            of(json!({ "statuses": group_statuses() })),
        ),
        (
            "a status without a phone number",
            of(json!({ "statuses": [hidden_status()] })),
        ),
        ("a change without anything", of(json!({}))),
    ]
}

fn error(code: u32) -> Value {
    json!({
        "code": code,
        "title": "Something went wrong",
        "message": "Something went wrong",
        "error_data": { "details": "Try again later." },
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    })
}

fn click() -> Value {
    json!({
        "user_actions": [{
            "action_type": "marketing_messages_link_click",
            "timestamp": "1739321024",
            "marketing_messages_link_click_data": {
                "click_component": "cta",
                "click_id": "AfI2kq",
                "tracking_token": "t0ken",
            },
        }],
    })
}

/// A rare form: the type promises what is not there, and the errors stand beside it.
fn bodiless() -> Value {
    json!({
        "messages": [{
            "from": "16505551234",
            "id": "wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQx",
            "timestamp": "1739321024",
            "type": "interactive",
        }],
        "errors": [error(131_000)],
    })
}

fn payment() -> Value {
    json!({
        "id": "wamid.HBgLMTY1MDU1NTEyMzQVAgARGBIx",
        "type": "payment",
        "status": "captured",
        "timestamp": "1739321024",
        "recipient_id": "16505551234",
        "payment": {
            "reference_id": "order-7",
            "amount": { "value": 2399, "offset": 100 },
            "transaction": {
                "id": "txn_1",
                "pg_transaction_id": "pg_1",
                "type": "upi",
                "status": "success",
            },
        },
    })
}

/// One webhook for one message and kind of status, with an object for each participant.
fn group_statuses() -> Value {
    let of = |participant: &str| {
        json!({
            "id": "wamid.HBgLMTY1MDU1NTEyMzQVAgARGBIy",
            "status": "delivered",
            "timestamp": "1739321024",
            "recipient_id": "Y2FwaV9ncm91cDox",
            "recipient_type": "group",
            "recipient_participant_id": participant,
            "recipient_participant_user_id": payload::user_id_of(participant),
        })
    };
    json!([of("16505551234"), of("16505551235")])
}

fn hidden_status() -> Value {
    json!({
        "id": "wamid.HBgLMTY1MDU1NTEyMzQVAgARGBIz",
        "status": "read",
        "timestamp": "1739321024",
        "recipient_user_id": "US.13491208655302741918",
    })
}
