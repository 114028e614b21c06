//! What failed for good, and went again because an operator said so.

use wharf::workers::revive::{self, Selection};
use wharf_queue::Queue;
use wharf_test_support::graph::{Fault, FaultRule};

use super::quiet;
use crate::harness::{each_with, timeline, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_goes_again_as_a_second_try_and_keeps_what_happened_to_the_first() {
    each_with(quiet, async |gateway| {
        gateway
            .graph
            .add_fault(FaultRule::new(Fault::GraphError(190)));
        let id = gateway.send_text("Hello").await;
        let message = gateway.wait_status(&id, "failed").await;
        assert_eq!(message["try"], 1);
        gateway.wait_idle().await;

        gateway.graph.clear_faults();
        let app = gateway.app();
        let of = |queue| Selection {
            queue: Some(queue),
            ..Selection::default()
        };
        let revived = async |queue| {
            revive::all(&app.db, &of(queue), app.now_ms())
                .await
                .unwrap()
        };
        assert_eq!(revived(Queue::Delivery).await, 0, "not what was asked for");
        assert_eq!(revived(Queue::Send).await, 1);
        let message = gateway.wait_status(&id, "sent").await;
        assert_eq!(message["try"], 2);
        assert!(message["error"].is_null(), "{message:#}");
        let tries: Vec<_> = timeline(&message, "exchange")
            .map(|exchange| exchange["try"].as_u64().unwrap())
            .collect();
        assert_eq!(tries, [1, 2]);
        gateway.report(&id, "read");
        let message = gateway.wait_status(&id, "read").await;
        assert_eq!(told(&message), ["failed", "sent", "read"]);
        assert_eq!((gateway.arrivals(&id), gateway.effects(&id)), (2, 1));
        assert_eq!(revived(Queue::Send).await, 0, "nothing is left to go again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_try_that_fails_too_is_a_dead_letter_again() {
    each_with(quiet, async |gateway| {
        gateway
            .graph
            .add_fault(FaultRule::new(Fault::GraphError(190)));
        let id = gateway.send_text("Hello").await;
        gateway.wait_status(&id, "failed").await;
        gateway.wait_idle().await;
        let app = gateway.app();
        assert_eq!(
            revive::all(&app.db, &Selection::default(), app.now_ms())
                .await
                .unwrap(),
            1
        );
        let message = gateway
            .wait_message(&id, |message| {
                message["try"] == 2 && message["status"] == "failed"
            })
            .await;
        gateway.wait_idle().await;
        assert_eq!(told(&message), ["failed", "failed"]);
        assert_eq!(gateway.arrivals(&id), 2);
        gateway.expect_dead_letters(1);
    })
    .await;
}
