//! What the host hands in arrives whole.

use serde_json::{Value, json};
use wharf_core::provider::{
    Address, CallContext, HttpMethod, HttpResponse, InboundEvent, Json, MediaRequest,
    OutboundMessage, Outcome, ProfileRequest, StoredResponse, TemplateDraft, TemplatesRequest,
    TransportFailure, WebhookRequest,
};

use super::super::{context, message, webhook};
use super::{echo, media_ref, media_ref_json, of_flow, of_pages, of_step};

fn text(text: &str) -> String {
    text.to_owned()
}

#[tokio::test]
async fn the_envelope_and_the_context_arrive_as_they_are() {
    let Some(plugin) = echo().await else { return };
    let context = CallContext {
        settings: vec![(text("a"), text("1")), (text("a"), text("2"))],
        now_ms: u64::from(u32::MAX) + 1,
        seed: std::array::from_fn(|at| u8::try_from(at).unwrap()),
        locale: Some(text("de-AT")),
    };
    let addresses = [
        (Address::Phone(text("491")), json!({ "Phone": "491" })),
        (Address::UserId(text("US.1")), json!({ "UserId": "US.1" })),
        (Address::Group(text("g")), json!({ "Group": "g" })),
    ];
    for (to, expected) in addresses {
        let message = OutboundMessage {
            to,
            reply_to: Some(text("wamid.0")),
            options: text(r#"{"ttl":1}"#),
            ..message()
        };
        let arguments = of_step(&plugin.start(&context, &message).await.unwrap());
        assert_eq!(
            arguments[0],
            json!({
                "settings": [["a", "1"], ["a", "2"]], "now": 4_294_967_296_u64,
                "seed": (0..32).collect::<Vec<u8>>(), "locale": "de-AT",
            })
        );
        let envelope = &arguments[1];
        assert_eq!(envelope["to"], expected);
        assert_eq!(envelope["id"], message.id);
        assert_eq!(envelope["sender"], message.sender);
        assert_eq!(envelope["reply_to"], "wamid.0");
        assert_eq!(envelope["options"], r#"{"ttl":1}"#);
    }
}

fn outcomes() -> Vec<(Outcome, Value)> {
    use TransportFailure as F;
    let headers = || vec![(text("content-type"), text("text/plain"))];
    let failures = [
        F::Dns,
        F::Connect,
        F::Tls,
        F::TimeoutBeforeSend,
        F::TimeoutAfterSend,
        F::Reset,
        F::BodyTooLarge,
        F::Denied,
        F::Canceled,
        F::Interrupted,
        F::Other,
    ];
    let failed = failures.map(|failure| {
        (
            Outcome::Failed(failure),
            json!({ "Failed": format!("{failure:?}") }),
        )
    });
    let response = Outcome::Response(HttpResponse {
        status: 302,
        headers: headers(),
        body: vec![0, 255],
    });
    let stored = Outcome::Stored(StoredResponse {
        status: 206,
        headers: headers(),
        media: media_ref(),
    });
    let headers = json!([["content-type", "text/plain"]]);
    let mut outcomes = vec![
        (
            response,
            json!({ "Response": { "status": 302, "headers": headers, "body": [0, 255] } }),
        ),
        (
            stored,
            json!({ "Stored": { "status": 206, "headers": headers, "media": media_ref_json() } }),
        ),
    ];
    outcomes.extend(failed);
    outcomes
}

#[tokio::test]
async fn every_outcome_arrives_with_the_state_it_belongs_to() {
    let Some(plugin) = echo().await else { return };
    let (context, message, state) = (context(), message(), [0, 1, 255]);
    for (outcome, expected) in outcomes() {
        let step = plugin.resume(&context, &message, &state, &outcome).await;
        let arguments = of_step(&step.unwrap());
        assert_eq!(arguments[1]["id"], message.id);
        assert_eq!(arguments[2], json!([0, 1, 255]));
        assert_eq!(arguments[3], expected);
    }
}

#[tokio::test]
async fn a_webhook_arrives_as_it_came() {
    let Some(plugin) = echo().await else { return };
    let methods = [
        HttpMethod::Get,
        HttpMethod::Post,
        HttpMethod::Put,
        HttpMethod::Patch,
        HttpMethod::Delete,
    ];
    for method in methods {
        let webhook = WebhookRequest {
            method,
            query: vec![(text("hub.mode"), text("x"))],
            ..webhook(&[0, 200])
        };
        let parsed = plugin.parse(&context(), &webhook, 7).await.unwrap();
        let InboundEvent::Other(document) = &parsed.items[0].event else {
            panic!("expected the arguments, got {parsed:?}");
        };
        let arguments = document.to_value();
        assert_eq!(
            arguments[1],
            json!({
                "name": "main", "method": format!("{method:?}"), "query": [["hub.mode", "x"]],
                "headers": [["content-type", "application/json"]], "body": [0, 200],
                "received_at": 1_700_000_000_000_u64,
            })
        );
        assert_eq!(arguments[2], 7);
    }
}

#[tokio::test]
async fn requests_for_media_and_templates_arrive_as_they_are() {
    let Some(plugin) = echo().await else { return };
    let (context, (outcome, outcome_json)) = (context(), outcomes().swap_remove(0));
    let requests = [
        (MediaRequest::Fetch(text("loc")), json!({ "Fetch": "loc" })),
        (
            MediaRequest::Upload(media_ref()),
            json!({ "Upload": media_ref_json() }),
        ),
        (MediaRequest::Delete(text("id")), json!({ "Delete": "id" })),
    ];
    for (request, expected) in requests {
        let started = plugin.media_start(&context, &request).await.unwrap();
        assert_eq!(of_step(&started)[1], expected);
        let resumed = plugin
            .media_resume(&context, &request, &[4], &outcome)
            .await
            .unwrap();
        let arguments = of_step(&resumed);
        assert_eq!(
            [&arguments[1], &arguments[2], &arguments[3]],
            [&expected, &json!([4]), &outcome_json]
        );
    }
    let draft = TemplateDraft {
        name: text("n"),
        language: text("de"),
        category: text("UTILITY"),
        definition: Json::from(json!([])),
        examples: vec![(text("/0/example"), media_ref())],
    };
    let draft_json = json!({
        "name": "n", "language": "de", "category": "UTILITY", "definition": "[]",
        "examples": [["/0/example", media_ref_json()]],
    });
    let requests = [
        (TemplatesRequest::List, json!("List")),
        (
            TemplatesRequest::Create(draft.clone()),
            json!({ "Create": draft_json }),
        ),
        (
            TemplatesRequest::Edit(text("1"), draft),
            json!({ "Edit": ["1", draft_json] }),
        ),
        (
            TemplatesRequest::Delete(text("n"), None),
            json!({ "Delete": ["n", null] }),
        ),
        (
            TemplatesRequest::Delete(text("n"), Some(text("1"))),
            json!({ "Delete": ["n", "1"] }),
        ),
    ];
    for (request, expected) in requests {
        let started = plugin.templates_start(&context, &request).await.unwrap();
        assert_eq!(of_pages(&started)[1], expected);
        let resumed = plugin
            .templates_resume(&context, &request, &[4], &outcome)
            .await
            .unwrap();
        let arguments = of_pages(&resumed);
        assert_eq!(
            [&arguments[1], &arguments[2], &arguments[3]],
            [&expected, &json!([4]), &outcome_json]
        );
    }
}

#[tokio::test]
async fn questions_about_accounts_and_messages_arrive_as_they_are() {
    let Some(plugin) = echo().await else { return };
    let (context, message) = (context(), message());
    let (outcome, outcome_json) = outcomes().swap_remove(0);
    let after = |from: usize, arguments: &Value| {
        assert_eq!(arguments[from], json!([4]));
        assert_eq!(arguments[from + 1], outcome_json);
    };

    let started = plugin.health_start(&context).await.unwrap();
    assert_eq!(of_step(&started)[0]["now"], context.now_ms);
    let resumed = plugin.health_resume(&context, &[4], &outcome).await;
    after(1, &of_step(&resumed.unwrap()));

    let requests = [
        (ProfileRequest::Get, json!("Get")),
        (
            ProfileRequest::Set(Json::from(json!({ "about": "x" }))),
            json!({ "Set": r#"{"about":"x"}"# }),
        ),
    ];
    for (request, expected) in requests {
        let started = plugin.profile_start(&context, &request).await.unwrap();
        assert_eq!(of_step(&started)[1], expected);
        let resumed = plugin
            .profile_resume(&context, &request, &[4], &outcome)
            .await;
        let arguments = of_step(&resumed.unwrap());
        assert_eq!(arguments[1], expected);
        after(2, &arguments);
    }

    let started = plugin.reconcile_start(&context, &message, 5).await.unwrap();
    let arguments = of_step(&started);
    assert_eq!(arguments[1]["id"], message.id);
    assert_eq!(arguments[2], 5);
    let resumed = plugin
        .reconcile_resume(&context, &message, 6, &[4], &outcome)
        .await;
    let arguments = of_step(&resumed.unwrap());
    assert_eq!(arguments[1]["id"], message.id);
    assert_eq!(arguments[2], 6);
    after(3, &arguments);

    let started = plugin.catch_up(&context, 7).await.unwrap();
    assert_eq!(of_pages(&started)[1], 7);
    let resumed = plugin.catch_up_resume(&context, 8, &[4], &outcome).await;
    let arguments = of_pages(&resumed.unwrap());
    assert_eq!(arguments[1], 8);
    after(2, &arguments);
}

#[tokio::test]
async fn the_steps_of_a_flow_arrive_as_they_are() {
    let Some(plugin) = echo().await else { return };
    let context = context();
    let (outcome, outcome_json) = outcomes().swap_remove(0);
    let inputs = [(text("number"), text("1"))];
    let started = plugin.onboarding_start(&context, "connect", &inputs).await;
    let arguments = of_flow(&started.unwrap());
    assert_eq!(arguments[1], "connect");
    assert_eq!(arguments[2], json!([["number", "1"]]));

    let resumed = plugin
        .onboarding_resume(&context, "connect", &[4], &outcome)
        .await;
    let arguments = of_flow(&resumed.unwrap());
    assert_eq!(
        [&arguments[1], &arguments[2], &arguments[3]],
        [&json!("connect"), &json!([4]), &outcome_json]
    );

    let inputs = [
        (text("number"), vec![text("1"), text("2")]),
        (text("code"), Vec::new()),
    ];
    let answered = plugin
        .onboarding_answer(&context, "connect", &[4], &inputs)
        .await;
    let arguments = of_flow(&answered.unwrap());
    assert_eq!(arguments[2], json!([4]));
    assert_eq!(arguments[3], json!([["number", ["1", "2"]], ["code", []]]));
}
