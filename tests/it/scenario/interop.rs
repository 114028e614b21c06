//! Our signatures before the published libraries of other languages.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use super::quiet;
use crate::harness::{TestGateway, each_with, environment};

/// Reads `{secret, deliveries: [{headers, body}]}` and checks each, then each with a changed body.
const PYTHON: &str = r#"
import json, sys
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
case = json.load(sys.stdin)
webhook = Webhook(case["secret"])
for delivery in case["deliveries"]:
    webhook.verify(delivery["body"], delivery["headers"])
    try:
        webhook.verify(delivery["body"] + " ", delivery["headers"])
    except WebhookVerificationError:
        continue
    sys.exit("a changed body was believed")
print(len(case["deliveries"]))
"#;

const NODE: &str = r#"
const { Webhook } = require("standardwebhooks");
const chosen = JSON.parse(require("fs").readFileSync(0, "utf8"));
const webhook = new Webhook(chosen.secret);
for (const { body, headers } of chosen.deliveries) {
    webhook.verify(body, headers);
    let believed = true;
    try { webhook.verify(body + " ", headers); } catch { believed = false; }
    if (believed) throw new Error("a changed body was believed");
}
console.log(chosen.deliveries.length);
"#;

/// What the sink got of two messages with text that JSON can write in several ways.
async fn deliveries(gateway: &TestGateway) -> String {
    for text in ["Hello", "Größe \u{2028} \"quoted\" </script> 😀"] {
        let id = gateway.send_text(text).await;
        gateway.wait_status(&id, "sent").await;
        gateway.report(&id, "delivered");
    }
    gateway
        .graph
        .deliver_text("4915112345678", "Grüße \u{2028} 😀");
    gateway.wait_delivered(5).await;
    let deliveries: Vec<_> = gateway.sink.deliveries().iter().map(|delivery| {
        let headers: serde_json::Map<_, _> = delivery.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({ "headers": headers, "body": String::from_utf8(delivery.body.to_vec()).unwrap() })
    }).collect();
    json!({ "secret": gateway.credentials.endpoint_secret, "deliveries": deliveries }).to_string()
}

fn verify(command: &mut Command, input: &str) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "5",
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pythons_library_believes_our_deliveries() {
    let Some(python) = environment("WHARF_TEST_PYTHON") else {
        return;
    };
    each_with(quiet, async |gateway| {
        let input = deliveries(gateway).await;
        verify(Command::new(&python).args(["-c", PYTHON]), &input);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_library_believes_our_deliveries() {
    let Some(modules) = environment("WHARF_TEST_NODE_MODULES") else {
        return;
    };
    each_with(quiet, async |gateway| {
        let input = deliveries(gateway).await;
        verify(
            Command::new("node")
                .args(["-e", NODE])
                .env("NODE_PATH", &modules),
            &input,
        );
    })
    .await;
}
