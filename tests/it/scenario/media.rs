//! Stored media: put in by a tenant, looked at, sent, and gone.

use serde_json::{Value, json};

use crate::harness::{
    ACME, Answer, GLOBEX, PLAYGROUND, Setup, TO, TestGateway, each, each_with, timeline,
};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nnot really";

async fn put(gateway: &TestGateway, tenant: &str, query: &str, kind: &str, bytes: &[u8]) -> Answer {
    let path = format!("/v1/media{query}");
    let call = gateway.call("POST", &path).by(tenant);
    call.bytes(kind, bytes.to_vec()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_is_stored_shown_read_and_deleted_by_its_tenant_only() {
    each(async |gateway| {
        let stored = put(
            gateway,
            ACME,
            "?filename=Gr%C3%B6%C3%9Fe.png",
            "image/PNG",
            PICTURE,
        )
        .await;
        assert_eq!(stored.status, 201, "{stored:?}");
        let id = stored.id();
        assert!(id.starts_with("med_"), "{id}");
        assert_eq!(stored.body["content_type"], "image/png");
        assert_eq!(stored.body["size_bytes"], PICTURE.len());
        assert_eq!(stored.body["filename"], "Größe.png");
        assert_eq!(stored.body["origin"], "tenant");
        assert_eq!(stored.body["sha256"].as_str().unwrap().len(), 64);
        let (about, bytes) = (format!("/v1/media/{id}"), format!("/v1/media/{id}/content"));
        let shown = gateway.call("GET", &about).empty().await;
        assert_eq!((shown.status, &shown.body), (200, &stored.body));
        let read = gateway
            .call("GET", &bytes)
            .header("range", "bytes=1-3")
            .empty()
            .await;
        assert_eq!((read.status, read.text.as_str()), (206, "PNG"));
        assert_eq!(read.headers["content-type"], "image/png");

        for path in [&about, &bytes] {
            let other = gateway.call("GET", path).by(GLOBEX).empty().await;
            other.assert_problem(404, "not-found");
            let nobody = gateway.call("GET", path).without_key().empty().await;
            nobody.assert_problem(401, "unauthorized");
        }
        let theirs = gateway.call("DELETE", &about).by(GLOBEX).empty().await;
        theirs.assert_problem(404, "not-found");
        assert_eq!(gateway.call("DELETE", &about).empty().await.status, 204);
        for path in [&about, &bytes] {
            let gone = gateway.call("GET", path).empty().await;
            gone.assert_problem(404, "not-found");
        }
        let again = gateway.call("DELETE", &about).empty().await;
        again.assert_problem(404, "not-found");
        for path in ["/v1/media/med_1", "/v1/media/x/content"] {
            let wrong = gateway.call("GET", path).empty().await;
            wrong.assert_problem(404, "not-found");
        }
        assert_eq!(gateway.rows("media").await, 0);
        assert_eq!(
            gateway
                .number("select cast(coalesce(sum(bytes), 0) as bigint) from media_usage")
                .await,
            0
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_nameless_or_nothing_is_not_stored() {
    let small = |setup: &mut Setup| {
        setup.set("media.object_bytes_max", 1_048_576);
        setup.set("media.tenant_bytes_max", 1_048_576);
    };
    each_with(small, async |gateway| {
        let large = put(gateway, ACME, "", "image/png", &vec![1; 1_048_577]).await;
        large.assert_problem(413, "body-too-large");
        assert!(
            large.body["detail"].as_str().unwrap().contains("1048576"),
            "{large:?}"
        );
        for kind in [
            "application/octet-stream",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "image",
        ] {
            let answer = put(gateway, ACME, "", kind, PICTURE).await;
            answer
                .assert_problem(422, "invalid-request")
                .assert_fields(&[("", "invalid")]);
        }
        let untyped = gateway.call("POST", "/v1/media").empty().await;
        untyped.assert_problem(422, "invalid-request");
        put(gateway, ACME, "", "image/png", b"")
            .await
            .assert_problem(422, "invalid-request");
        for query in ["?name=a", "?filename=a&filename=b", "?filename=%2F"] {
            let answer = put(gateway, ACME, query, "image/png", PICTURE).await;
            answer.assert_problem(400, "invalid-query");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_has_so_much_room_and_no_more() {
    let small = |setup: &mut Setup| {
        setup.set("media.object_bytes_max", 1_048_576);
        setup.set("media.tenant_bytes_max", 1_048_576);
    };
    each_with(small, async |gateway| {
        let half = vec![1; 600_000];
        let first = put(gateway, ACME, "", "audio/ogg; codecs=opus", &half).await;
        assert_eq!(first.status, 201, "{first:?}");
        assert_eq!(first.body["content_type"], "audio/ogg; codecs=opus");
        put(gateway, ACME, "", "audio/ogg", &half)
            .await
            .assert_problem(507, "no-room");
        let theirs = put(gateway, GLOBEX, "", "audio/ogg", &half).await;
        assert_eq!(theirs.status, 201, "another tenant has its own");
    })
    .await;
}

async fn send(gateway: &TestGateway, body: &Value) -> Answer {
    let call = gateway.call("POST", "/v1/messages").by(PLAYGROUND);
    call.json(body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_object_is_sent_where_it_fits() {
    each(async |gateway| {
        let picture = put(gateway, PLAYGROUND, "?filename=a.png", "image/png", PICTURE).await.id();
        let sound = put(gateway, PLAYGROUND, "", "audio/ogg", b"OggS").await.id();
        let foreign = put(gateway, ACME, "", "image/png", PICTURE).await.id();
        let image = |id: &str| json!({ "to": TO, "type": "image", "image": { "id": id } });
        let answer = send(gateway, &image(&picture)).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        assert_eq!(answer.body["image"], json!({ "id": picture }));
        let path = format!("/v1/messages/{}", answer.id());
        let sent = wharf_test_support::eventually(crate::harness::WAIT, || async {
            let message = gateway.call("GET", &path).by(PLAYGROUND).empty().await.body;
            timeline(&message, "exchange").next().cloned()
        });
        let sent = sent.await.unwrap();
        let sent: Value = serde_json::from_str(sent["request"]["body"].as_str().unwrap()).unwrap();
        let stored = json!({ "content_type": "image/png", "size": PICTURE.len() });
        assert_eq!(sent["image"]["source"]["stored"], stored);

        let missing = wharf_core::MediaId::new(&wharf::clock::RandomIds).to_string();
        for id in [&sound, &foreign, &missing] {
            let answer = send(gateway, &image(id)).await;
            answer
                .assert_problem(422, "invalid-request")
                .assert_fields(&[("/image/id", "invalid")]);
        }
        let components = json!([
            { "type": "header", "parameters": [{ "type": "image", "image": { "id": picture } }] },
            { "type": "button", "sub_type": "quick_reply", "index": 0, "parameters": [{ "type": "payload", "payload": "x" }] },
        ]);
        let template = json!({ "name": "a", "language": { "code": "de" }, "components": components });
        let whole = json!({ "to": TO, "type": "template", "template": template });
        assert_eq!(send(gateway, &whole).await.status, 202);
        let mut wrong = whole.clone();
        wrong["template"]["components"][0]["parameters"][0]["image"]["id"] = sound.into();
        send(gateway, &wrong)
            .await
            .assert_problem(422, "invalid-request")
            .assert_fields(&[("/template/components/0/parameters/0/image/id", "invalid")]);
    })
    .await;
}
