//! Twilio's webhooks, written and signed by Twilio's own library for Python: an oracle that knows nothing of
//! this project.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{Answer, Setup, TestGateway, each_with, environment};

/// Reads `{auth_token, calls: [{url, form | json}]}` and gives each call's URL, body and signature. What the
/// library itself would not believe is no call of Twilio's.
const PYTHON: &str = r#"
import json, sys
from urllib.parse import urlencode
from twilio.request_validator import RequestValidator
from hashlib import sha256
case = json.load(sys.stdin)
validator = RequestValidator(case["auth_token"])
calls = []
for call in case["calls"]:
    url, params = call["url"], call.get("form", {})
    if "json" in call:
        body = json.dumps(call["json"])
        url += "?bodySHA256=" + sha256(body.encode()).hexdigest()
    else:
        body = urlencode(params)
    signature = validator.compute_signature(url, params)
    believed = validator.validate(url, body if "json" in call else params, signature)
    if not believed:
        sys.exit("the library does not believe itself: " + url)
    calls.append({"url": url, "body": body, "signature": signature})
print(json.dumps(calls))
"#;

/// The address that every path is below.
const PUBLIC_URL: &str = "https://wharf.example.com";
const TOKEN: &str = "12345-the-accounts-auth-token";
const ACCOUNT: &str = "AC00000000000000000000000000000001";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn twilio(setup: &mut Setup) {
    setup.acme += &format!(
        "[channels.twilio]\nplugin = \"twilio\"\nsettings = {{ number = \"+14155238886\", account_sid = \"{ACCOUNT}\" }}\n\
         secrets = {{ auth_token = \"{TOKEN}\" }}\n"
    );
}

/// Where Twilio reaches a webhook of the channel.
async fn url_of(gateway: &TestGateway, webhook: &str) -> String {
    let channels = gateway.call("GET", "/v1/channels").empty().await;
    let channels = channels.body["data"].as_array().unwrap().clone();
    let channel = channels.into_iter().find(|c| c["id"] == "twilio").unwrap();
    channel["webhook_urls"][webhook]
        .as_str()
        .unwrap()
        .to_owned()
}

fn signed(python: &str, token: &str, calls: &Value) -> Vec<Value> {
    let mut child = Command::new(python)
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = json!({ "auth_token": token, "calls": calls }).to_string();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn post(
    gateway: &TestGateway,
    call: &Value,
    content_type: &str,
    body: &str,
    signature: Option<&str>,
) -> Answer {
    let path = call["url"].as_str().unwrap().strip_prefix(PUBLIC_URL);
    let mut request = gateway.call("POST", path.unwrap()).without_key();
    if let Some(signature) = signature {
        request = request.header("x-twilio-signature", signature);
    }
    request.bytes(content_type, body.to_owned()).await
}

fn message(id: &str, body: &str) -> Value {
    json!({
        "MessageSid": id, "SmsSid": id, "SmsMessageSid": id, "AccountSid": ACCOUNT, "ApiVersion": "2010-04-01",
        "From": "whatsapp:+4915112345678", "To": "whatsapp:+14155238886", "WaId": "4915112345678",
        "ProfileName": "Ada", "Body": body, "MessageType": "text", "NumMedia": "0", "NumSegments": "1",
        "SmsStatus": "received", "BrandNewField": "", "a-b": "c&d=e f+g%",
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_twilios_own_library_signs_is_believed_and_nothing_else() {
    let Some(python) = environment("WHARF_TEST_PYTHON") else {
        return;
    };
    each_with(twilio, async |gateway| {
        let (main, events) = (url_of(gateway, "main").await, url_of(gateway, "events").await);
        let texts = ["Hello", "Größe \u{2028} \"quoted\" +&=% 😀"];
        let template = json!([{
            "specversion": "1.0", "type": "com.twilio.messaging.template.approval.updated", "source": "/v1/x",
            "id": "EZ1", "time": "2026-09-21T12:00:00Z", "data": {
                "type": "status_update", "accountSid": ACCOUNT, "channel": "whatsapp",
                "template": { "sid": "HX1", "friendlyName": "owl", "language": "en", "currentValue": "approved" },
            },
        }]);
        let calls = json!([
            { "url": main, "form": message("SM00000000000000000000000000000001", texts[0]) },
            { "url": format!("{main}?a=1&b=2"), "form": message("SM00000000000000000000000000000002", texts[1]) },
            { "url": events, "json": template },
        ]);
        let others = signed(&python, "another token", &calls);
        for (call, other) in signed(&python, TOKEN, &calls).iter().zip(&others) {
            let is_json = call["url"].as_str().unwrap().contains("bodySHA256");
            let (right, wrong) = if is_json { (JSON, FORM) } else { (FORM, JSON) };
            let body = call["body"].as_str().unwrap();
            let signature = call["signature"].as_str();
            let changed = format!("{body}&x=1");
            for (content_type, body, signature) in [
                (right, body, None),
                (right, body, Some("")),
                (right, body, other["signature"].as_str()),
                (right, changed.as_str(), signature),
                (wrong, body, signature),
                ("text/plain", body, signature),
            ] {
                let answer = post(gateway, call, content_type, body, signature).await;
                answer.assert_problem(401, "signature-invalid");
            }
            let twice = [0, 1].map(|_| post(gateway, call, right, body, signature));
            for answer in twice {
                let answer = answer.await;
                assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{answer:?}");
            }
        }
        // Each twice, and each once in effect.
        assert_eq!(gateway.rows("webhook").await, 6);
        gateway.wait_idle().await;
        let mut received = gateway.delivered();
        received.sort_by_key(|event| event.to_string());
        let mut bodies: Vec<_> = received
            .iter()
            .filter(|event| event["type"] == "message.received")
            .map(|event| event["data"]["content"].to_string())
            .collect();
        bodies.sort();
        assert_eq!(bodies.len(), 2, "{received:#?}");
        for text in texts {
            let shown = json!(text).to_string();
            assert!(bodies.iter().any(|body| body.contains(&shown)), "{bodies:?}");
        }
        assert_eq!(received.len(), 3, "and the template's approval: {received:#?}");
    })
    .await;
}
