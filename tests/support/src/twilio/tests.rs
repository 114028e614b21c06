//! Messages over real sockets: credentials, parameters, refusals, lists, media, faults.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
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

#[tokio::test]
async fn wrong_messages_are_refused_with_their_codes() {
    let fake = fake(|_| {}).await;
    let long = "x".repeat(1601);
    let underscore = "https://my_host.example.com/status";
    let place = "geo:50.08|Praha";
    let medium = "https://a.example/a.png";
    let cases: &[(&[(&str, &str)], u64)] = &[
        (&[("From", FROM), ("Body", "a")], 21_604),
        (&[("To", TO), ("Body", "a")], 21_603),
        (&[("To", TO), ("From", FROM)], 21_602),
        (
            &[("To", "whatsapp:650"), ("From", FROM), ("Body", "a")],
            21_211,
        ),
        (
            &[("To", "+16505551234"), ("From", FROM), ("Body", "a")],
            21_612,
        ),
        (&[("To", TO), ("From", "whatsapp:1"), ("Body", "a")], 21_212),
        (
            &[("To", TO), ("From", "+15550783881"), ("Body", "a")],
            21_606,
        ),
        (
            &[("To", TO), ("From", "whatsapp:+15550000000"), ("Body", "a")],
            63_007,
        ),
        (&[("To", FROM), ("From", FROM), ("Body", "a")], 63_031),
        (&[("To", TO), ("From", FROM), ("Body", &long)], 21_617),
        (
            &[("To", TO), ("From", FROM), ("MediaUrl", "/a.png")],
            21_620,
        ),
        (
            &[
                ("To", TO),
                ("From", FROM),
                ("MediaUrl", medium),
                ("MediaUrl", medium),
            ],
            21_623,
        ),
        (
            &[
                ("To", TO),
                ("From", FROM),
                ("Body", "a"),
                ("StatusCallback", "/x"),
            ],
            21_609,
        ),
        (
            &[
                ("To", TO),
                ("From", FROM),
                ("Body", "a"),
                ("StatusCallback", underscore),
            ],
            21_609,
        ),
        (
            &[
                ("To", TO),
                ("From", FROM),
                ("Body", "a"),
                ("PersistentAction", place),
            ],
            20_001,
        ),
        (
            &[
                ("To", TO),
                ("From", FROM),
                ("PersistentAction", "geo:50.08,14.42"),
            ],
            21_602,
        ),
        (
            &[
                ("To", TO),
                ("From", FROM),
                ("ContentVariables", "{}"),
                ("Body", "a"),
            ],
            21_654,
        ),
        (&[("To", TO), ("From", FROM), ("ContentSid", "HX1")], 21_655),
        (
            &[
                ("To", TO),
                ("From", FROM),
                ("Body", "a"),
                ("ContentSid", "HX1"),
            ],
            20_001,
        ),
        (
            &[("To", TO), ("MessagingServiceSid", "MG1"), ("Body", "a")],
            21_705,
        ),
        (
            &[
                ("To", TO),
                ("From", FROM),
                ("Body", "a"),
                ("ValidityPeriod", "36001"),
            ],
            20_001,
        ),
        (
            &[
                ("To", TO),
                ("From", FROM),
                ("Body", "a"),
                ("ScheduleType", "fixed"),
            ],
            21_701,
        ),
        (
            &[
                ("To", TO),
                ("From", FROM),
                ("Body", "a"),
                ("ReplyTo", "SM1"),
            ],
            20_001,
        ),
        (
            &[("To", TO), ("To", TO), ("From", FROM), ("Body", "a")],
            20_001,
        ),
        (
            &[
                ("To", TO),
                ("From", FROM),
                ("Body", "a"),
                ("MediaUrl[]", medium),
            ],
            20_001,
        ),
    ];
    for (pairs, expected) in cases {
        let answer = send(&fake, pairs).await;
        assert_eq!(answer.status, 400, "{pairs:?}");
        assert_eq!(code(&answer), *expected, "{pairs:?}: {:?}", answer.body);
    }
    assert_eq!(fake.refusals().len(), cases.len());
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
async fn lists_filter_page_and_follow_their_addresses() {
    let fake = fake(|config| config.statuses = StatusPlan::off()).await;
    for _ in 0..5 {
        assert_eq!(send_text(&fake).await.status, 201);
    }
    let other = "whatsapp:+16505559999";
    send(&fake, &[("To", other), ("From", FROM), ("Body", "a")]).await;
    fake.receive_silently("+16505551234", &Inbound::text("hi"));
    let get = |query: &str| {
        let path = format!("Messages.json?{query}");
        api(&fake, "GET", &path).send(fake.address())
    };
    let count = |answer: &Answer| answer.json()["messages"].as_array().unwrap().len();
    assert_eq!(count(&get("").await), 7);
    let to = "To=whatsapp%3A%2B16505551234";
    assert_eq!(count(&get(to).await), 5);
    assert_eq!(count(&get("From=whatsapp:%2B16505551234").await), 1);
    assert_eq!(
        count(&get(&format!("{to}&DateSent%3E=2026-01-01")).await),
        5
    );
    assert_eq!(
        count(&get(&format!("{to}&DateSent%3C=2020-01-01")).await),
        0
    );
    assert_eq!(get("DateSent=yesterday").await.status, 400);
    assert_eq!(get("Sent=2026-01-01").await.status, 400);
    assert_eq!(get("Page=1").await.status, 400);

    let mut sids = Vec::new();
    let mut page = get(&format!("{to}&PageSize=2")).await.json();
    let mut pages = 1;
    loop {
        for message in page["messages"].as_array().unwrap() {
            sids.push(message["sid"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next_page_uri"].as_str() else {
            break;
        };
        let next = ask(&fake, "GET", "api.twilio.com", next);
        page = next.send(fake.address()).await.json();
        pages += 1;
    }
    assert_eq!(pages, 3);
    sids.sort_unstable();
    sids.dedup();
    assert_eq!(sids.len(), 5);
}

#[tokio::test]
async fn messages_are_deleted_redacted_and_cancelled() {
    let fake = fake(|config| {
        config.statuses = StatusPlan::off();
        config.services = vec![MessagingService {
            sid: "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned(),
            account_sid: config.accounts[0].sid.clone(),
            numbers: vec!["+15550783881".to_owned()],
        }];
    })
    .await;
    let service = ("MessagingServiceSid", "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    let accepted = send(&fake, &[("To", TO), service, ("Body", "a")])
        .await
        .json();
    assert_eq!(accepted["status"], "accepted");
    assert_eq!(accepted["from"], Value::Null);
    let later = [
        ("To", TO),
        service,
        ("Body", "a"),
        ("ScheduleType", "fixed"),
        ("SendAt", "2030-01-01T10:00:00Z"),
    ];
    let scheduled = send(&fake, &later).await.json();
    assert_eq!(scheduled["status"], "scheduled");
    let one = |method, sid: &Value| {
        let sid = sid.as_str().unwrap();
        api(&fake, method, &format!("Messages/{sid}.json"))
    };
    let cancel = |sid: &Value| with_form(one("POST", sid), &[("Status", "canceled")]);
    let cancelled = cancel(&scheduled["sid"]).send(fake.address()).await;
    assert_eq!(cancelled.json()["status"], "canceled");
    let again = cancel(&scheduled["sid"]).send(fake.address()).await;
    assert_eq!(again.status, 400);
    let redact = with_form(one("POST", &scheduled["sid"]), &[("Body", "")]);
    assert_eq!(redact.send(fake.address()).await.json()["body"], "");
    let delete = one("DELETE", &scheduled["sid"]).send(fake.address()).await;
    assert_eq!(delete.status, 204);
    assert!(delete.body.is_empty());
    let gone = one("GET", &scheduled["sid"]).send(fake.address()).await;
    assert_eq!((gone.status, code(&gone)), (404, 20_404));
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

#[tokio::test]
async fn media_are_behind_credentials_and_a_link_that_ends() {
    let fake = fake(|_| {}).await;
    fake.stop_clock();
    let image = Inbound::medium("image", "image/jpeg", "pixels", "Look");
    let form = Parameters(fake.form_of("+16505551234", &image));
    assert_eq!(form.get("MessageType"), "image");
    assert_eq!(form.get("Body"), "Look");
    let url = form.get("MediaUrl0").to_owned();
    let path = url
        .strip_prefix("https://api.twilio.com")
        .unwrap()
        .to_owned();
    let bare = Ask::new("GET", "api.twilio.com", &path);
    assert_eq!(bare.send(fake.address()).await.status, 401);
    let redirect = ask(&fake, "GET", "api.twilio.com", &path);
    assert_eq!(redirect.send(fake.address()).await.status, 307);
    let link = location(&fake, &path).await;
    let file = link.strip_prefix("https://mms.twiliocdn.com").unwrap();
    let get = || Ask::new("GET", "mms.twiliocdn.com", file);
    assert_eq!(get().send(fake.address()).await.body, "pixels");
    let leak = ask(&fake, "GET", "mms.twiliocdn.com", file);
    assert_eq!(leak.send(fake.address()).await.status, 400);
    fake.advance(Duration::from_secs(4 * 60 * 60));
    assert_eq!(get().send(fake.address()).await.status, 403);

    let resource = ask(&fake, "GET", "api.twilio.com", &format!("{path}.json"));
    let shown = resource.send(fake.address()).await.json();
    assert_eq!(shown["content_type"], "image/jpeg");
    let list = format!("Messages/{}/Media.json", form.get("MessageSid"));
    let listed = api(&fake, "GET", &list).send(fake.address()).await.json();
    assert_eq!(listed["media_list"][0], shown);
    let delete = || ask(&fake, "DELETE", "api.twilio.com", &format!("{path}.json"));
    assert_eq!(delete().send(fake.address()).await.status, 204);
    assert_eq!(delete().send(fake.address()).await.status, 404);
}

/// Where the media resource sends its reader.
async fn location(fake: &FakeTwilio, path: &str) -> String {
    header_of(fake, "GET", path, "", "location").await
}

/// One header of an answer, as it came over the socket.
async fn header_of(
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
