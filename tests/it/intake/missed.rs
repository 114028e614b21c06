//! What was missed while nobody listened: fetched after an outage and on request, and never twice.

use serde_json::{Value, json};
use wharf_store::upkeep;
use wharf_test_support::FakeTwilio;
use wharf_test_support::twilio::{FakeTwilioConfig, Inbound};

use super::{events, get, wait_events, wait_for};
use crate::harness::{Setup, TestGateway, each_with};

const FROM: &str = "+4915112345678";
const PUBLIC_URL: &str = "https://wharf.example.com";
const PATH: &str = "/v1/channels/twilio/catch-up";

pub(super) async fn fake() -> FakeTwilio {
    FakeTwilio::start(FakeTwilioConfig::default())
        .await
        .unwrap()
}

/// A channel of `acme` that goes through the fake.
pub(super) fn with_twilio(twilio: &FakeTwilio, setup: &mut Setup) {
    super::quiet(setup);
    for host in [
        "api.twilio.com",
        "content.twilio.com",
        "messaging.twilio.com",
        "mms.twiliocdn.com",
    ] {
        setup.connect(host, &twilio.url());
    }
    let account = twilio.account();
    setup.acme += &format!(
        "[channels.twilio]\nplugin = \"twilio\"\nsettings = {{ number = \"{}\", account_sid = \"{}\" }}\n\
         secrets = {{ auth_token = \"{}\" }}\n",
        twilio.sender().number,
        account.sid,
        account.auth_token,
    );
}

async fn webhook(gateway: &TestGateway) -> String {
    let channels = get(gateway, "/v1/channels").await;
    let all = channels["data"].as_array().unwrap().clone();
    let channel = all.into_iter().find(|it| it["id"] == "twilio").unwrap();
    channel["webhook_urls"]["main"].as_str().unwrap().to_owned()
}

fn texts(events: &[Value]) -> Vec<String> {
    let mut texts: Vec<_> = events
        .iter()
        .map(|event| {
            event["data"]["content"]["body"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    texts.sort();
    texts
}

/// An hour ago, as people write it.
fn an_hour_ago(gateway: &TestGateway) -> Value {
    let at = gateway.app().now_ms() - 3_600_000;
    json!({ "since": wharf::clock::rfc3339(at) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_twilio_could_not_deliver_is_fetched_once() {
    let twilio = fake().await;
    each_with(
        |setup| with_twilio(&twilio, setup),
        async |gateway| {
            let url = webhook(gateway).await;
            let number = rand::random::<u32>();
            let delivered = format!("delivered {number}");
            let form = twilio.form_of(FROM, &Inbound::text(&delivered));
            let body = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&form)
                .finish();
            let path = url.strip_prefix(PUBLIC_URL).unwrap();
            let answer = gateway
                .call("POST", path)
                .without_key()
                .header("x-twilio-signature", &twilio.signature(&url, &form))
                .bytes("application/x-www-form-urlencoded", body)
                .await;
            assert_eq!(answer.status, 204, "{answer:?}");
            wait_events(gateway, "message.received", 1).await;
            let lost = format!("lost {number}");
            twilio.receive_silently(FROM, &Inbound::text(&lost));

            let asked = gateway.call("POST", PATH).json(&an_hour_ago(gateway)).await;
            assert_eq!(asked.status, 202, "{asked:?}");
            let state = wait_for(gateway, PATH, |state| state["status"] != "waiting").await;
            assert_eq!(state["status"], "done", "{state:#}");
            assert!(state["items"].as_u64().unwrap() >= 2, "{state:#}");
            // Once more, and nothing changes.
            let again = gateway.call("POST", PATH).json(&an_hour_ago(gateway)).await;
            assert_eq!(again.status, 202);
            wait_for(gateway, PATH, |state| state["status"] == "done").await;
            gateway.wait_idle().await;
            let received: Vec<_> = texts(&events(gateway, "message.received"))
                .into_iter()
                .filter(|text| text.ends_with(&number.to_string()))
                .collect();
            assert_eq!(received, [delivered, lost]);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_was_away_fetches_what_it_missed_by_itself() {
    let twilio = fake().await;
    let adjust = |setup: &mut Setup| {
        with_twilio(&twilio, setup);
        setup.set("upkeep.heartbeat_ms", 100);
    };
    each_with(adjust, async |gateway| {
        let lost = format!("lost {}", rand::random::<u32>());
        twilio.receive_silently(FROM, &Inbound::text(&lost));
        assert_eq!(get(gateway, PATH).await["status"], "never");
        // As if it had been silent for an hour.
        let then = gateway.app().now_ms() - 3_600_000;
        let silent = gateway.db().write(move |tx| {
            Box::pin(async move {
                wharf_store::on_db!(&mut **tx, |c| sqlx::query("update heartbeat set at = $1")
                    .bind(then)
                    .execute(c)
                    .await
                    .map(drop))
                .unwrap();
                Ok(())
            })
        });
        silent.await.unwrap();
        let state = wait_for(gateway, PATH, |state| state["status"] == "done").await;
        assert!(state["since"].is_string(), "{state:#}");
        let received = wait_events(gateway, "message.received", 1).await;
        assert!(texts(&received).contains(&lost), "{received:#?}");
        // The gateway goes on saying that it is up.
        let mut beats = gateway.db().read().await.unwrap();
        let channels = upkeep::channels(&mut beats).await.unwrap();
        assert!(channels.iter().any(|it| it.plugin == "twilio"));
        drop(beats);
        assert!(gateway.number("select at from heartbeat").await > then);
        let meta = get(gateway, "/v1/channels/main/catch-up").await;
        assert_eq!(
            meta["status"], "never",
            "Meta repeats its webhooks: {meta:#}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_moment_and_a_provider_without_a_list_are_refused() {
    let twilio = fake().await;
    each_with(
        |setup| with_twilio(&twilio, setup),
        async |gateway| {
            for since in [
                json!({}),
                json!({ "since": "yesterday" }),
                json!({ "since": "2999-01-01T00:00:00Z" }),
                json!({ "since": "2001-01-01T00:00:00Z" }),
                json!({ "since": 5 }),
            ] {
                let answer = gateway.call("POST", PATH).json(&since).await;
                answer
                    .assert_problem(422, "invalid-request")
                    .assert_fields(&[("/since", "invalid")]);
            }
            let body = an_hour_ago(gateway);
            let meta = gateway
                .call("POST", "/v1/channels/main/catch-up")
                .json(&body)
                .await;
            meta.assert_problem(422, "unsupported");
            let nowhere = gateway
                .call("POST", "/v1/channels/other/catch-up")
                .json(&body)
                .await;
            nowhere.assert_problem(404, "not-found");
        },
    )
    .await;
}
