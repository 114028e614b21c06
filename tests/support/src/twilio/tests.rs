//! Messages over real sockets: credentials, parameters, refusals, lists, media, faults.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::ask::{Answer, Ask};

pub(super) const FROM: &str = "whatsapp:+15550783881";
pub(super) const TO: &str = "whatsapp:+16505551234";
pub(super) const WAIT: Duration = Duration::from_secs(10);

pub(super) async fn fake(change: impl FnOnce(&mut FakeTwilioConfig)) -> FakeTwilio {
    let mut config = FakeTwilioConfig::default();
    change(&mut config);
    FakeTwilio::start(config).await.unwrap()
}

pub(super) fn basic(ask: Ask, user: &str, password: &str) -> Ask {
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    ask.header("authorization", &format!("Basic {encoded}"))
}

pub(super) fn ask(fake: &FakeTwilio, method: &'static str, host: &str, path: &str) -> Ask {
    let account = fake.account();
    basic(
        Ask::new(method, host, path),
        &account.sid,
        &account.auth_token,
    )
}

/// A call of 2010-04-01 below the main account.
pub(super) fn api(fake: &FakeTwilio, method: &'static str, path: &str) -> Ask {
    let path = format!("/2010-04-01/Accounts/{}/{path}", fake.account().sid);
    ask(fake, method, "api.twilio.com", &path)
}

pub(super) fn with_form(ask: Ask, pairs: &[(&str, &str)]) -> Ask {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    ask.body("application/x-www-form-urlencoded", body)
}

pub(super) async fn send(fake: &FakeTwilio, pairs: &[(&str, &str)]) -> Answer {
    let ask = with_form(api(fake, "POST", "Messages.json"), pairs);
    ask.send(fake.address()).await
}

pub(super) async fn send_text(fake: &FakeTwilio) -> Answer {
    send(fake, &[("To", TO), ("From", FROM), ("Body", "Ahoj")]).await
}

/// Twilio's code of an error.
pub(super) fn code(answer: &Answer) -> u64 {
    answer.json()["code"].as_u64().unwrap_or_default()
}

#[tokio::test]
async fn a_text_is_taken_and_shown_as_the_documents_example() {
    let fake = fake(|config| config.statuses = StatusPlan::off()).await;
    let answer = send_text(&fake).await;
    assert_eq!(answer.status, 201);
    let shown = answer.json();
    let sid = shown["sid"].as_str().unwrap();
    assert!(address::is_sid(sid, "SM"), "{sid}");
    let account = fake.account().sid;
    let uri = format!("/2010-04-01/Accounts/{account}/Messages/{sid}");
    let created = shown["date_created"].clone();
    let expected = json!({
        "account_sid": account, "api_version": "2010-04-01", "body": "Ahoj",
        "date_created": created, "date_sent": null, "date_updated": created,
        "direction": "outbound-api", "error_code": null, "error_message": null,
        "from": FROM, "to": TO, "messaging_service_sid": null, "num_media": "0",
        "num_segments": "1", "price": null, "price_unit": null, "sid": sid, "status": "queued",
        "subresource_uris": { "media": format!("{uri}/Media.json") }, "uri": format!("{uri}.json"),
    });
    assert_eq!(shown, expected);
    let fetched = api(&fake, "GET", &format!("Messages/{sid}.json"));
    assert_eq!(fetched.send(fake.address()).await.json(), expected);
    assert_eq!(fake.sent().len(), 1);
    assert!(fake.refusals().is_empty());
}

#[tokio::test]
async fn credentials_are_the_accounts_tokens_or_its_keys() {
    let fake = fake(|_| {}).await;
    let account = fake.account();
    let path = format!("/2010-04-01/Accounts/{}.json", account.sid);
    let get = |user: &str, password: &str| {
        let ask = Ask::new("GET", "api.twilio.com", &path);
        basic(ask, user, password).send(fake.address())
    };
    assert_eq!(get(&account.sid, &account.auth_token).await.status, 200);
    let (key, secret) = &account.api_keys[0];
    assert_eq!(get(key, secret).await.status, 200);
    assert_eq!(get(key, &account.auth_token).await.status, 401);
    assert_eq!(get(&account.sid, secret).await.status, 401);
    let nobody = Ask::new("GET", "api.twilio.com", &path);
    let refused = nobody.send(fake.address()).await;
    assert_eq!(
        refused.json(),
        json!({ "code": 20003, "message": "Authenticate", "status": 401,
                "more_info": "https://www.twilio.com/docs/errors/20003" })
    );
    let elsewhere = ask(&fake, "GET", "api.twilio.com", &path.replace("ACa", "ACb"));
    assert_eq!(elsewhere.send(fake.address()).await.status, 404);
    let host = ask(&fake, "GET", "graph.facebook.com", &path);
    assert_eq!(host.send(fake.address()).await.status, 421);

    let second = fake.create_secondary_token(&account.sid);
    assert_eq!(get(&account.sid, &second).await.status, 200);
    fake.promote_secondary_token(&account.sid);
    assert_eq!(get(&account.sid, &second).await.status, 200);
    assert_eq!(get(&account.sid, &account.auth_token).await.status, 401);
}

/// What is changed of a good text, and the code that it costs; nothing takes a parameter out.
type Change = (&'static [(&'static str, &'static str)], u64);

const MEDIUM: (&str, &str) = ("MediaUrl", "https://a.example/a.png");
const NO_BODY: (&str, &str) = ("Body", "");
const NO_FROM: (&str, &str) = ("From", "");

const WRONG: &[Change] = &[
    (&[("To", "")], 21_604),
    (&[NO_FROM], 21_603),
    (&[NO_BODY], 21_602),
    (&[("To", "whatsapp:650")], 21_211),
    (&[("To", "+16505551234")], 21_612),
    (&[("To", FROM)], 63_031),
    (&[("From", "whatsapp:1")], 21_212),
    (&[("From", "+15550783881")], 21_606),
    (&[("From", "whatsapp:+15550000000")], 63_007),
    (&[("MediaUrl", "/a.png")], 21_620),
    (&[MEDIUM, MEDIUM], 21_623),
    (&[("StatusCallback", "/x")], 21_609),
    (
        &[("StatusCallback", "https://my_host.example.com/x")],
        21_609,
    ),
    (&[("PersistentAction", "geo:50.08|Praha")], 20_001),
    (&[("PersistentAction", "geo:91,14.42")], 20_001),
    (&[NO_BODY, ("PersistentAction", "geo:50,14")], 21_602),
    (&[MEDIUM, ("PersistentAction", "geo:50,14")], 21_602),
    (&[("ContentVariables", "{}")], 21_654),
    (&[NO_BODY, ("ContentSid", "HX1")], 21_655),
    (&[("ContentSid", "HX1")], 20_001),
    (&[NO_FROM, ("MessagingServiceSid", "MG1")], 21_705),
    (&[("ValidityPeriod", "36001")], 20_001),
    (&[("ScheduleType", "fixed")], 21_701),
    (&[("SendAt", "2030-01-01T10:00:00Z")], 20_001),
    (&[("ReplyTo", "SM1")], 20_001),
    (&[("To", TO), ("To", TO)], 20_001),
    (&[("MediaUrl[]", "https://a.example/a.png")], 20_001),
];

/// A good text with these changes.
fn changed<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let good = [("To", TO), ("From", FROM), ("Body", "a")];
    let is_changed = |name: &str| changes.iter().any(|change| change.0 == name);
    let kept = good.into_iter().filter(|pair| !is_changed(pair.0));
    let added = changes.iter().copied().filter(|pair| !pair.1.is_empty());
    kept.chain(added).collect()
}

#[tokio::test]
async fn wrong_messages_are_refused_with_their_codes() {
    let fake = fake(|_| {}).await;
    for (changes, expected) in WRONG {
        let answer = send(&fake, &changed(changes)).await;
        assert_eq!(answer.status, 400, "{changes:?}");
        assert_eq!(code(&answer), *expected, "{changes:?}: {:?}", answer.body);
    }
    let long = "x".repeat(1601);
    let answer = send(&fake, &changed(&[("Body", &long)])).await;
    assert_eq!(code(&answer), 21_617);
    assert_eq!(fake.refusals().len(), WRONG.len() + 1);
    assert!(fake.sent().is_empty());
    let json = api(&fake, "POST", "Messages.json").json(json!({ "To": TO, "From": FROM }));
    assert_eq!(json.send(fake.address()).await.status, 415);
}

#[tokio::test]
async fn what_the_reference_allows_is_taken() {
    let fake = fake(|config| config.statuses = StatusPlan::off()).await;
    let cases: &[&[(&str, &str)]] = &[
        &[
            ("To", "whatsapp:US.13491208655302741918"),
            ("From", FROM),
            ("Body", "a"),
        ],
        &[
            ("To", TO),
            ("From", FROM),
            ("MediaUrl", "https://a.example/a.pdf"),
        ],
        &[
            ("To", TO),
            ("From", FROM),
            ("Body", "Look"),
            ("MediaUrl", "https://a.example/a.png"),
        ],
        &[
            ("To", TO),
            ("From", FROM),
            ("Body", "Castle"),
            ("PersistentAction", "geo:50.09,14.4"),
        ],
        &[
            ("To", TO),
            ("From", FROM),
            ("Body", "a"),
            ("PersistentAction", "geo:50.09,14.4|Hradčany 1"),
        ],
        &[
            ("To", TO),
            ("From", FROM),
            ("Body", &"ž".repeat(1600)),
            ("ValidityPeriod", "14400"),
        ],
        &[
            ("To", TO),
            ("From", FROM),
            ("Body", "a"),
            (
                "StatusCallback",
                "https://wharf.example.com/hooks/twilio?m=msg_1#rc=5&rp=all",
            ),
        ],
    ];
    for pairs in cases {
        let answer = send(&fake, pairs).await;
        assert_eq!(answer.status, 201, "{pairs:?}: {:?}", answer.body);
    }
    let sent = fake.sent();
    assert!(sent[1].sid.starts_with("MM"));
    assert_eq!(sent[4].place.as_deref(), Some("geo:50.09,14.4|Hradčany 1"));
}

#[tokio::test]
async fn limits_and_faults_strike_as_ordered() {
    let fake = fake(|config| {
        config.statuses = StatusPlan::off();
        config.limits.calls_per_second = Some(2);
    })
    .await;
    fake.stop_clock();
    send_text(&fake).await;
    send_text(&fake).await;
    let limited = send_text(&fake).await;
    assert_eq!((limited.status, code(&limited)), (429, 20_429));
    let path = format!("/2010-04-01/Accounts/{}/Messages.json", fake.account().sid);
    assert_eq!(header_of(&fake, "GET", &path, "", "retry-after").await, "1");
    fake.advance(Duration::from_secs(1));
    fake.refuse_next(1, 20_503);
    let broken = send_text(&fake).await;
    assert_eq!((broken.status, code(&broken)), (503, 20_503));
    assert_eq!(fake.sent().len(), 2);
    fake.advance(Duration::from_secs(1));
    fake.fail_next(1, Fault::AcceptAndGarble);
    assert_eq!(send_text(&fake).await.status, 200);
    assert_eq!(fake.sent().len(), 3);
    assert!(fake.refusals().is_empty());
    fake.advance(Duration::from_secs(1));
    fake.fail_next(1, Fault::ResetAfter(10));
    let cut = raw_send(&fake, fake.address()).await;
    assert!(cut.is_err());
    assert_eq!(fake.sent().len(), 4);
    fake.advance(Duration::from_secs(1));
    fake.add_fault(FaultRule::new(Fault::Unavailable).on("messages.list"));
    let list = api(&fake, "GET", "Messages.json")
        .send(fake.address())
        .await;
    assert_eq!(list.status, 503);
}

/// A send whose connection may break.
async fn raw_send(fake: &FakeTwilio, address: SocketAddr) -> anyhow::Result<u16> {
    let account = fake.account();
    let path = format!("/2010-04-01/Accounts/{}/Messages.json", account.sid);
    let encoded = STANDARD.encode(format!("{}:{}", account.sid, account.auth_token));
    let request = axum::http::Request::post(format!("http://{address}{path}"))
        .header("host", "api.twilio.com")
        .header("authorization", format!("Basic {encoded}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(http_body_util::Full::new(bytes::Bytes::from(
            "To=whatsapp%3A%2B16505551234&From=whatsapp%3A%2B15550783881&Body=a",
        )))?;
    let client = crate::http_client::HttpClient::new(WAIT);
    Ok(client.send(request).await?.status.as_u16())
}

/// One header of an answer, as it came over the socket.
pub(super) async fn header_of(
    fake: &FakeTwilio,
    method: &str,
    path: &str,
    form: &str,
    header: &str,
) -> String {
    let account = fake.account();
    let encoded = STANDARD.encode(format!("{}:{}", account.sid, account.auth_token));
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: api.twilio.com\r\nAuthorization: Basic {encoded}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{form}",
        form.len()
    );
    let mut stream = tokio::net::TcpStream::connect(fake.address())
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let lines = answer.lines().filter_map(|line| line.split_once(": "));
    let mut values = lines.filter(|(name, _)| name.eq_ignore_ascii_case(header));
    values
        .next()
        .map_or_else(String::new, |(_, value)| value.to_owned())
}

/// A webhook's parameters.
pub(super) struct Parameters(pub(super) Vec<(String, String)>);

impl Parameters {
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|pair| pair.0 == name);
        found.map_or("", |pair| pair.1.as_str())
    }
}
