//! Meta refuses, is silent, or answers nonsense, at each step: the person is told what to do, and the flow goes
//! on from there.

use wharf_test_support::FakeGraphConfig;
use wharf_test_support::graph::{Fault, FaultRule, SignUp};

use super::graph::{app, customer, signup};
use super::{Run, send_through};
use crate::harness::each_with;

/// Calls of the signup, with the step that a person sees.
const CALLS: [(&str, &str); 5] = [
    ("debug_token", "token"),
    ("account.subscribe", "subscribe"),
    ("account.numbers", "numbers"),
    ("phone.get", "register"),
    ("phone.register", "register"),
];

fn faults() -> [Fault; 5] {
    [
        Fault::InternalServerError,
        Fault::Unavailable,
        Fault::Reset,
        Fault::Answer {
            status: 200,
            content_type: "text/html",
            body: "<html>Welcome to the hotel's network</html>".to_owned(),
        },
        Fault::GraphError(190),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_that_fails_names_its_remedy_and_can_be_begun_again() {
    each_with(app, async |gateway| {
        let mut count = 0;
        for (call, step) in CALLS {
            for fault in faults() {
                count += 1;
                let number = customer(&format!("5{count:02}540352242922"));
                let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
                let often = if call == "phone.register" { 2 } else { 1 };
                gateway
                    .graph
                    .add_fault(FaultRule::new(fault.clone()).on(call).times(often));
                let mut run = Run::begin(gateway, signup(&code, &number)).await;
                if run.status() == "question" {
                    run.assert_failed_at(step);
                    gateway.graph.clear_faults();
                    run.decide("retry").await;
                }
                gateway.graph.clear_faults();
                assert_eq!(run.done().len(), 1, "{call} {fault:?}");
            }
        }
        let channels = gateway.call("GET", "/v1/channels").empty().await;
        let channels = channels.body["data"].as_array().unwrap();
        assert_eq!(channels.len(), 1 + count);
        send_through(gateway, channels.last().unwrap()["id"].as_str().unwrap()).await;
        gateway.graph.clear_requests();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_good_once_and_in_time() {
    each_with(app, async |gateway| {
        let number = customer("606540352242922");
        let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
        assert_eq!(
            Run::begin(gateway, signup(&code, &number))
                .await
                .done()
                .len(),
            1
        );
        let mut again = Run::begin(gateway, signup(&code, &number)).await;
        again.assert_failed_at("login");
        assert_eq!(again.choices("decision"), ["login", "stop"]);
        assert!(again.decide("stop").await.done().is_empty());

        let late = customer("616540352242922");
        gateway.graph.stop_clock();
        let code = gateway.graph.sign_up(&SignUp::new(vec![late.clone()]));
        gateway.graph.advance(std::time::Duration::from_secs(31));
        let mut run = Run::begin(gateway, signup(&code, &late)).await;
        run.assert_failed_at("login");
        // The browser's way is there for a second try.
        run.decide("login").await.visit();
        gateway.graph.clear_requests();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_the_code_is_not_asked_for_again() {
    each_with(app, async |gateway| {
        let number = customer("626540352242922");
        let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
        gateway
            .graph
            .add_fault(FaultRule::new(Fault::AcceptAndReset).on("oauth").times(1));
        gateway.graph.add_fault(
            FaultRule::new(Fault::AcceptAndReset)
                .on("token.exchange")
                .times(1),
        );
        let run = Run::begin(gateway, signup(&code, &number)).await;
        let exchanges = gateway.graph.requests();
        let exchanges = exchanges
            .iter()
            .filter(|it| it.path.ends_with("/oauth/access_token"));
        assert_eq!(exchanges.count(), 1);
        assert!(
            ["question", "done"].contains(&run.status()),
            "{:#}",
            run.shown
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_was_closed_and_an_app_with_another_secret_are_told_apart() {
    each_with(
        |setup| {
            app(setup);
            setup.graph = FakeGraphConfig {
                app_secret: "0123456789abcdef0123456789abcdef".to_owned(),
                ..setup.graph.clone()
            };
        },
        async |gateway| {
            let closed = serde_json::json!({ "plugin": "graph", "flow": "signup", "inputs": {
                "event": "CANCEL", "current_step": "PHONE_NUMBER_SETUP",
            } });
            let run = Run::begin(gateway, closed).await;
            let failed = run.assert_failed_at("login");
            assert!(
                failed["detail"]
                    .as_str()
                    .unwrap()
                    .contains("PHONE_NUMBER_SETUP")
            );
            let number = customer("636540352242922");
            let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
            let run = Run::begin(gateway, signup(&code, &number)).await;
            run.assert_failed_at("login");
            gateway.graph.clear_requests();
        },
    )
    .await;
}
