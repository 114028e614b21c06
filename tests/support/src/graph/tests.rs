//! The fake against a client that can see every byte, over real sockets.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::{Sink, eventually, free_port};

/// Turns something right into something wrong.
type Spoil<T> = fn(&mut T);

const WAIT: Duration = Duration::from_secs(10);

/// One raw HTTP/1.1 exchange; what came back, or how the connection ended.
struct Raw {
    bytes: Vec<u8>,
    ended: std::io::Result<()>,
}

impl Raw {
    fn status(&self) -> &str {
        std::str::from_utf8(self.bytes.get(9..12).unwrap_or_default()).unwrap_or_default()
    }

    fn body(&self) -> Value {
        let text = String::from_utf8_lossy(&self.bytes);
        let (_, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn code(&self) -> u64 {
        self.body()["error"]["code"].as_u64().unwrap_or(u64::MAX)
    }
}

/// A request that Graph would take; tests change what they want to see refused.
#[derive(Clone)]
struct Post {
    line: String,
    host: String,
    authorization: Option<String>,
    content_type: String,
    body: String,
}

impl Post {
    fn to(recipient: &str) -> Self {
        let number = PhoneNumber::default();
        let body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": recipient,
            "type": "text",
            "text": { "body": "Ahoj" },
            "biz_opaque_callback_data": format!("msg_{recipient}"),
        });
        Self {
            line: format!("POST /v24.0/{}/messages", number.id),
            host: "graph.facebook.com".to_owned(),
            authorization: Some(format!("Bearer {}", number.token)),
            content_type: "application/json".to_owned(),
            body: body.to_string(),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Value)) -> Self {
        let mut body: Value = serde_json::from_str(&self.body).unwrap();
        change(&mut body);
        self.body = body.to_string();
        self
    }

    async fn send(self, fake: &FakeGraph) -> Raw {
        let address = fake.address();
        tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let authorization = self
                .authorization
                .map(|value| format!("authorization: {value}\r\n"))
                .unwrap_or_default();
            let request = format!(
                "{} HTTP/1.1\r\nhost: {}\r\n{authorization}content-type: {}\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{}",
                self.line,
                self.host,
                self.content_type,
                self.body.len(),
                self.body
            );
            stream.write_all(request.as_bytes()).unwrap();
            let mut bytes = Vec::new();
            let ended = stream.read_to_end(&mut bytes).map(|_| ());
            // Already gone when the fake reset the connection.
            let _ = stream.shutdown(Shutdown::Both);
            Raw { bytes, ended }
        })
        .await
        .unwrap()
    }
}

async fn quiet_fake() -> FakeGraph {
    FakeGraph::start(FakeGraphConfig::default()).await.unwrap()
}

#[tokio::test]
async fn a_correct_send_is_accepted_and_remembered_without_its_token() {
    let fake = quiet_fake().await;
    let first = Post::to("+1 (650) 555-1234").send(&fake).await;
    let second = Post::to("+1 (650) 555-1234").send(&fake).await;
    assert_eq!(first.status(), "200");
    let body = first.body();
    assert_eq!(body["contacts"][0]["input"], "+1 (650) 555-1234");
    assert_eq!(body["contacts"][0]["wa_id"], "16505551234");
    let wamid = body["messages"][0]["id"].as_str().unwrap();
    assert!(wamid.starts_with("wamid."), "{wamid}");
    assert_ne!(second.body()["messages"][0]["id"], wamid);

    let requests = fake.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].wamid(), Some(wamid));
    assert!(!format!("{requests:?}").contains(&fake.number().token));
    assert_eq!(
        fake.accepted_by_callback_data()["msg_+1 (650) 555-1234"].len(),
        2
    );
    assert_eq!(fake.refusals().len(), 0);
}

#[tokio::test]
async fn limits_hold_to_the_character() {
    let fake = quiet_fake().await;
    let text = |count| {
        Post::to("16505551234").with(|body| body["text"]["body"] = "ä".repeat(count).into())
    };
    assert_eq!(text(4096).send(&fake).await.status(), "200");
    assert_eq!(text(4097).send(&fake).await.code(), 100);
    let data = |count| {
        Post::to("16505551234")
            .with(|body| body["biz_opaque_callback_data"] = "x".repeat(count).into())
    };
    assert_eq!(data(512).send(&fake).await.status(), "200");
    assert_eq!(data(513).send(&fake).await.code(), 100);
}

#[tokio::test]
async fn a_wrong_envelope_is_refused_with_metas_code() {
    let cases: [(&str, Spoil<Post>, &str, u64); 11] = [
        ("host", |post| post.host = "127.0.0.1".into(), "400", 1),
        (
            "no version",
            |post| post.line = "POST /1/messages".into(),
            "400",
            1,
        ),
        (
            "version",
            |post| post.line = "POST /v24/1/messages".into(),
            "400",
            1,
        ),
        (
            "method",
            |post| post.line = "PUT /v24.0/1/messages".into(),
            "400",
            100,
        ),
        (
            "number",
            |post| post.line = "POST /v24.0/1/messages".into(),
            "400",
            100,
        ),
        ("no token", |post| post.authorization = None, "401", 104),
        (
            "token",
            |post| post.authorization = Some("Bearer x".into()),
            "401",
            190,
        ),
        (
            "scheme",
            |post| post.authorization = Some("OAuth EAAJB123token".into()),
            "401",
            190,
        ),
        (
            "type",
            |post| post.content_type = "text/plain".into(),
            "400",
            100,
        ),
        ("cut", |post| post.body = r#"{"to":"#.into(), "400", 100),
        (
            "twice",
            |post| post.body = r#"{"to":"1","to":"2"}"#.into(),
            "400",
            100,
        ),
    ];
    let fake = quiet_fake().await;
    for (name, spoil, status, code) in cases {
        let mut post = Post::to("16505551234");
        spoil(&mut post);
        let answer = post.send(&fake).await;
        assert_eq!((answer.status(), answer.code()), (status, code), "{name}");
    }
    assert_eq!(fake.refusals().len(), cases.len());
    assert!(fake.sends_by_callback_data().is_empty());
}

#[tokio::test]
async fn a_wrong_body_is_refused_with_metas_code() {
    let cases: [(&str, Spoil<Value>, u64); 13] = [
        ("key", |body| body["Text"] = json!(1), 100),
        ("text key", |body| body["text"]["footer"] = json!("x"), 100),
        (
            "preview",
            |body| body["text"]["preview_url"] = json!("true"),
            100,
        ),
        (
            "product",
            |body| body["messaging_product"] = json!("sms"),
            100,
        ),
        (
            "recipient type",
            |body| body["recipient_type"] = json!("all"),
            100,
        ),
        ("no recipient", |body| body["to"] = Value::Null, 100),
        ("letters", |body| body["to"] = json!("+49 CALL"), 131_009),
        ("sender", |body| body["to"] = json!("+15550783881"), 131_021),
        ("kind", |body| body["type"] = json!("hologram"), 131_051),
        ("no text", |body| body["text"] = Value::Null, 131_008),
        ("empty text", |body| body["text"]["body"] = json!(""), 100),
        (
            "context",
            |body| body["context"] = json!({ "message_id": "msg_1" }),
            131_009,
        ),
        ("status", |body| body["status"] = json!("read"), 131_009),
    ];
    let fake = quiet_fake().await;
    for (name, spoil, code) in cases {
        let answer = Post::to("16505551234").with(spoil).send(&fake).await;
        assert_eq!((answer.status(), answer.code()), ("400", code), "{name}");
    }
    assert_eq!(fake.refusals().len(), cases.len());
    assert!(fake.sends_by_callback_data().is_empty());
}

#[tokio::test]
async fn user_ids_and_read_receipts_are_taken() {
    let fake = quiet_fake().await;
    let to_user = Post::to("1").with(|body| {
        body["to"] = Value::Null;
        body["recipient"] = json!("US.13491208655302741918");
    });
    let answer = to_user.send(&fake).await.body();
    assert_eq!(answer["contacts"][0]["input"], "US.13491208655302741918");
    assert_eq!(answer["contacts"][0]["wa_id"], Value::Null);

    let receipt = Post {
        body: json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x" })
            .to_string(),
        ..Post::to("1")
    };
    assert_eq!(receipt.send(&fake).await.body(), json!({ "success": true }));
    let marked = Verdict::MarkedRead {
        message_id: "wamid.x".to_owned(),
    };
    assert_eq!(
        fake.requests()
            .last()
            .map(|request| request.verdict.clone()),
        Some(marked)
    );
}

#[tokio::test]
async fn ordered_errors_have_metas_status_and_are_not_accepted() {
    let fake = quiet_fake().await;
    for (code, status) in [
        (131_056, "400"),
        (130_429, "400"),
        (190, "401"),
        (131_016, "500"),
        (2, "503"),
    ] {
        fake.fail_next(1, Fault::GraphError(code));
        let answer = Post::to("16505551234").send(&fake).await;
        assert_eq!((answer.status(), answer.code()), (status, u64::from(code)));
    }
    fake.fail_next(1, Fault::InternalServerError);
    fake.fail_next(1, Fault::Unavailable);
    assert_eq!(Post::to("16505551234").send(&fake).await.status(), "500");
    assert_eq!(Post::to("16505551234").send(&fake).await.status(), "503");
    assert_eq!(fake.sends_by_callback_data()["msg_16505551234"].len(), 7);
    assert!(fake.accepted_by_callback_data().is_empty());
    assert_eq!(Post::to("16505551234").send(&fake).await.status(), "200");
}

#[tokio::test]
async fn cut_connections_end_as_ordered_and_are_remembered() {
    let fake = quiet_fake().await;
    let strike = async |fault: Fault| {
        fake.fail_next(1, fault);
        Post::to("16505551234").send(&fake).await
    };
    let is_reset = |raw: &Raw| {
        raw.ended
            .as_ref()
            .is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
    };
    for fault in [Fault::Reset, Fault::AcceptAndReset] {
        let raw = strike(fault.clone()).await;
        assert!(
            raw.bytes.is_empty() && is_reset(&raw),
            "{fault:?}: {:?}",
            raw.ended
        );
    }
    for fault in [Fault::Drop, Fault::AcceptAndDrop] {
        let raw = strike(fault.clone()).await;
        assert!(
            raw.bytes.is_empty() && raw.ended.is_ok(),
            "{fault:?}: {:?}",
            raw.ended
        );
    }
    let raw = strike(Fault::ResetAfter(100)).await;
    assert!(raw.bytes.len() == 100 && is_reset(&raw), "{:?}", raw.ended);
    let raw = strike(Fault::AcceptAndTruncate).await;
    let text = String::from_utf8_lossy(&raw.bytes).into_owned();
    assert!(
        text.starts_with("HTTP/1.1 200") && text.contains("wamid.") && !text.ends_with('}'),
        "{text}"
    );

    let requests = fake.requests();
    let accepted = requests
        .iter()
        .filter(|request| request.wamid().is_some())
        .count();
    assert_eq!((requests.len(), accepted), (6, 4));
}

/// The receiver of the fake's webhooks: the sink refuses what has no Standard Webhooks signature,
/// and still remembers it, which is all that is needed here.
#[tokio::test]
async fn statuses_are_signed_echo_the_callback_data_and_repeat_until_acknowledged() {
    let sink = Sink::start("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .await
        .unwrap();
    let fake = FakeGraph::start(FakeGraphConfig {
        callback_url: Some(sink.url()),
        webhook_retry: WebhookRetry {
            first: Duration::from_millis(1),
            ..WebhookRetry::default()
        },
        ..FakeGraphConfig::default()
    })
    .await
    .unwrap();
    Post::to("16505551234").send(&fake).await;
    let seen = eventually(WAIT, || async {
        let seen = sink.deliveries();
        (seen.len() >= 6).then_some(seen)
    })
    .await
    .unwrap();
    assert_eq!(
        fake.unacknowledged_webhooks(),
        3,
        "401 must not count as acknowledged"
    );

    let mut statuses = std::collections::BTreeSet::new();
    for delivery in &seen {
        let signature = delivery
            .headers
            .iter()
            .find(|(name, _)| name == "x-hub-signature-256");
        assert_eq!(
            signature.map(|header| header.1.as_str()),
            Some(&*fake.signature(&delivery.body))
        );
        let body: Value = serde_json::from_slice(&delivery.body).unwrap();
        let value = &body["entry"][0]["changes"][0]["value"];
        assert_eq!(value["metadata"]["phone_number_id"], fake.number().id);
        let status = &value["statuses"][0];
        assert_eq!(status["biz_opaque_callback_data"], "msg_16505551234");
        assert_eq!(status["recipient_id"], "16505551234");
        assert_eq!(status["id"].as_str(), fake.requests()[0].wamid());
        statuses.insert(status["status"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(
        statuses.into_iter().collect::<Vec<_>>(),
        ["delivered", "read", "sent"]
    );
}

#[tokio::test]
async fn a_receiver_that_comes_up_late_gets_everything_once_it_says_200() {
    let port = free_port().unwrap();
    let config = FakeGraphConfig {
        statuses: StatusPlan::immediate().duplicated_and_reversed(),
        webhook_retry: WebhookRetry {
            first: Duration::from_millis(1),
            longest: Duration::from_millis(20),
            ..WebhookRetry::default()
        },
        ..FakeGraphConfig::default()
    };
    let sender = FakeGraph::start(config).await.unwrap();
    sender.set_callback_url(format!("http://127.0.0.1:{port}/hook"));
    sender.fail_delivery_to("16505551235", 131_026);
    Post::to("16505551234").send(&sender).await;
    Post::to("16505551235").send(&sender).await;
    let wamid = sender.deliver_text("16505551234", "Grüße");
    assert_eq!(sender.unacknowledged_webhooks(), 2 * 3 + 2 * 2 + 1);

    let router = axum::Router::new().fallback(|| async { "EVENT_RECEIVED" });
    let _receiver = Server::start(port, router).await.unwrap();
    eventually(WAIT, || async {
        (sender.unacknowledged_webhooks() == 0).then_some(())
    })
    .await
    .unwrap();

    let webhooks = sender.webhooks();
    let bodies: Vec<String> = webhooks
        .iter()
        .map(|webhook| String::from_utf8_lossy(&webhook.body).into_owned())
        .collect();
    let count = |needle: &str| bodies.iter().filter(|body| body.contains(needle)).count();
    assert_eq!(count(r#""status":"sent""#), 4);
    assert_eq!(count(r#""status":"delivered""#), 2);
    assert_eq!(count(r#""status":"read""#), 2);
    assert_eq!(count(r#""status":"failed""#), 2);
    assert_eq!(count(r#""code":131026"#), 2);
    assert_eq!(count(&wamid.replace('/', "\\/")), 1);
    assert!(bodies.iter().all(|body| body.is_ascii()));
    assert!(
        webhooks
            .iter()
            .all(|webhook| webhook.last_answer == Some(Ok(200)))
    );
}

#[tokio::test]
async fn forged_posts_and_challenges_show_what_the_receiver_says() {
    let sink = Sink::start("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .await
        .unwrap();
    let fake = quiet_fake().await;
    assert!(
        fake.post_signed("{}").await.is_err(),
        "there is no callback URL yet"
    );
    fake.set_callback_url(sink.url());
    let answer = fake.post_forged("{}", Some("sha256=00")).await.unwrap();
    assert_eq!(answer.status, 401);
    fake.post_forged("{}", None).await.unwrap();
    let signatures: Vec<_> = sink
        .deliveries()
        .iter()
        .map(|seen| {
            let header = seen
                .headers
                .iter()
                .find(|(name, _)| name == "x-hub-signature-256");
            header.map(|header| header.1.clone())
        })
        .collect();
    assert_eq!(signatures, [Some("sha256=00".to_owned()), None]);
    let refusal = fake.verify_subscription().await.unwrap_err().to_string();
    assert!(refusal.contains("401"), "{refusal}");

    let echo = |axum::extract::RawQuery(query): axum::extract::RawQuery| async move {
        query
            .unwrap_or_default()
            .split('&')
            .find_map(|pair| pair.strip_prefix("hub.challenge=").map(str::to_owned))
            .unwrap_or_default()
    };
    let echo = Server::start(0, axum::Router::new().fallback(echo))
        .await
        .unwrap();
    fake.set_callback_url(format!("http://{}/hook", echo.address()));
    fake.verify_subscription().await.unwrap();
}
