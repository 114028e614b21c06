//! What providers say about speed, and what counts against it, through a whole gateway.

use serde_json::json;
use wharf_test_support::graph::{Fault, Inbound};

use super::quiet;
use crate::harness::{Setup, each_with, timeline};

fn to(n: usize) -> serde_json::Value {
    json!({ "to": format!("+49151{n:08}"), "text": { "body": "Hello" } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttled_account_pauses_all_its_channels_and_no_other() {
    // A second channel of the same account, by another number, and one of another account.
    let two = |setup: &mut Setup| {
        quiet(setup);
        let (number, token) = (&setup.graph.numbers[0], &setup.credentials.tokens[0]);
        let more = format!(
            "[channels.second]\nplugin = \"graph\"\napp = \"meta\"\n\
             settings = {{ phone_number_id = \"999\", waba_id = \"{}\" }}\nsecrets = {{ access_token = \"{token}\" }}\n",
            number.account_id
        );
        setup.acme.push_str(&more);
    };
    each_with(two, async |gateway| {
        // 80007: the account has used its calls up.
        gateway.graph.fail_next(1, Fault::GraphError(80_007));
        let mut body = to(1);
        body["channel"] = json!("main");
        let id = gateway.send(body).await.id();
        gateway
            .wait_message(&id, |message| {
                timeline(message, "attempt_ended").count() == 1
            })
            .await;
        let other = "lane where queue = 'send' and lane = 'globex/main' and paced_until > 0";
        assert_eq!(gateway.rows(other).await, 0, "another account's");
        let second = "select paced_until from lane where queue = 'send' and lane = 'acme/second'";
        let main = "select paced_until from lane where queue = 'send' and lane = 'acme/main'";
        assert_eq!(gateway.number(second).await, gateway.number(main).await);
        assert!(gateway.number(main).await > gateway.app().now_ms());
        let cancel = format!("/v1/messages/{id}/cancel");
        assert_eq!(gateway.call("POST", &cancel).empty().await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_come_in_count_against_the_number_that_they_come_to() {
    each_with(quiet, async |gateway| {
        let used = "select tat_us from lane where queue = 'send' and lane = 'acme/main'";
        assert_eq!(gateway.number(used).await, 0);
        gateway.graph.receive("4915112345678", &Inbound::text("Hi"));
        gateway.wait_delivered(1).await;
        let after_one = gateway.number(used).await;
        assert!(after_one > 0);
        let other = "select tat_us from lane where queue = 'send' and lane = 'globex/main'";
        assert_eq!(gateway.number(other).await, 0);
    })
    .await;
}
