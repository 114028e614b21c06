//! Media both ways: stored once and sent by all three, received and fetched from each in its own way.

use serde_json::json;
use wharf_test_support::eventually;
use wharf_test_support::graph::{Fault, FaultRule};
use wharf_test_support::{dialog360, graph, twilio};

use super::via::{Via, twilio_message};
use crate::harness::{SENDER, Setup, TO, TestGateway, WAIT, each_with};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nnot really";

/// Twilio fetches what it is asked to send, from the gateway's public address.
fn fetching(setup: &mut Setup) {
    setup.with_all_providers();
    if let Some(config) = &mut setup.twilio {
        config.fetches_media = true;
    }
}

fn uploads(gateway: &TestGateway, via: Via) -> usize {
    let requests = match via {
        Via::Graph => gateway.graph.requests(),
        _ => gateway.dialog360().requests(),
    };
    let uploads = requests
        .iter()
        .filter(|request| request.call == "media.upload");
    uploads.count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_picture_is_uploaded_once_and_sent_as_often_as_wanted_by_all_three() {
    each_with(fetching, async |gateway| {
        let call = gateway.call("POST", "/v1/media?filename=a.png");
        let picture = call.bytes("image/png", PICTURE.to_vec()).await.id();
        for via in Via::ALL {
            let mut ids = Vec::new();
            for _ in 0..3 {
                let body = json!({
                    "channel": via.channel(), "to": TO, "type": "image", "image": { "id": picture, "caption": "Look" },
                });
                let answer = gateway.send(body).await;
                assert_eq!(answer.status, 202, "{via:?}: {answer:?}");
                let message = gateway.wait_status(&answer.id(), "read").await;
                assert!(message["error"].is_null(), "{via:?}: {message:#}");
                ids.push(answer.id());
            }
            if via == Via::Twilio {
                assert_twilio_fetched(gateway, &ids);
                continue;
            }
            assert_eq!(uploads(gateway, via), 1, "{via:?}");
            let named: Vec<_> = ids
                .iter()
                .map(|id| via.cloud_send(gateway, id).content["id"].clone())
                .collect();
            assert!(named.iter().all(|id| id.is_string() && *id == named[0]));
            let kept = match via {
                Via::Graph => gateway.graph.media(),
                _ => gateway.dialog360().media(),
            };
            let kept = kept.iter().find(|medium| named[0] == *medium.id).unwrap();
            assert_eq!((&*kept.bytes, &*kept.content_type), (PICTURE, "image/png"));
        }
    })
    .await;
}

fn assert_twilio_fetched(gateway: &TestGateway, ids: &[String]) {
    let fetched = gateway.twilio().fetched();
    for id in ids {
        let message = twilio_message(gateway, id);
        assert_eq!(message.body, "Look");
        let file = fetched.iter().find(|it| it.message_sid == message.sid);
        let file = file.unwrap_or_else(|| panic!("nothing was fetched for {id}"));
        assert_eq!((&*file.bytes, &*file.content_type), (PICTURE, "image/png"));
        let name = file.content_disposition.as_deref().unwrap_or_default();
        assert!(name.contains("a.png"), "{name}");
    }
}

/// Somebody sends a picture; the gateway's id of the message.
async fn somebody_sends_a_picture(gateway: &TestGateway, via: Via) -> String {
    let id = match via {
        Via::Graph => {
            let fake = &gateway.graph;
            fake.receive_medium(SENDER, "image", "image/png", PICTURE, Some("Look"))
        }
        Via::Dialog360 => {
            let fake = gateway.dialog360();
            let number = fake.config().numbers[0].clone();
            fake.receive_medium(&number, SENDER, ("image", "image/png"), PICTURE, None)
        }
        Via::Twilio => {
            let picture = twilio::Inbound::medium("image", "image/png", PICTURE, "Look");
            gateway.twilio().receive(TO, &picture)
        }
    };
    let received = eventually(WAIT, || async {
        let mut events = gateway.delivered().into_iter();
        events.find(|event| {
            event["type"] == "message.received" && event["data"]["provider_message_id"] == *id
        })
    });
    let received = received.await.unwrap();
    received["data"]["message_id"].as_str().unwrap().to_owned()
}

async fn fetch(gateway: &TestGateway, via: Via, message: &str) {
    let path = format!("/v1/messages/{message}/media");
    let fetched = gateway.call("POST", &path).empty().await;
    assert_eq!(fetched.status, 201, "{via:?}: {fetched:?}");
    assert_eq!(fetched.body["content_type"], "image/png", "{via:?}");
    assert_eq!(fetched.body["size_bytes"], PICTURE.len(), "{via:?}");
    let content = format!("/v1/media/{}/content", fetched.id());
    let bytes = gateway.call("GET", &content).empty().await;
    assert_eq!(
        bytes.text.as_bytes(),
        String::from_utf8_lossy(PICTURE).as_bytes()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_send_is_fetched_from_each_provider_in_its_own_way() {
    each_with(Setup::with_all_providers, async |gateway| {
        for via in Via::ALL {
            let message = somebody_sends_a_picture(gateway, via).await;
            fetch(gateway, via, &message).await;
        }
        // The host of 360dialog's links is Meta's, the bytes come from 360dialog, with the key.
        let of = |requests: Vec<dialog360::RecordedRequest>| {
            let mut calls: Vec<_> = requests.into_iter().map(|request| request.call).collect();
            calls.retain(|call| call.starts_with("media."));
            calls
        };
        for calls in [
            of(gateway.dialog360().requests()),
            of(gateway.graph.requests()),
        ] {
            assert_eq!(calls, ["media.get", "media.download"]);
        }
        // Twilio wants credentials, its file server must not get them.
        let requests = gateway.twilio().requests();
        let calls: Vec<_> = requests
            .iter()
            .filter(|request| request.call.starts_with("media."))
            .map(|request| (request.call, request.host.as_str()))
            .collect();
        assert_eq!(
            calls,
            [
                ("media.fetch", "api.twilio.com"),
                ("media.download", "mms.twiliocdn.com")
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_has_expired_on_the_way_is_asked_for_again() {
    each_with(Setup::with_all_providers, async |gateway| {
        let expired = || {
            let fault = Fault::Answer {
                status: 404,
                content_type: "text/html",
                body: "<html>URL signature expired</html>".to_owned(),
            };
            FaultRule::new(fault).on("media.download").times(1)
        };
        gateway.graph.add_fault(expired());
        gateway.dialog360().add_fault(expired());
        for via in Via::CLOUD {
            let message = somebody_sends_a_picture(gateway, via).await;
            fetch(gateway, via, &message).await;
        }
        let calls = |requests: Vec<graph::RecordedRequest>| {
            let gets = requests
                .iter()
                .filter(|request| request.call == "media.get");
            gets.count()
        };
        assert_eq!(calls(gateway.graph.requests()), 2);
        assert_eq!(calls(gateway.dialog360().requests()), 2);

        // Twilio makes a new link for each fetch, so whoever asked asks again.
        let message = somebody_sends_a_picture(gateway, Via::Twilio).await;
        gateway.twilio().add_fault(expired());
        let path = format!("/v1/messages/{message}/media");
        let failed = gateway.call("POST", &path).empty().await;
        assert_eq!(failed.status, 502, "{failed:?}");
        assert_eq!(failed.body["reason"], "provider-unavailable", "{failed:?}");
        fetch(gateway, Via::Twilio, &message).await;
    })
    .await;
}
