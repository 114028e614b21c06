//! 360dialog's flows: a key of one's own, and a partner whose customers grant numbers in the browser.

use std::cell::Cell;

use serde_json::{Value, json};
use wharf_test_support::dialog360::{
    FakeDialog360, FakeDialog360Config, Fault, FaultRule, Inbound, Onboarding, PhoneNumber,
};

use super::{PUBLIC_URL, Run, assert_hidden, come_back, of, received_by, send_through};
use crate::harness::{SENDER, Setup, TestGateway, each_with};

/// A fake for each database that a test runs on.
pub(super) async fn each_partner(test: impl AsyncFn(&TestGateway, &FakeDialog360)) {
    let start = || async {
        FakeDialog360::start(FakeDialog360Config::default())
            .await
            .unwrap()
    };
    let (fakes, next) = ([start().await, start().await], Cell::new(0));
    let adjust = |setup: &mut Setup| {
        let fake = &fakes[next.replace(next.get() + 1)];
        for host in ["waba-v2.360dialog.io", "hub.360dialog.io"] {
            setup.connect(host, &fake.url());
        }
        let partner = &fake.config().partner;
        setup.main += &format!(
            "[apps.partner]\nplugin = \"dialog360\"\nsettings = {{ partner_id = \"{}\" }}\n\
             secrets = {{ partner_key = \"{}\", platform_secret = \"{}\" }}\n",
            partner.id, partner.api_key, partner.platform_secret
        );
    };
    each_with(adjust, async |gateway| {
        test(gateway, &fakes[next.get() - 1]).await;
    })
    .await;
}

fn number(id: &str) -> PhoneNumber {
    PhoneNumber {
        id: id.to_owned(),
        display_number: format!("49151{}", &id[..8]),
        account_id: "502290129340394".to_owned(),
        token: String::new(),
    }
}

/// Begins the partner's flow; the address that the browser comes back to, with the nonce.
async fn away<'g>(gateway: &'g TestGateway, fake: &FakeDialog360) -> (Run<'g>, String, String) {
    let begin = json!({ "plugin": "dialog360", "flow": "partner", "channel": "line" });
    let run = Run::begin(gateway, begin).await;
    let (url, query) = run.visit();
    fake.check_link(url.as_str()).unwrap();
    let back = of(&query, "redirect_url")
        .strip_prefix(PUBLIC_URL)
        .unwrap()
        .to_owned();
    assert!(back.starts_with("/onboarding/return/"), "{back}");
    (run, back, of(&query, "state").to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_ones_own_connects_a_number() {
    each_partner(async |gateway, fake| {
        let key = fake.config().numbers[0].token.clone();
        let begin = json!({ "plugin": "dialog360", "flow": "connect", "app": null });
        let mut run = Run::begin(gateway, begin).await;
        run.assert_asks(&["api_key"]);
        run.answer(json!({})).await.assert_error("invalid-message");
        run.assert_asks(&["api_key"]);
        run.answer(json!({ "api_key": "a-key-that-nobody-has" }))
            .await;
        run.assert_failed_at("number");
        run.assert_asks(&["api_key"]);
        run.answer(json!({ "api_key": key })).await;
        let channels = run.done();
        send_through(gateway, &channels[0]).await;
        assert_hidden(gateway, &[&key, "a-key-that-nobody-has"]).await;
        check_inbound(gateway, fake, &channels[0]).await;
    })
    .await;
}

/// The provider calls the address that it was told, with the secret that it was told.
async fn check_inbound(gateway: &TestGateway, fake: &FakeDialog360, channel: &str) {
    let known = fake.channels();
    let known = known.iter().find(|it| it.webhook.is_some()).unwrap();
    let webhook = known.webhook.as_ref().unwrap();
    let path = webhook.url.strip_prefix(PUBLIC_URL).unwrap();
    let of_number = fake.config().numbers[0].clone();
    let body = Inbound::text("Hello").webhook(&of_number, SENDER, "wamid.1", 1_790_000_000);
    let without = gateway.call("POST", path).without_key().json(&body).await;
    without.assert_problem(401, "signature-invalid");
    let mut call = gateway.call("POST", path).without_key();
    for (name, value) in &webhook.headers {
        assert!(value.len() >= 32, "the secret is minted");
        call = call.header(name, value);
    }
    assert_eq!(call.json(&body).await.status, 200);
    assert_eq!(received_by(gateway).await, channel);
    let secret = webhook.headers.values().next().unwrap();
    assert_hidden(gateway, &[secret]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partners_customer_grants_several_numbers_in_the_browser() {
    each_partner(async |gateway, fake| {
        let (mut run, back, nonce) = away(gateway, fake).await;
        let numbers = ["516540352242924", "526540352242924"].map(number);
        let granted = Onboarding::new("CLnew", numbers.to_vec()).with_state(&nonce);
        let query = fake.onboard(&granted);
        assert_eq!(
            come_back(gateway, &format!("{back}?{query}")).await.status,
            200
        );
        run.settle().await;
        assert_eq!(run.done(), ["line", "line-2"]);
        for channel in ["line", "line-2"] {
            send_through(gateway, channel).await;
        }
        let keys: Vec<_> = fake
            .channels()
            .into_iter()
            .filter_map(|it| it.api_key)
            .collect();
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        assert_hidden(gateway, &keys).await;

        // Both numbers call the one address; the second channel has it when the first one goes.
        let known = fake.channels();
        let hook = |id: &str| {
            let channel = known.iter().find(|it| it.phone_number_id == id).unwrap();
            channel.webhook.clone().unwrap()
        };
        assert_eq!(hook(&numbers[0].id), hook(&numbers[1].id));
        let gone = gateway.call("DELETE", "/v1/channels/line").empty().await;
        assert_eq!(gone.status, 204);
        let webhook = hook(&numbers[1].id);
        let mut call = gateway.call("POST", webhook.url.strip_prefix(PUBLIC_URL).unwrap());
        for (name, value) in &webhook.headers {
            call = call.header(name, value);
        }
        let body =
            Inbound::text("Still here").webhook(&numbers[1], SENDER, "wamid.2", 1_790_000_000);
        assert_eq!(call.without_key().json(&body).await.status, 200);
        assert_eq!(received_by(gateway).await, "line-2");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_is_not_ready_is_waited_for() {
    each_partner(async |gateway, fake| {
        let (mut run, back, nonce) = away(gateway, fake).await;
        let granted = Onboarding::new("CLslow", vec![number("536540352242924")]).with_state(&nonce);
        let query = fake.onboard(&granted.not_running_yet());
        assert_eq!(
            come_back(gateway, &format!("{back}?{query}")).await.status,
            200
        );
        let waiting = wharf_test_support::eventually(crate::harness::WAIT, || async {
            let path = format!("/v1/onboarding/{}", run.id);
            let body = gateway.call("GET", &path).empty().await.body;
            (body["status"] == "waiting").then_some(body)
        });
        let waiting = waiting.await.unwrap();
        assert!(waiting["wait_until"].is_string(), "{waiting:#}");
        let refused = run.try_answer(json!({})).await;
        refused.assert_problem(409, "onboarding-not-waiting");
        fake.run_channel("CH536540352242924");
        run.settle().await;
        assert_eq!(run.done(), ["line"]);
        send_through(gateway, "line").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_return_of_another_signup_or_without_a_number_is_refused_and_may_be_repeated() {
    each_partner(async |gateway, fake| {
        let (mut run, back, nonce) = away(gateway, fake).await;
        let foreign = format!("{back}?client=CLx&channels=[CH1]&state=another");
        assert_eq!(come_back(gateway, &foreign).await.status, 200);
        run.settle().await;
        run.assert_error("misconfigured");
        run.visit();
        assert_eq!(
            come_back(gateway, &format!("{back}?state={nonce}"))
                .await
                .status,
            200
        );
        run.settle().await;
        run.assert_error("misconfigured");
        run.visit();
        let granted = Onboarding::new("CLok", vec![number("546540352242924")]).with_state(&nonce);
        let query = fake.onboard(&granted);
        assert_eq!(
            come_back(gateway, &format!("{back}?{query}")).await.status,
            200
        );
        run.settle().await;
        assert_eq!(run.done(), ["line"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_that_fails_is_named_and_tried_again() {
    each_partner(async |gateway, fake| {
        let cases: [(&str, &str); 3] = [
            ("partner.keys", "key"),
            ("health", "number"),
            ("webhook.set", "webhook"),
        ];
        for (count, (call, step)) in cases.into_iter().enumerate() {
            let (mut run, back, nonce) = away(gateway, fake).await;
            let granted = number(&format!("55{count}540352242924"));
            let query = fake.onboard(&Onboarding::new("CLbad", vec![granted]).with_state(&nonce));
            let fault = Fault::Answer {
                status: 400,
                content_type: "application/json",
                body: "{\"meta\":{\"success\":false,\"developer_message\":\"No\"}}".to_owned(),
            };
            fake.add_fault(FaultRule::new(fault).on(call).times(1));
            assert_eq!(
                come_back(gateway, &format!("{back}?{query}")).await.status,
                200
            );
            run.settle().await;
            if run.status() == "question" {
                run.assert_failed_at(step);
                let again: Vec<Value> = run
                    .choices("numbers")
                    .into_iter()
                    .map(Value::from)
                    .collect();
                run.answer(json!({ "numbers": again })).await;
            }
            assert_eq!(run.done().len(), 1, "{call}");
            fake.clear_faults();
            fake.clear_requests();
            let gone = gateway.call("DELETE", "/v1/channels/line").empty().await;
            assert_eq!(gone.status, 204);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_renewed_for_a_channel_that_is_there() {
    each_partner(async |gateway, fake| {
        let (mut run, back, nonce) = away(gateway, fake).await;
        let granted = number("566540352242924");
        let query = fake.onboard(&Onboarding::new("CLnew", vec![granted]).with_state(&nonce));
        come_back(gateway, &format!("{back}?{query}")).await;
        run.settle().await;
        assert_eq!(run.done(), ["line"]);
        let key = |fake: &FakeDialog360| {
            let channels = fake.channels();
            let channel = channels
                .into_iter()
                .find(|it| it.client_id == "CLnew")
                .unwrap();
            channel.api_key.unwrap()
        };
        let before = key(fake);
        let renew = json!({ "plugin": "dialog360", "flow": "reconnect", "channel": "line" });
        let run = Run::begin(gateway, renew).await;
        assert_eq!(run.done(), ["line"]);
        assert_ne!(key(fake), before);
        send_through(gateway, "line").await;
        let hooks = json!({ "plugin": "dialog360", "flow": "webhooks", "channel": "line" });
        assert_eq!(Run::begin(gateway, hooks).await.done(), ["line"]);
    })
    .await;
}
