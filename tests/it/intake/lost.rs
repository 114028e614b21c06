//! Sends whose outcome is unknown, settled by what the provider's list has.

use serde_json::{Value, json};
use wharf::workers::jobs;
use wharf_core::provider::{Address, Content, Text};
use wharf_core::request::{Policy, Priority};
use wharf_core::{MessageId, Status, TenantId};
use wharf_store::messages::{self, NewOutbound, StatusChange};
use wharf_test_support::twilio::{Fault, Message};
use wharf_test_support::{FakeTwilio, eventually};

use super::missed::{fake, with_twilio};
use crate::harness::{PLAYGROUND, Setup, TO, TestGateway, WAIT, bare, each_with, timeline};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_whose_answer_was_lost_is_found_in_the_list() {
    let twilio = fake().await;
    let adjust = |setup: &mut Setup| {
        with_twilio(&twilio, setup);
        setup.set("upkeep.reconcile", true);
    };
    each_with(adjust, async |gateway| {
        twilio.fail_next(1, Fault::AcceptAndReset);
        let text = format!("Hello {}", rand::random::<u32>());
        let body = json!({ "channel": "twilio", "to": TO, "text": { "body": text } });
        let answer = gateway.send(body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let sent = gateway.wait_status(&answer.id(), "sent").await;
        let ours: Vec<Message> = sent_with(&twilio, &text);
        let [ours] = &ours[..] else {
            panic!("it was sent once: {ours:#?}");
        };
        assert_eq!(sent["provider_message_id"], ours.sid.as_str(), "{sent:#}");
        assert_eq!(sent["try"], 1);
        let settled = timeline(&sent, "status").last().unwrap();
        assert_eq!(settled["detail"]["source"], "the provider's list");
        let told = crate::harness::told(&sent);
        assert_eq!(told, ["unknown", "sent"]);
    })
    .await;
}

fn sent_with(twilio: &FakeTwilio, text: &str) -> Vec<Message> {
    let mut sent = twilio.sent();
    sent.retain(|message| message.body == text);
    sent
}

/// A message of `playground` whose outcome is unknown; the sandbox's list never has any.
async fn lost(gateway: &TestGateway, immediate: bool) -> String {
    let app = gateway.app();
    let tenant: TenantId = PLAYGROUND.parse().unwrap();
    let (id, now) = (MessageId::new(&*app.ids), app.now_ms());
    let new = NewOutbound {
        id,
        channel: "sandbox".parse().unwrap(),
        content: Content::Text {
            text: Text {
                body: "Hello".to_owned(),
                preview_url: false,
            },
        },
        to: Address::Phone(TO.trim_start_matches('+').to_owned()),
        reference: None,
        reply_to: None,
        priority: Priority::Normal,
        policy: Policy::AtMostOnce,
        status: Status::Queued,
        options: None,
        send_at: None,
        fallback: Vec::new(),
        created_at: now,
        expires_at: now + 3_600_000,
    };
    let queues = app.queues.clone();
    let written = gateway.db().write(move |tx| {
        Box::pin(async move {
            messages::insert_outbound(tx, &tenant, &new).await?;
            let unknown = StatusChange {
                id,
                try_number: 1,
                status: Status::Unknown,
                error: None,
                now,
            };
            messages::set_status(tx, &tenant, &unknown).await?;
            let message = messages::get(tx, &tenant, id).await?.unwrap();
            let job = jobs::reconcile(&message, immediate, now, now);
            // Twice is once.
            queues.push(tx, std::slice::from_ref(&job), now).await?;
            queues.push(tx, &[job], now).await
        })
    });
    written.await.unwrap();
    id.to_string()
}

async fn wait(gateway: &TestGateway, id: &str, status: &str) -> Value {
    let path = format!("/v1/messages/{id}");
    let found = eventually(WAIT, || async {
        let shown = gateway.call("GET", &path).by(PLAYGROUND).empty().await.body;
        (shown["status"] == status).then_some(shown)
    });
    found.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_provider_never_took_is_sent_after_all() {
    each_with(super::quiet, async |gateway| {
        let id = lost(gateway, false).await;
        let sent = wait(gateway, &id, "read").await;
        assert_eq!(sent["try"], 2, "{sent:#}");
        assert_eq!(sent["provider_message_id"], format!("sbx_{}", bare(&id)));
        let requests = timeline(&sent, "exchange").count();
        assert_eq!(requests, 1, "{sent:#}");
        // Who waited for it has been told, and decides.
        let id = lost(gateway, true).await;
        let failed = wait(gateway, &id, "failed").await;
        assert_eq!(failed["error"]["code"], "not-sent", "{failed:#}");
        assert_eq!(timeline(&failed, "exchange").count(), 0);
    })
    .await;
}
