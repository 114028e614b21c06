//! Meta's flows: the signup's window, the browser, a token of one's own, numbers that stay in the app.

use std::time::Duration;

use serde_json::{Value, json};
use wharf_test_support::graph::{Inbound, PhoneNumber, SignUp, VERIFICATION_CODE};

use super::{PUBLIC_URL, Run, assert_hidden, come_back, of, received_by, send_through};
use crate::harness::{ACME, SENDER, Setup, TestGateway, each_with};

pub(super) const APP_ID: &str = "670843887433847";
const CONFIG_ID: &str = "990011223344556";

/// The operator's app can be signed up with.
pub(super) fn app(setup: &mut Setup) {
    let settings =
        format!("settings = {{ app_id = \"{APP_ID}\", signup_config_id = \"{CONFIG_ID}\" }}\n");
    setup.main = settings + &setup.main;
}

pub(super) fn customer(id: &str) -> PhoneNumber {
    PhoneNumber {
        id: id.to_owned(),
        display_number: format!("49151{}", &id[..8]),
        account_id: format!("9{}", &id[1..]),
        token: String::new(),
    }
}

pub(super) fn signup(code: &str, number: &PhoneNumber) -> Value {
    json!({ "plugin": "graph", "flow": "signup", "inputs": {
        "code": code, "event": "FINISH", "waba_id": number.account_id, "phone_number_id": number.id,
    } })
}

/// The tokens that the fake gave out.
pub(super) fn tokens(gateway: &TestGateway) -> Vec<String> {
    let mut tokens = gateway.graph.tokens();
    tokens.retain(|token| token.starts_with("EAAJB"));
    tokens
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_signups_code_becomes_a_channel_that_sends_and_receives() {
    each_with(app, async |gateway| {
        let number = customer("306540352242922");
        let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
        let run = Run::begin(gateway, signup(&code, &number)).await;
        let channels = run.done();
        assert_eq!(channels, ["graph-306540352242922"]);
        let steps = run.shown["steps"].as_array().unwrap();
        let ok = |step: &str| {
            steps
                .iter()
                .any(|it| it["name"] == step && it["verdict"] == "ok")
        };
        assert!(
            ok("login") && ok("token") && ok("register"),
            "{:#}",
            run.shown
        );
        assert!(gateway.graph.is_subscribed(&number.account_id));
        let state = gateway.graph.number_state(&number.id).unwrap();
        assert_eq!(state.status, "CONNECTED");
        let pin = state.pin.unwrap();

        let id = send_through(gateway, &channels[0]).await;
        assert_eq!(gateway.effects(&id), 1);
        gateway
            .graph
            .receive_at(&number, SENDER, &Inbound::text("To the new number"));
        assert_eq!(received_by(gateway).await, channels[0]);

        let shown = gateway
            .call("GET", &format!("/v1/channels/{}", channels[0]))
            .empty()
            .await;
        assert_eq!(shown.body["source"], "api");
        assert_eq!(shown.body["onboarding"], run.id.as_str());
        assert_eq!(shown.body["app"], "meta");
        let secrets = tokens(gateway);
        assert!(!secrets.is_empty());
        let mut secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
        secrets.push(&code);
        assert_hidden(gateway, &secrets).await;
        assert_eq!(pin.len(), 6);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_goes_to_meta_and_comes_back_to_the_one_address() {
    each_with(app, async |gateway| {
        let run = json!({ "plugin": "graph", "flow": "signup-browser", "channel": "shop" });
        let mut run = Run::begin(gateway, run).await;
        let (url, query) = run.visit();
        assert_eq!(url.host_str(), Some("www.facebook.com"));
        assert_eq!(of(&query, "client_id"), APP_ID);
        let back = format!("{PUBLIC_URL}/onboarding/return");
        assert_eq!(of(&query, "redirect_uri"), back);
        let token = of(&query, "state").to_owned();
        run.try_answer(json!({}))
            .await
            .assert_problem(409, "onboarding-not-waiting");

        let number = customer("406540352242922");
        let sign_up = SignUp::new(vec![number.clone()]).redirected_to(&back);
        let code = gateway.graph.sign_up(&sign_up);
        let strange = come_back(gateway, "/onboarding/return?code=x&state=nobody").await;
        assert_eq!(strange.status, 404);
        let none = come_back(gateway, "/onboarding/return?code=x").await;
        assert_eq!(none.status, 404);
        let home = format!("/onboarding/return?code={code}&state={token}");
        assert_eq!(come_back(gateway, &home).await.status, 200);
        run.settle().await;
        assert_eq!(run.done(), ["shop"]);
        assert_eq!(come_back(gateway, &home).await.status, 410);
        send_through(gateway, "shop").await;
        assert_hidden(gateway, &[&code]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_numbers_are_chosen_among_and_connected_at_once() {
    each_with(app, async |gateway| {
        let mut numbers = ["316540352242922", "326540352242922", "336540352242922"].map(customer);
        for number in &mut numbers {
            "302290129340398".clone_into(&mut number.account_id);
        }
        let code = gateway.graph.sign_up(&SignUp::new(numbers.to_vec()));
        let begin = json!({ "plugin": "graph", "flow": "signup", "channel": "line",
                            "inputs": { "code": code } });
        let mut run = Run::begin(gateway, begin).await;
        run.assert_asks(&["phone_number_id"]);
        assert_eq!(run.choices("phone_number_id").len(), 3);
        let foreign = run.try_answer(json!({ "phone_number_id": "999" })).await;
        foreign.assert_problem(422, "invalid-request");
        foreign.assert_fields(&[("/answers/phone_number_id", "invalid")]);
        run.answer(json!({ "phone_number_id": [numbers[0].id, numbers[2].id] }))
            .await;
        assert_eq!(run.done(), ["line", "line-2"]);
        for channel in ["line", "line-2"] {
            send_through(gateway, channel).await;
        }
        assert!(
            gateway
                .graph
                .number_state(&numbers[1].id)
                .unwrap()
                .pin
                .is_none()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_stays_in_the_app_is_connected_without_a_pin() {
    each_with(app, async |gateway| {
        let number = customer("346540352242922");
        let code = gateway
            .graph
            .sign_up(&SignUp::new(vec![number.clone()]).coexistence());
        let begin = json!({ "plugin": "graph", "flow": "signup-app", "inputs": {
            "code": code, "event": "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING",
            "waba_id": number.account_id,
        } });
        let run = Run::begin(gateway, begin).await;
        let channels = run.done();
        let state = gateway.graph.number_state(&number.id).unwrap();
        assert!(
            state.pin.is_none(),
            "the app's own number is not registered"
        );
        send_through(gateway, &channels[0]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_ones_own_connects_too() {
    each_with(app, async |gateway| {
        let number = customer("356540352242922");
        let token = signed_up_token(gateway, &number).await;
        let mut run = Run::begin(gateway, json!({ "plugin": "graph", "flow": "manual" })).await;
        run.assert_asks(&["access_token", "waba_id"]);
        let secret = &run.shown["question"]["fields"][0];
        assert_eq!(secret["secret"], true);
        run.answer(json!({ "access_token": token, "waba_id": number.account_id }))
            .await;
        if run.status() == "question" {
            run.assert_asks(&["phone_number_id"]);
            run.answer(json!({ "phone_number_id": number.id })).await;
        }
        let channels = run.done();
        send_through(gateway, &channels[0]).await;
        assert_hidden(gateway, &[&token]).await;
    })
    .await;
}

/// A token as a system user has it: the fake gives tokens out for codes only.
pub(super) async fn signed_up_token(gateway: &TestGateway, number: &PhoneNumber) -> String {
    let before = gateway.graph.tokens();
    let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
    let url = format!(
        "{}/v26.0/oauth/access_token?client_id={APP_ID}&client_secret={}&code={code}",
        gateway.graph.url(),
        gateway.credentials.app_secret
    );
    let client = reqwest::Client::builder().build().unwrap();
    let answer = client
        .get(url)
        .header("host", "graph.facebook.com")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let mut after = gateway.graph.tokens();
    after.retain(|token| !before.contains(token));
    after.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_of_the_tenants_own_brings_its_secrets_and_gets_its_own_webhook() {
    each_with(|_: &mut Setup| {}, async |gateway| {
        let number = customer("366540352242922");
        let token = signed_up_token(gateway, &number).await;
        let missing = json!({ "plugin": "graph", "flow": "manual", "app": null });
        let refused = gateway.call("POST", "/v1/onboarding").json(&missing).await;
        refused.assert_problem(422, "invalid-request");
        refused.assert_fields(&[
            ("/inputs/app_secret", "missing"),
            ("/inputs/verify_token", "missing"),
        ]);
        let secret = gateway.credentials.app_secret.clone();
        let begin = json!({ "plugin": "graph", "flow": "manual", "app": null, "channel": "own", "inputs": {
            "app_id": APP_ID, "app_secret": secret, "verify_token": "a-word-of-my-own-4711",
        } });
        let mut run = Run::begin(gateway, begin).await;
        run.assert_asks(&["access_token", "waba_id"]);
        run.answer(json!({ "access_token": token, "waba_id": number.account_id })).await;
        if run.status() == "question" {
            run.answer(json!({ "phone_number_id": number.id })).await;
        }
        assert_eq!(run.done(), ["own"]);

        // Meta asks the channel's own address whether it is ours.
        let shown = gateway.call("GET", "/v1/channels/own").empty().await;
        let url = shown.body["webhook_urls"]["main"].as_str().unwrap();
        let path = url.strip_prefix(PUBLIC_URL).unwrap();
        gateway.graph.set_callback_url(gateway.url(path));
        send_through(gateway, "own").await;
        let challenge = format!(
            "{path}?hub.mode=subscribe&hub.verify_token=a-word-of-my-own-4711&hub.challenge=77"
        );
        let echoed = gateway.call("GET", &challenge).without_key().empty().await;
        assert_eq!((echoed.status, echoed.text.as_str()), (200, "77"));
        assert_hidden(gateway, &[&token, "a-word-of-my-own-4711"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_with_a_pin_asks_for_it_or_gets_a_new_one() {
    each_with(app, async |gateway| {
        let numbers = ["376540352242922", "386540352242922"].map(customer);
        for (number, choice) in numbers.iter().zip(["enter", "replace"]) {
            let known = SignUp::new(vec![number.clone()]).with_pin("424242");
            let code = gateway.graph.sign_up(&known);
            let mut run = Run::begin(gateway, signup(&code, number)).await;
            run.assert_asks(&["decision", "current_pin"]);
            run.assert_failed_at("register");
            if choice == "enter" {
                run.answer(json!({ "decision": "enter", "current_pin": "111111" }))
                    .await;
                run.assert_asks(&["decision", "current_pin"]);
                let wrong = run.try_answer(json!({ "decision": "enter", "current_pin": "12" }));
                wrong
                    .await
                    .assert_fields(&[("/answers/current_pin", "invalid")]);
            }
            let answers = match choice {
                "enter" => json!({ "decision": "enter", "current_pin": "424242" }),
                _ => json!({ "decision": "replace" }),
            };
            run.answer(answers).await;
            let channels = run.done();
            send_through(gateway, &channels[0]).await;
            let pin = gateway.graph.number_state(&number.id).unwrap().pin.unwrap();
            assert_ne!(pin, "424242", "the gateway's own PIN");
        }
        gateway.graph.clear_requests();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_is_not_verified_gets_a_code_first() {
    each_with(app, async |gateway| {
        let number = customer("396540352242922");
        let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
        gateway.graph.change_number(&number.id, |number| {
            number.code_verified = false;
        });
        let mut run = Run::begin(gateway, signup(&code, &number)).await;
        run.assert_asks(&["decision"]);
        run.decide("sms")
            .await
            .assert_asks(&["verification_code", "decision"]);
        run.answer(json!({ "verification_code": "000000" })).await;
        run.assert_asks(&["verification_code", "decision"]);
        run.assert_failed_at("register");
        run.answer(json!({ "verification_code": VERIFICATION_CODE }))
            .await;
        let channels = run.done();
        send_through(gateway, &channels[0]).await;
        gateway.graph.clear_requests();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_expires_says_so_and_the_session_has_an_end() {
    each_with(app, async |gateway| {
        let number = customer("300540352242922");
        let lives = Duration::from_secs(50 * 86_400);
        let code = gateway
            .graph
            .sign_up(&SignUp::new(vec![number.clone()]).with_token_lifetime(lives));
        let run = Run::begin_by(gateway, ACME, signup(&code, &number)).await;
        assert_eq!(run.done().len(), 1);
        let findings = run.shown["findings"].as_array().unwrap();
        let warned = findings
            .iter()
            .find(|it| it["verdict"] == "warning")
            .unwrap();
        assert_eq!(warned["step"], "token");
        assert!(!warned["remedy"].as_str().unwrap().is_empty());
        assert!(run.shown["expires_at"].as_str() > run.shown["created_at"].as_str());
    })
    .await;
}
