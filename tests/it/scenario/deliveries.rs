//! Events on their way to an endpoint that has its own troubles.

use serde_json::json;
use wharf::workers::revive::{self, Selection};
use wharf_test_support::eventually;
use wharf_test_support::sink::SinkFault;

use super::quiet;
use crate::harness::{WAIT, each_with, timeline};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_fails_is_called_again_with_the_same_id_and_body() {
    each_with(quiet, async |gateway| {
        gateway.sink.fail_next(1, SinkFault::Status(500));
        gateway.sink.fail_next(1, SinkFault::Reset);
        let id = gateway.send_text("Hello").await;
        gateway.wait_delivered(1).await;
        gateway.wait_idle().await;
        let events = gateway.sink.by_webhook_id();
        assert_eq!(events.len(), 1);
        let (webhook_id, event) = events.first_key_value().unwrap();
        assert!(webhook_id.starts_with("evt_"));
        assert_eq!((event.arrivals, event.acknowledged), (3, 1));

        let message = gateway.message(&id).await;
        let attempts: Vec<_> = timeline(&message, "delivery_attempt").collect();
        let statuses: Vec<_> = attempts.iter().map(|attempt| &attempt["status"]).collect();
        assert_eq!(statuses, [&json!(500), &json!(null), &json!(204)]);
        assert!(
            attempts[1]["error"].as_str().unwrap().starts_with("reset"),
            "{attempts:#?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_asks_for_a_pause_gets_it() {
    each_with(quiet, async |gateway| {
        gateway.sink.fail_next(1, SinkFault::RetryAfter(2));
        gateway.send_text("Hello").await;
        gateway.wait_delivered(1).await;
        let arrivals = gateway.sink.deliveries();
        assert_eq!(arrivals.len(), 2);
        assert!(
            arrivals[1].at_ms - arrivals[0].at_ms >= 2_000,
            "the schedule alone would not wait"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_gone_is_called_no_more() {
    each_with(quiet, async |gateway| {
        gateway.sink.fail_next(1, SinkFault::Status(410));
        let id = gateway.send_text("Hello").await;
        gateway.wait_status(&id, "sent").await;
        gateway.wait_idle().await;
        let second = gateway.send_text("Hello again").await;
        gateway.wait_status(&second, "sent").await;
        gateway.wait_idle().await;
        assert_eq!(gateway.sink.deliveries().len(), 1);
        assert_eq!(
            gateway
                .rows("endpoint where tenant_id = 'acme' and state = 'disabled'")
                .await,
            1
        );
        assert_eq!(gateway.rows("event").await, 2, "the facts are kept");
        gateway.expect_dead_letters(1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_whose_schedule_ends_is_a_dead_letter_that_can_go_again() {
    each_with(quiet, async |gateway| {
        gateway.sink.fail_always(SinkFault::Status(503));
        let id = gateway.send_text("Hello").await;
        gateway.wait_status(&id, "sent").await;
        gateway.wait_idle().await;
        assert_eq!(
            gateway.sink.deliveries().len(),
            3,
            "as many as the schedule has"
        );
        let mut conn = gateway.db().read().await.unwrap();
        let dead = wharf_queue::failed(&mut conn, None, None, None, 10)
            .await
            .unwrap();
        drop(conn);
        assert_eq!((dead.len(), dead[0].queue.as_str()), (1, "delivery"));
        assert!(
            dead[0].reason.as_deref().unwrap().contains("503"),
            "{dead:?}"
        );

        let app = gateway.app();
        let revive = async || {
            revive::all(&app.db, &Selection::default(), app.now_ms())
                .await
                .unwrap()
        };
        assert_eq!(revive().await, 1);
        gateway.wait_idle().await;
        assert_eq!(
            gateway.sink.deliveries().len(),
            6,
            "the whole schedule again"
        );
        gateway.sink.recover();
        assert_eq!(revive().await, 1);
        let event = gateway.wait_delivered(1).await.remove(0);
        assert_eq!(event["data"]["message_id"], id);
        let events = gateway.sink.by_webhook_id();
        assert_eq!(events.len(), 1, "the same event under the same id");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_endpoint_holds_up_nobody_elses_messages() {
    let impatient = |setup: &mut crate::harness::Setup| {
        quiet(setup);
        setup.set("delivery.timeout_ms", 200);
    };
    each_with(impatient, async |gateway| {
        gateway
            .sink
            .fail_always(SinkFault::Slow(std::time::Duration::from_secs(30)));
        let id = gateway.send_text("Hello").await;
        gateway.wait_status(&id, "sent").await;
        let late = async || {
            let message = gateway.message(&id).await;
            let errors: Vec<_> = timeline(&message, "delivery_attempt")
                .map(|attempt| attempt["error"].to_string())
                .collect();
            (errors.len() == 3).then_some(errors)
        };
        let errors = eventually(WAIT, late).await.unwrap();
        assert!(
            errors.iter().all(|error| error.contains("timeout")),
            "{errors:?}"
        );
        gateway.expect_dead_letters(1);
    })
    .await;
}
