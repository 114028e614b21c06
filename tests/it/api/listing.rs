//! Lists of messages: what narrows them, pages, counts, and what every answer carries.

use serde_json::{Value, json};

use crate::harness::{GLOBEX, SENDER, TO, TestGateway, each, each_with, logged};

const OTHER: &str = "+4915199999999";

async fn send(gateway: &TestGateway, to: &str, text: &str, reference: &str) -> String {
    let body = json!({ "to": to, "text": { "body": text }, "reference": reference });
    let answer = gateway.send(body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.id()
}

/// The ids that a query finds, newest first.
async fn found(gateway: &TestGateway, query: &str) -> Vec<String> {
    let path = format!("/v1/messages?{query}");
    let answer = gateway.call("GET", &path).empty().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let data = answer.body["data"].as_array().unwrap();
    data.iter()
        .map(|message| message["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_filter_narrows_and_they_narrow_together() {
    each_with(
        |setup| setup.graph.statuses = wharf_test_support::graph::StatusPlan::off(),
        async |gateway| {
            let first = send(gateway, TO, "Grüße aus 100% Köln", "order-1").await;
            gateway.wait_status(&first, "sent").await;
            let second = send(gateway, OTHER, "Where is my_parcel?", "order-2").await;
            gateway.wait_status(&second, "sent").await;
            gateway.graph.deliver_text(SENDER, "An answer of 100 words");
            let inbound = wharf_test_support::eventually(crate::harness::WAIT, || async {
                found(gateway, "direction=inbound").await.pop()
            });
            let inbound = inbound.await.unwrap();
            gateway.report(&second, "delivered");
            gateway.wait_status(&second, "delivered").await;

            let (first, second, inbound) = (&first[..], &second[..], &inbound[..]);
            let at = gateway.message(second).await["created_at"].clone();
            let at = at.as_str().unwrap();
            let cases: [(String, Vec<&str>); 19] = [
                (String::new(), vec![inbound, second, first]),
                ("direction=outbound".into(), vec![second, first]),
                ("status=sent".into(), vec![first]),
                ("status=delivered&direction=outbound".into(), vec![second]),
                ("status=delivered&direction=inbound".into(), vec![]),
                ("channel=main".into(), vec![inbound, second, first]),
                ("channel=mai_".into(), vec![]),
                ("channel=other".into(), vec![]),
                (format!("to={}", TO.replace('+', "%2B")), vec![first]),
                ("to=49%20151%2099999999".into(), vec![second]),
                (format!("from={SENDER}"), vec![inbound]),
                ("from=4915".into(), vec![]),
                ("reference=order-2".into(), vec![second]),
                ("reference=order-".into(), vec![]),
                (format!("since={at}"), vec![inbound, second]),
                (format!("until={at}"), vec![first]),
                ("search=100%25".into(), vec![first]),
                ("search=my_PARCEL".into(), vec![second]),
                ("search=body".into(), vec![]),
            ];
            for (query, expected) in cases {
                assert_eq!(found(gateway, &query).await, expected, "{query}");
            }
            assert!(
                found(gateway, "search=words")
                    .await
                    .contains(&inbound.to_owned())
            );
            let other = gateway.call("GET", "/v1/messages").by(GLOBEX).empty().await;
            assert_eq!(other.body["data"], json!([]));
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_hold_every_message_once_whatever_narrows_them() {
    each(async |gateway| {
        let mut sent = Vec::new();
        for number in 0..5 {
            sent.push(send(gateway, TO, &format!("Number {number}"), "same").await);
        }
        sent.reverse();
        for narrowed in ["", "&reference=same", "&search=number&direction=outbound"] {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let path = format!("/v1/messages?limit=2{narrowed}{cursor}");
                let page = gateway.call("GET", &path).empty().await;
                assert_eq!(page.status, 200, "{page:?}");
                let data = page.body["data"].as_array().unwrap();
                seen.extend(data.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
                match page.body["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
                assert_eq!(data.len(), 2);
            }
            assert_eq!(seen, sent, "{narrowed}");
        }
        // A cursor of somebody else leads nowhere.
        let path = format!("/v1/messages?cursor={}", sent[0]);
        let foreign = gateway.call("GET", &path).by(GLOBEX).empty().await;
        assert_eq!(foreign.body, json!({"data": [], "next_cursor": null}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_filter_is_refused_with_the_way_to_write_it() {
    each(async |gateway| {
        for (query, told) in [
            ("status=done", "queued"),
            ("direction=both", "outbound or inbound"),
            ("since=yesterday", "2026-01-31T12:00:00Z"),
            ("until=1", "2026-01-31T12:00:00Z"),
            ("reference=", "1 to 512"),
            ("channel=Main", "channel"),
            ("limit=0", "1 to 200"),
            ("cursor=msg_1", "next_cursor"),
        ] {
            let path = format!("/v1/messages?{query}");
            let refused = gateway.call("GET", &path).empty().await;
            refused.assert_problem(400, "invalid-query");
            let detail = refused.body["detail"].as_str().unwrap();
            assert!(detail.contains(told), "{query}: {detail}");
        }
        // Everywhere, what is not known is refused, not skipped.
        for path in [
            "/v1/channels?x=1",
            "/v1/messages/latest?dry_run=true",
            "/v1/stats?until=2026-01-31T12:00:00Z",
            "/v1/keys?x",
        ] {
            let refused = gateway.call("GET", path).empty().await;
            refused.assert_problem(400, "invalid-query");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_are_of_the_tenant_and_of_the_time() {
    each(async |gateway| {
        let id = send(gateway, TO, "Hello", "r").await;
        gateway.wait_status(&id, "read").await;
        let counts = async |query: &str| -> Value {
            let path = format!("/v1/stats{query}");
            let answer = gateway.call("GET", &path).empty().await;
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.body
        };
        let now = counts("").await;
        assert_eq!(
            (&now["outbound"], &now["outbound_total"]),
            (&json!({"read": 1}), &json!(1))
        );
        assert_eq!(now["channels"]["main"]["outbound"], json!({"read": 1}));
        assert_eq!(
            now["rates"],
            json!({"delivered": 1.0, "read": 1.0, "failed": 0.0})
        );
        let simple = gateway.call("GET", "/api/whatsapp/official/stats");
        assert_eq!(simple.empty().await.body["channels"], now["channels"]);
        let later = counts("?since=2999-01-01T00:00:00Z").await;
        assert_eq!(later["outbound"], json!({}));
        assert_eq!(later["rates"]["delivered"], Value::Null);
        assert_eq!(later["since"], "2999-01-01T00:00:00.000Z");
        let other = gateway.call("GET", "/v1/stats").by(GLOBEX).empty().await;
        assert_eq!(other.body["outbound_total"], 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_keeps_its_name_and_its_trace() {
    each(async |gateway| {
        let trace = format!("{:032x}", rand::random::<u128>() | 1);
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        let named = gateway
            .call("POST", "/v1/messages")
            .header("x-request-id", "my-request-7")
            .header("traceparent", &parent)
            .json(&json!({"to": TO}))
            .await;
        named.assert_problem(422, "invalid-request");
        assert_eq!(named.headers["x-request-id"], "my-request-7");
        // What is logged on the way can be found by either.
        let lines = logged();
        let of_trace = lines.lines().find(|line| line.contains(&trace));
        let line = of_trace.unwrap_or_else(|| panic!("nothing was logged of trace {trace}"));
        assert!(line.contains("my-request-7"), "{line}");
        for wrong in ["", "a b", &"x".repeat(129)] {
            let answer = gateway
                .call("GET", "/v1/channels")
                .header("x-request-id", wrong)
                .header("traceparent", "00-zz-1-01")
                .empty()
                .await;
            assert!(
                answer.headers["x-request-id"].starts_with("req_"),
                "{answer:?}"
            );
        }
    })
    .await;
}
