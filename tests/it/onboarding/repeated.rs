//! A turn whose end was lost with its process runs again, from what was written down before it; and the flows
//! that an operator runs for an app.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::{AssertSqlSafe, query};
use wharf::flows::onboarding::{self as flow, Next, Party};
use wharf_core::{AppId, JobId, OnboardingId, TenantId};
use wharf_queue::{NewJob, Priority, Queue};
use wharf_store::{Context, Owner, on_db};
use wharf_test_support::eventually;
use wharf_test_support::graph::{Fault, FaultRule, SignUp};

use super::dialog360::each_partner;
use super::graph::{app, customer, signed_up_token, signup};
use super::{Run, send_through};
use crate::harness::{ACME, TestGateway, WAIT, each_with};

async fn sql(gateway: &TestGateway, statements: &[&str]) {
    let statements: Vec<String> = statements.iter().map(|it| (*it).to_owned()).collect();
    let done = gateway.db().write(move |tx| {
        Box::pin(async move {
            for statement in statements {
                on_db!(&mut **tx, |c| query(AssertSqlSafe(statement))
                    .execute(c)
                    .await
                    .map(drop))
                .doing("play a crash")?;
            }
            Ok(())
        })
    });
    done.await.unwrap();
}

/// What the database holds while the turn runs: what a process that ends then leaves behind.
async fn remember(gateway: &TestGateway, id: &str) {
    let path = format!("/v1/onboarding/{id}");
    let running = eventually(WAIT, || async {
        let shown = gateway.call("GET", &path).empty().await.body;
        (shown["status"] == "running").then_some(())
    });
    running.await.unwrap();
    sql(
        gateway,
        &["create table remembered as select * from onboarding"],
    )
    .await;
}

/// The process ends before the turn's end is written: the session is as it was, and its job is claimed again.
async fn forget_the_end(gateway: &TestGateway, id: &str) {
    sql(
        gateway,
        &[
            "delete from channel where onboarding_id is not null",
            "delete from onboarding",
            "insert into onboarding select * from remembered",
            "drop table remembered",
        ],
    )
    .await;
    gateway.app().directory.forget_all();
    let session: OnboardingId = id.parse().unwrap();
    let turn = gateway.number("select turn from onboarding").await;
    let tenant: TenantId = ACME.parse().unwrap();
    let job = NewJob {
        id: JobId::new(&*gateway.app().ids),
        queue: Queue::Maintenance,
        tenant,
        lane: format!("onboarding:{session}"),
        order_key: None,
        kind: "onboarding-turn",
        payload: json!({ "session": session, "turn": turn }),
        priority: Priority::High,
        due_at: 0,
        attempts_max: 10,
    };
    let queues = gateway.app().queues.clone();
    let now = gateway.app().now_ms();
    let pushed = gateway
        .db()
        .write(move |tx| Box::pin(async move { queues.push(tx, &[job], now).await }));
    pushed.await.unwrap();
}

fn slow(call: &str) -> FaultRule {
    FaultRule::new(Fault::Slow(Duration::from_secs(1)))
        .on(call)
        .times(1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_whose_end_was_lost_runs_again_to_the_same_channel() {
    each_with(app, async |gateway| {
        let number = customer("806540352242922");
        let token = signed_up_token(gateway, &number).await;
        let mut run = Run::begin(gateway, json!({ "plugin": "graph", "flow": "manual" })).await;
        gateway.graph.add_fault(slow("account.numbers"));
        let given = json!({ "access_token": token, "waba_id": number.account_id });
        let (answered, ()) = tokio::join!(run.try_answer(given), remember(gateway, &run.id));
        assert_eq!(answered.status, 200);
        run.settle().await;
        forget_the_end(gateway, &run.id).await;
        run.settle().await;
        if run.status() == "question" {
            run.answer(json!({ "phone_number_id": number.id })).await;
        }
        let channels = run.done();
        send_through(gateway, &channels[0]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_was_used_before_the_crash_asks_for_another_login() {
    each_with(app, async |gateway| {
        let number = customer("816540352242922");
        let code = gateway.graph.sign_up(&SignUp::new(vec![number.clone()]));
        gateway.graph.add_fault(slow("debug_token"));
        let path = "/v1/onboarding";
        let begin = signup(&code, &number);
        let remembered = async {
            let id = eventually(WAIT, || async {
                let listed = gateway.call("GET", path).empty().await.body;
                listed["data"][0]["id"].as_str().map(str::to_owned)
            });
            let id = id.await.unwrap();
            remember(gateway, &id).await;
        };
        let (begun, ()) = tokio::join!(gateway.call("POST", path).json(&begin), remembered);
        let mut run = Run {
            gateway,
            tenant: ACME,
            id: begun.id(),
            shown: begun.body,
        };
        run.settle().await;
        forget_the_end(gateway, &run.id).await;
        run.settle().await;
        run.assert_failed_at("login");
        assert_eq!(run.choices("decision"), ["login", "stop"]);
        gateway.graph.clear_requests();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_flow_gives_the_provider_the_apps_own_address() {
    each_partner(async |gateway, fake| {
        let id: AppId = "partner".parse().unwrap();
        let of_app = gateway.app().directory.of_app(&id).await.unwrap().unwrap();
        let (settings, webhook_urls, secrets) = of_app;
        let wanted = webhook_urls["partner"].clone();
        let party = Party {
            tenant: None,
            owner: Owner::App(id),
            settings,
            secrets: Arc::new(secrets),
            webhook_urls,
            return_url: None,
        };
        let plugin = gateway.app().plugins.get("dialog360").unwrap();
        let turn = flow::start(gateway.app(), &plugin, party, "partner-webhook", Vec::new()).await;
        let turn = turn.unwrap();
        assert!(matches!(turn.next, Next::Done(_)));
        assert!(turn.findings[0].remedy.is_some());
        let requests = fake.requests();
        let told = requests
            .iter()
            .find(|it| it.call == "partner.webhook")
            .unwrap();
        let body = String::from_utf8_lossy(&told.body);
        assert!(body.contains(&wanted), "{body}");
        assert!(fake.refusals().is_empty());
    })
    .await;
}
