//! Samples of every webhook field that is not about messages, as the published pages show them.

use serde_json::{Value, json};

use super::config::PhoneNumber;

/// The value of a change of this field, for this number; `None` for a field without a published form.
#[must_use]
pub fn sample(field: &str, number: &PhoneNumber) -> Option<Value> {
    of_account(field, number)
        .or_else(|| of_template(field))
        .or_else(|| of_number(field, number))
        .or_else(|| of_people(field, number))
}

/// Every field that has a sample.
pub const FIELDS: &[&str] = &[
    "account_alerts",
    "account_review_update",
    "account_update",
    "business_capability_update",
    "partner_solutions",
    "payment_configuration_update",
    "flows",
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
    "business_username_update",
    "automatic_events",
    "user_preferences",
    "history",
    "smb_app_state_sync",
    "smb_message_echoes",
    "calls",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
];

fn of_account(field: &str, number: &PhoneNumber) -> Option<Value> {
    Some(match field {
        "account_alerts" => json!({
            "entity_type": "BUSINESS",
            "entity_id": "2729063490586005",
            "alert_info": {
                "alert_severity": "INFORMATIONAL",
                "alert_status": "NONE",
                "alert_type": "OBA_APPROVED",
                "alert_description": "Your business is an official business account now.",
            },
        }),
        "account_review_update" => json!({ "decision": "APPROVED" }),
        "account_update" => json!({
            "event": "ACCOUNT_RESTRICTION",
            "country": "US",
            "waba_info": { "waba_id": number.account_id, "owner_business_id": "2729063490586005" },
            "restriction_info": [{
                "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING",
                "expiration": 1_739_408_024,
                "remediation": "Wait until the restriction ends.",
            }],
        }),
        "business_capability_update" => json!({
            "max_daily_conversations_per_business": "TIER_2K",
            "max_phone_numbers_per_business": 25,
        }),
        "partner_solutions" => json!({
            "event": "SOLUTION_UPDATED",
            "solution_id": "774485461512159",
            "solution_status": "ACTIVE",
        }),
        "payment_configuration_update" => json!({
            "configuration_name": "test-payment-configuration",
            "provider_name": "razorpay",
            "provider_mid": "acc_GP4lfNA0iIMn5B",
            "status": "Needs Testing",
            "created_timestamp": 1_748_827_100,
            "updated_timestamp": 1_748_827_116,
        }),
        "flows" => json!({
            "event": "FLOW_STATUS_CHANGE",
            "message": "Flow Webhook 1 has been published",
            "flow_id": "6627390910605886",
            "old_status": "DRAFT",
            "new_status": "PUBLISHED",
        }),
        _ => return None,
    })
}

fn of_template(field: &str) -> Option<Value> {
    let mut value = json!({
        "message_template_id": 1_689_556_908_129_832_u64,
        "message_template_name": "order_confirmation",
        "message_template_language": "en_US",
    });
    let members = match field {
        "message_template_status_update" => json!({
            "event": "PAUSED",
            "reason": "NONE",
            "message_template_category": "UTILITY",
            "other_info": { "title": "FIRST_PAUSE", "description": "Paused for 3 hours." },
        }),
        "message_template_quality_update" => json!({
            "previous_quality_score": "GREEN",
            "new_quality_score": "YELLOW",
        }),
        "message_template_components_update" => json!({
            "message_template_element": "Your order {{1}} has been confirmed.",
            "message_template_footer": "Lucky Shrub",
            "message_template_buttons": [{
                "message_template_button_type": "URL",
                "message_template_button_text": "Track",
                "message_template_button_url": "https://www.luckyshrub.com/track/",
            }],
        }),
        "template_category_update" => json!({
            "previous_category": "UTILITY",
            "new_category": "MARKETING",
        }),
        _ => return None,
    };
    if let (Some(value), Value::Object(members)) = (value.as_object_mut(), members) {
        value.extend(members);
    }
    Some(value)
}

fn of_number(field: &str, number: &PhoneNumber) -> Option<Value> {
    let mut value = json!({ "display_phone_number": number.display_number });
    let members = match field {
        "phone_number_name_update" => json!({
            "decision": "APPROVED",
            "requested_verified_name": "Lucky Shrub",
            "rejection_reason": null,
        }),
        "phone_number_quality_update" => json!({
            "event": "THROUGHPUT_UPGRADE",
            "current_limit": "TIER_UNLIMITED",
            "max_daily_conversations_per_business": "TIER_UNLIMITED",
        }),
        "security" => json!({ "event": "PIN_CHANGED", "requester": "4024900477602" }),
        "business_username_update" => json!({ "username": "luckyshrub", "status": "approved" }),
        _ => return None,
    };
    if let (Some(value), Value::Object(members)) = (value.as_object_mut(), members) {
        value.extend(members);
    }
    Some(value)
}

/// Fields with `metadata`, as messages have it.
fn of_people(field: &str, number: &PhoneNumber) -> Option<Value> {
    let us = &number.display_number;
    let members = match field {
        "automatic_events" => json!({
            "automatic_events": [{
                "id": "wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQ0",
                "event_name": "Purchase",
                "timestamp": 1_739_321_024,
                "ctwa_clid": "Aff-n8ZTODiE79d22KtAwQKj9e",
                "custom_data": { "currency": "USD", "value": 25_000 },
            }],
        }),
        "user_preferences" => json!({
            "contacts": [{ "profile": { "name": "Sheena Nelson" }, "wa_id": "16505551234" }],
            "user_preferences": [{
                "wa_id": "16505551234",
                "detail": "User requested to stop marketing messages",
                "category": "marketing_messages",
                "value": "stop",
                "timestamp": 1_739_321_024,
            }],
        }),
        "history" => json!({
            "history": [{
                "metadata": { "phase": 0, "chunk_order": 1, "progress": 55 },
                "threads": [{
                    "id": "16505551234",
                    "messages": [{
                        "from": us,
                        "to": "16505551234",
                        "id": "wamid.HBgLMTY0NjcwNDM1OTUVAgASGBQz",
                        "timestamp": "1739230955",
                        "type": "text",
                        "text": { "body": "Here's the info you requested!" },
                        "history_context": { "status": "READ" },
                    }],
                }],
            }],
        }),
        "smb_app_state_sync" => json!({
            "state_sync": [{
                "type": "contact",
                "contact": { "full_name": "Pablo Morales", "first_name": "Pablo", "phone_number": "16505551234" },
                "action": "add",
                "metadata": { "timestamp": "1738346006" },
            }],
        }),
        "smb_message_echoes" => json!({
            "message_echoes": [{
                "from": us,
                "to": "16505551234",
                "id": "wamid.HBgLMTY0NjcwNDM1OTUVAgARGBIw",
                "timestamp": "1739321024",
                "type": "text",
                "text": { "body": "Sent from the app" },
            }],
        }),
        "calls" => json!({
            "calls": [{
                "id": "wacid.HBgLMTIxODU1NTI4MjgVAgARGCAyODRQIAFRoA",
                "from": "16505551234",
                "to": us,
                "event": "connect",
                "timestamp": "1671644824",
                "direction": "USER_INITIATED",
                "session": { "sdp_type": "offer", "sdp": "v=0" },
            }],
        }),
        _ => return of_groups(field, number),
    };
    Some(with_metadata(number, members))
}

fn of_groups(field: &str, number: &PhoneNumber) -> Option<Value> {
    let group = |kind: &str, more: Value| {
        let mut group = json!({
            "timestamp": 1_739_321_024,
            "group_id": "Y2FwaV9ncm91cDoxNzA1NTU1MDEzOToxMjAzNjM0",
            "type": kind,
            "request_id": "83492",
        });
        if let (Some(group), Value::Object(more)) = (group.as_object_mut(), more) {
            group.extend(more);
        }
        json!({ "groups": [group] })
    };
    let members = match field {
        "group_lifecycle_update" => group(
            "group_create",
            json!({ "subject": "Shrubs", "invite_link": "https://chat.whatsapp.com/LINK" }),
        ),
        "group_participants_update" => group(
            "group_participants_add",
            json!({ "added_participants": [{ "input": "+16505551234", "wa_id": "16505551234" }] }),
        ),
        "group_settings_update" => group("group_settings_update", json!({ "subject": "Plants" })),
        "group_status_update" => group("group_suspend", json!({})),
        _ => return None,
    };
    Some(with_metadata(number, members))
}

fn with_metadata(number: &PhoneNumber, members: Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": number.display_number,
            "phone_number_id": number.id,
        },
    });
    if let (Some(value), Value::Object(members)) = (value.as_object_mut(), members) {
        value.extend(members);
    }
    value
}
