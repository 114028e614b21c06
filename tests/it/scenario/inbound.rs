//! What customers write, once and whole, whatever Meta repeats or mixes in.

use serde_json::{Value, json};
use wharf_store::Origin;
use wharf_store::channels::{self, ChannelRow};
use wharf_test_support::eventually;
use wharf_test_support::graph::{PhoneNumber, payload};

use crate::harness::{GLOBEX, PLAYGROUND, SENDER, TO, TestGateway, WAIT, each};

/// Posts one webhook as Meta does, and expects its acknowledgement.
async fn post(gateway: &TestGateway, webhook: &Value) {
    let answer = gateway
        .graph
        .post_signed(payload::to_bytes(webhook))
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_posted_three_times_is_received_once() {
    each(async |gateway| {
        let wamid = gateway.graph.new_wamid(SENDER);
        let webhook = payload::inbound_text(gateway.graph.number(), SENDER, &wamid, "Grüße 😀");
        for _ in 0..3 {
            post(gateway, &webhook).await;
        }
        gateway.wait_idle().await;
        assert_eq!(gateway.rows("webhook").await, 3);
        let events = gateway.delivered();
        let [event] = &events[..] else {
            panic!("one event is expected: {events:#?}");
        };
        assert_eq!(event["type"], "message.received");
        let data = &event["data"];
        assert_eq!(data["provider_message_id"], wamid);
        assert_eq!(data["channel"], "main");
        assert_eq!(data["from"]["phone"], TO);
        assert_eq!(data["from"]["user_id"], format!("US.9{SENDER}"));
        assert!(data["content"].to_string().contains("Grüße 😀"), "{data}");

        let message = gateway.message(data["message_id"].as_str().unwrap()).await;
        assert_eq!(
            (&message["direction"], &message["type"]),
            (&json!("inbound"), &json!("text"))
        );
        assert_eq!(message["provider_message_id"], wamid);
        let page = gateway.call("GET", "/v1/messages").empty().await;
        assert_eq!(page.body["data"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn atoms_of_two_tenants_in_one_webhook_go_to_each_their_own() {
    each(async |gateway| {
        let [acme, globex] = &gateway.graph.config().numbers[..] else {
            panic!("the fake has two numbers");
        };
        let mut webhook = payload::inbound_text(acme, SENDER, "wamid.for-acme", "Hello acme");
        let second = payload::inbound_text(globex, SENDER, "wamid.for-globex", "Hello globex");
        webhook["entry"]
            .as_array_mut()
            .unwrap()
            .push(second["entry"][0].clone());
        post(gateway, &webhook).await;
        gateway.wait_idle().await;
        for (tenant, wamid) in [("acme", "wamid.for-acme"), (GLOBEX, "wamid.for-globex")] {
            let page = gateway.call("GET", "/v1/messages").by(tenant).empty().await;
            let [message] = &page.body["data"].as_array().unwrap()[..] else {
                panic!("one message is expected for {tenant}: {page:?}");
            };
            assert_eq!(message["provider_message_id"], wamid);
        }
        let delivered = gateway.delivered();
        assert_eq!(
            delivered.len(),
            1,
            "globex has no endpoint, and its events are nobody else's"
        );
        assert_eq!(
            delivered[0]["data"]["provider_message_id"],
            "wamid.for-acme"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_cannot_be_read_is_acknowledged_and_kept_with_the_reason() {
    each(async |gateway| {
        for body in [&b"not json"[..], b"", b"[1,2", b"\xff\xfe"] {
            let answer = gateway.graph.post_signed(body.to_vec()).await.unwrap();
            assert_eq!(answer.status, 200);
        }
        gateway.wait_idle().await;
        assert_eq!(
            gateway
                .rows("webhook where parsed_at is not null and error is not null")
                .await,
            4
        );
        let wamid = gateway.graph.deliver_text(SENDER, "still works");
        let event = gateway.wait_delivered(1).await.remove(0);
        assert_eq!(event["data"]["provider_message_id"], wamid);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_for_an_unknown_number_waits_until_its_channel_is_there() {
    each(async |gateway| {
        let stranger = PhoneNumber {
            id: "306540352242922".to_owned(),
            account_id: "302290129340398".to_owned(),
            ..gateway.graph.number().clone()
        };
        post(
            gateway,
            &payload::inbound_text(&stranger, SENDER, "wamid.early", "Anybody there?"),
        )
        .await;
        let waits = async || {
            (gateway
                .rows("job where queue = 'webhook' and state = 0 and attempt > 0")
                .await
                == 1)
                .then_some(())
        };
        eventually(WAIT, waits).await.unwrap();
        assert_eq!(gateway.rows("webhook where parsed_at is null").await, 1);
        assert_eq!(gateway.delivered().len(), 0);

        let row = ChannelRow {
            tenant: PLAYGROUND.parse().unwrap(),
            id: "late".parse().unwrap(),
            plugin: "graph".to_owned(),
            app_id: Some("meta".parse().unwrap()),
            sender: stranger.id.clone(),
            account: Some(stranger.account_id.clone()),
            settings: [("phone_number_id".to_owned(), stranger.id)].into(),
            per_second: 80,
            origin: Origin::Api,
            created_at: gateway.app().now_ms(),
        };
        let appears = gateway
            .db()
            .write(move |tx| Box::pin(async move { channels::upsert(tx, &row).await }));
        appears.await.unwrap();
        let event = gateway.wait_delivered(1).await.remove(0);
        assert_eq!(event["data"]["provider_message_id"], "wamid.early");
        assert_eq!(event["data"]["channel"], "late");
    })
    .await;
}
