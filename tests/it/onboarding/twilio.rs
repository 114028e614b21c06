//! Twilio's flows: numbers that are senders already, and those to register, in the account or in a subaccount.

use std::cell::Cell;

use serde_json::json;
use wharf_test_support::twilio::{
    FakeTwilio, FakeTwilioConfig, Fault, FaultRule, Inbound, VERIFICATION_CODE,
};

use super::{PUBLIC_URL, Run, assert_hidden, received_by, send_through};
use crate::harness::{Setup, TO, TestGateway, each_with};

const HOSTS: [&str; 4] = [
    "api.twilio.com",
    "content.twilio.com",
    "messaging.twilio.com",
    "mms.twiliocdn.com",
];

async fn each_account(
    config: impl Fn(&mut FakeTwilioConfig),
    test: impl AsyncFn(&TestGateway, &FakeTwilio),
) {
    let start = || async {
        let mut wanted = FakeTwilioConfig::default();
        config(&mut wanted);
        FakeTwilio::start(wanted).await.unwrap()
    };
    let (fakes, next) = ([start().await, start().await], Cell::new(0));
    let adjust = |setup: &mut Setup| {
        let fake = &fakes[next.replace(next.get() + 1)];
        for host in HOSTS {
            setup.connect(host, &fake.url());
        }
    };
    each_with(adjust, async |gateway| {
        let fake = &fakes[next.get() - 1];
        fake.connect_to(PUBLIC_URL, gateway.url(""));
        test(gateway, fake).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_connect_a_number_that_sends_and_receives() {
    each_account(
        |_| {},
        async |gateway, fake| {
            let account = fake.account();
            let begin = json!({ "plugin": "twilio", "flow": "connect", "channel": "twilio" });
            let mut run = Run::begin(gateway, begin).await;
            let fields = ["account_sid", "auth_token", "api_key_sid", "api_key_secret"];
            run.assert_asks(&fields);
            let wrong = run
                .try_answer(json!({ "account_sid": "AC12", "auth_token": "0123456789" }))
                .await;
            wrong.assert_fields(&[("/answers/account_sid", "invalid")]);
            let refused =
                json!({ "account_sid": account.sid, "auth_token": "not-the-token-of-it" });
            run.answer(refused).await.assert_asks(&fields);
            run.assert_failed_at("account");
            run.answer(json!({ "account_sid": account.sid }))
                .await
                .assert_asks(&fields);
            run.assert_failed_at("account");
            run.answer(json!({ "account_sid": account.sid, "auth_token": account.auth_token }))
                .await;
            assert_eq!(run.done(), ["twilio"]);
            send_through(gateway, "twilio").await;
            fake.receive(TO, &Inbound::text("Hello"));
            assert_eq!(received_by(gateway).await, "twilio");
            assert_hidden(gateway, &[&account.auth_token, "not-the-token-of-it"]).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_that_fails_waits_by_itself_and_goes_on() {
    each_account(
        |_| {},
        async |gateway, fake| {
            let account = fake.account();
            for (call, fault) in [
                ("accounts.fetch", Fault::Unavailable),
                ("accounts.fetch", Fault::Reset),
                ("senders.list", Fault::InternalServerError),
                ("senders.update", Fault::Reset),
            ] {
                let begin = json!({ "plugin": "twilio", "flow": "connect" });
                let mut run = Run::begin(gateway, begin).await;
                fake.add_fault(FaultRule::new(fault).on(call).times(1));
                let given = json!({ "account_sid": account.sid, "auth_token": account.auth_token });
                run.answer(given).await;
                assert_eq!(run.done(), ["twilio-15550783881"], "{call}");
                let findings = run.shown["findings"].as_array().unwrap();
                assert!(
                    findings.iter().any(|it| it["verdict"] == "waiting"),
                    "{call}: {findings:#?}"
                );
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_are_registered_with_the_code_that_meta_sends() {
    let with_code = |config: &mut FakeTwilioConfig| config.setup.needs_code = true;
    each_account(with_code, async |gateway, fake| {
        let account = fake.account();
        fake.share_waba("1234567");
        let begin = json!({ "plugin": "twilio", "flow": "register", "inputs": {
            "numbers": "+1 555 111 0000", "waba_id": "1234567", "display_name": "Lucky Shrub",
        } });
        let mut run = Run::begin(gateway, begin).await;
        let given = json!({ "account_sid": account.sid, "auth_token": account.auth_token });
        run.answer(given).await.assert_asks(&["verification_code"]);
        run.answer(json!({ "verification_code": "000000" })).await;
        run.assert_asks(&["verification_code"])
            .assert_failed_at("verify");
        run.answer(json!({ "verification_code": VERIFICATION_CODE }))
            .await;
        let channels = run.done();
        assert_eq!(channels, ["twilio-15551110000"]);
        send_through(gateway, &channels[0]).await;
        fake.receive_at("+15551110000", TO, &Inbound::text("Hello"));
        assert_eq!(received_by(gateway).await, channels[0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_gets_a_subaccount_of_its_own() {
    each_account(|_| {}, async |gateway, fake| {
        let account = fake.account();
        fake.share_waba("7654321");
        let begin = json!({ "plugin": "twilio", "flow": "subaccount", "channel": "sub", "inputs": {
            "numbers": "+15552220000, +15553330000", "waba_id": "7654321", "display_name": "Acme",
            "main_account_sid": account.sid, "main_auth_token": account.auth_token,
        } });
        let run = Run::begin(gateway, begin).await;
        assert_eq!(run.done(), ["sub", "sub-2"]);
        let accounts = fake.accounts();
        let own = accounts.iter().find(|it| it.sid != account.sid).unwrap();
        let shown = gateway.call("GET", "/v1/channels/sub").empty().await;
        assert_eq!(shown.body["account"], own.sid.as_str());
        send_through(gateway, "sub").await;
        send_through(gateway, "sub-2").await;
        assert_hidden(gateway, &[&account.auth_token, &own.auth_token]).await;
        fake.receive_at("+15553330000", TO, &Inbound::text("Hello"));
        assert_eq!(received_by(gateway).await, "sub-2");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_without_a_sender_says_what_to_do_and_asks_again() {
    each_account(
        |config| config.senders.clear(),
        async |gateway, fake| {
            let account = fake.account();
            let mut run =
                Run::begin(gateway, json!({ "plugin": "twilio", "flow": "connect" })).await;
            let given = json!({ "account_sid": account.sid, "auth_token": account.auth_token });
            run.answer(given).await.assert_error("misconfigured");
            run.assert_status("question");
            let gone = gateway
                .call("DELETE", &format!("/v1/onboarding/{}", run.id))
                .empty()
                .await;
            assert_eq!(gone.status, 204);
            run.look().await;
            run.assert_status("canceled");
            assert_hidden(gateway, &[&account.auth_token]).await;
        },
    )
    .await;
}
