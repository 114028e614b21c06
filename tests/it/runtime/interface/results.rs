//! Errors, and the results of the optional interfaces, arrive whole.

use serde_json::{Value, json};
use wharf_core::provider::{
    ErrorClass, HealthFinding, HealthReport, HealthVerdict, Json, MediaAnswer, MediaRequest,
    PageStep, PlatformError, ProfileRequest, Retry, Step, TemplateEntry, TemplatesRequest,
};
use wharf_runtime::CallError;

use super::{answering, echo, exchange_json, media_ref, media_ref_json};

fn text(text: &str) -> String {
    text.to_owned()
}

#[tokio::test]
async fn every_error_arrives_as_it_is() {
    use ErrorClass as C;
    let Some(plugin) = echo().await else { return };
    let classes = [
        C::InvalidMessage,
        C::Unsupported,
        C::RecipientUnknown,
        C::RecipientOptedOut,
        C::WindowClosed,
        C::TemplateUnknown,
        C::TemplatePaused,
        C::TemplateMismatch,
        C::MediaRejected,
        C::PolicyBlocked,
        C::AuthFailed,
        C::AccountRestricted,
        C::PaymentRequired,
        C::RateLimited,
        C::PairRateLimited,
        C::ProviderUnavailable,
        C::MalformedResponse,
        C::Misconfigured,
        C::Other,
    ];
    let retries = [
        (Retry::Never, json!("Never")),
        (Retry::Backoff, json!("Backoff")),
        (Retry::AfterMs(1 << 40), json!({ "AfterMs": 1_u64 << 40 })),
        (Retry::Uncertain, json!("Uncertain")),
    ];
    for (class, (retry, retry_json)) in classes.into_iter().zip(retries.into_iter().cycle()) {
        let error = json!({ "Err": {
            "code": format!("{class:?}"), "retry": retry_json, "provider_code": "131047",
            "trace_id": "A1", "detail": "Too\u{1b}late", "remedy": "Wait", "pace": [],
        } });
        let mut context = super::super::context();
        context.settings = vec![(text("answer"), error.to_string())];
        let expected = PlatformError {
            class,
            retry,
            provider_code: Some(text("131047")),
            trace_id: Some(text("A1")),
            detail: text("Too\\u{1b}late"),
            remedy: Some(text("Wait")),
            pace: Vec::new(),
        };
        match plugin.health_start(&context).await {
            Err(CallError::Guest(error)) => assert_eq!(*error, expected),
            other => panic!("expected {class:?}, got {other:?}"),
        }
    }
}

#[tokio::test]
async fn media_profiles_and_health_arrive_as_they_are() {
    let Some(plugin) = echo().await else { return };
    let answers = [
        (
            MediaAnswer::Fetched(media_ref()),
            json!({ "Fetched": media_ref_json() }),
        ),
        (MediaAnswer::Uploaded(text("7")), json!({ "Uploaded": "7" })),
        (MediaAnswer::Deleted, json!("Deleted")),
    ];
    let request = MediaRequest::Fetch(text("loc"));
    for (expected, shape) in answers {
        let answer = answering(&json!({ "Done": shape }));
        let step = plugin.media_start(&answer, &request).await.unwrap();
        assert_eq!(step, Step::Done(expected));
    }

    let answer = answering(&json!({ "Done": r#"{"about": "x"}"# }));
    let step = plugin.profile_start(&answer, &ProfileRequest::Get).await;
    let profile = Json::parse(text(r#"{"about": "x"}"#)).unwrap();
    assert_eq!(step.unwrap(), Step::Done(profile));

    let verdicts = [
        HealthVerdict::Ok,
        HealthVerdict::Degraded,
        HealthVerdict::Blocked,
        HealthVerdict::Unknown,
    ];
    for verdict in verdicts {
        let finding = |remedy| json!({ "verdict": format!("{verdict:?}"), "title": "T\n", "detail": "D", "remedy": remedy });
        let answer = answering(&json!({ "Done": {
            "verdict": format!("{verdict:?}"), "findings": [finding(json!("R")), finding(Value::Null)],
            "token_expires": 5, "quality": "GREEN", "messaging_limit": null, "messages_per_second": 80,
        } }));
        let finding = |remedy| HealthFinding {
            verdict,
            title: text("T\\n"),
            detail: text("D"),
            remedy,
        };
        let expected = HealthReport {
            verdict,
            findings: vec![finding(Some(text("R"))), finding(None)],
            token_expires_ms: Some(5),
            quality: Some(text("GREEN")),
            messaging_limit: None,
            messages_per_second: Some(80),
        };
        let step = plugin.health_start(&answer).await.unwrap();
        assert_eq!(step, Step::Done(expected));
    }
}

#[tokio::test]
async fn pages_of_templates_arrive_as_they_are() {
    let Some(plugin) = echo().await else { return };
    let entry = json!({
        "id": "1", "name": "welcome", "language": "de", "category": "UTILITY", "status": "APPROVED",
        "quality": null, "reason": "r", "definition": "[1]",
    });
    let expected = TemplateEntry {
        id: Some(text("1")),
        name: text("welcome"),
        language: text("de"),
        category: text("UTILITY"),
        status: text("APPROVED"),
        quality: None,
        reason: Some(text("r")),
        definition: Json::parse(text("[1]")).unwrap(),
    };
    let request = TemplatesRequest::List;
    let page = answering(&json!({ "Page": [[entry], exchange_json()] }));
    match plugin.templates_start(&page, &request).await.unwrap() {
        PageStep::Page(entries, next) => {
            assert_eq!(entries, std::slice::from_ref(&expected));
            assert_eq!(next.label, "send");
        }
        other => panic!("expected a page, got {other:?}"),
    }
    let last = answering(&json!({ "Done": [entry] }));
    let step = plugin.templates_start(&last, &request).await.unwrap();
    assert_eq!(step, PageStep::Done(vec![expected]));
}
