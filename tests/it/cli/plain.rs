//! The program with nothing but variables of the environment, against all three providers.

use std::process::Command;

use rand::Rng;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use wharf_core::api_key::{self, NewKey};
use wharf_test_support::dialog360::WebhookConfig;
use wharf_test_support::twilio::{Inbound, WebhookPolicy};
use wharf_test_support::{
    FakeDialog360, FakeDialog360Config, FakeGraph, FakeGraphConfig, FakeTwilio, FakeTwilioConfig,
    eventually,
};

use super::program::{Program, RING_KEY, Serving};
use crate::harness::{TO, WAIT};

const PUBLIC_URL: &str = "https://wharf.example.com";
const DIALOG360_SECRET: &str = "a-long-random-text";

struct Providers {
    graph: FakeGraph,
    dialog360: FakeDialog360,
    twilio: FakeTwilio,
}

impl Providers {
    async fn start() -> Self {
        let twilio = FakeTwilioConfig {
            webhooks: WebhookPolicy::stubborn(),
            ..FakeTwilioConfig::default()
        };
        Self {
            graph: FakeGraph::start(FakeGraphConfig::default()).await.unwrap(),
            dialog360: FakeDialog360::start(FakeDialog360Config::default())
                .await
                .unwrap(),
            twilio: FakeTwilio::start(twilio).await.unwrap(),
        }
    }

    /// What the owner of the three accounts would set.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let graph = self.graph.config();
        let dialog360 = self.dialog360.config();
        let twilio = self.twilio.config();
        let (meta, dialog) = (&graph.numbers[0], &dialog360.numbers[0]);
        vec![
            ("META_APP_ID", graph.app_id.clone()),
            ("META_APP_SECRET", graph.app_secret.clone()),
            ("WHATSAPP_WEBHOOK_VERIFY_TOKEN", graph.verify_token.clone()),
            ("META_ACCESS_TOKEN", meta.token.clone()),
            ("META_PHONE_NUMBER_ID", meta.id.clone()),
            ("META_WABA_ID", meta.account_id.clone()),
            ("DIALOG_360_API_TOKEN", dialog.token.clone()),
            ("DIALOG_360_PHONE_NUMBER_ID", dialog.id.clone()),
            ("WHATSAPP_WEBHOOK_SECRET", DIALOG360_SECRET.to_owned()),
            ("TWILIO_ACCOUNT_SID", twilio.accounts[0].sid.clone()),
            ("TWILIO_AUTH_TOKEN", twilio.accounts[0].auth_token.clone()),
            (
                "TWILIO_WHATSAPP_FROM",
                format!("whatsapp:{}", twilio.senders[0].number),
            ),
            ("QUEUE_CONNECTION", "database".to_owned()),
        ]
    }

    /// Leads the program's connections here instead of to the providers.
    fn redirect(&self, command: &mut Command) {
        let (graph, dialog360, twilio) = (
            self.graph.config(),
            self.dialog360.config(),
            self.twilio.config(),
        );
        command.arg("--insecure-connect-to");
        for (host, url) in [
            (&graph.expected_host, self.graph.url()),
            (&dialog360.expected_host, self.dialog360.url()),
            (&twilio.api_host, self.twilio.url()),
        ] {
            let key = format!("egress.connect_to.\"{host}\"={url}");
            command.args(["--set", &key]);
        }
    }

    /// One address for the webhooks of all of them; who calls shows by the header.
    fn call_back(&self, gateway: &Serving) {
        let local = gateway.url();
        self.graph
            .set_callback_url(format!("{local}/api/whatsapp/webhook"));
        self.dialog360.connect_to(PUBLIC_URL, &*local);
        self.twilio.connect_to(PUBLIC_URL, &*local);
        let webhook = WebhookConfig {
            url: format!("{PUBLIC_URL}/api/whatsapp/webhook"),
            headers: [(
                "x-wharf-webhook-secret".to_owned(),
                DIALOG360_SECRET.to_owned(),
            )]
            .into(),
        };
        for channel in self.dialog360.channels() {
            self.dialog360.set_webhook(&channel.id, webhook.clone());
        }
        let number = self.twilio.sender().number;
        let url = format!("{PUBLIC_URL}/api/whatsapp/webhook");
        self.twilio.set_webhook(&number, &url);
    }
}

fn key() -> NewKey {
    let mut bytes = [0; 64];
    rand::rng().fill(&mut bytes[..]);
    api_key::create(&bytes)
}

fn plain(program: &Program, key: &NewKey) -> Command {
    let mut command = program.bare(&["serve"]);
    command
        .env("WHARF_HTTP__LISTEN", "127.0.0.1:0")
        .env("WHARF_HTTP__PUBLIC_URL", PUBLIC_URL)
        .env("WHARF_DATABASE__URL", program.sqlite_url())
        .env("WHARF_SECRETS__ACTIVE", "k1")
        .env("WHARF_SECRETS__KEYS__K1", RING_KEY)
        .env("WHARF_LOG__FORMAT", "json")
        .env(
            "WHARF_TENANTS__DEFAULT__KEYS__MAIN__HASH",
            format!("sha256:{}", key.hash),
        );
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn variables_alone_send_and_receive_through_all_three_providers() {
    let Some(program) = Program::new() else {
        return;
    };
    let providers = Providers::start().await;
    let key = key();
    let mut command = plain(&program, &key);
    command.envs(providers.variables());
    providers.redirect(&mut command);
    let gateway = Serving::start(command);
    providers.call_back(&gateway);
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let look = async |path: &str| -> Value {
        let url = format!("{}{path}", gateway.url());
        let asked = client.get(url).bearer_auth(key.key.expose_secret());
        asked.send().await.unwrap().json().await.unwrap()
    };
    for channel in ["graph", "dialog360", "twilio"] {
        let sent = client
            .post(format!("{}/api/whatsapp/official/send/text", gateway.url()))
            .bearer_auth(key.key.expose_secret())
            .json(&json!({ "to": TO, "message": "Hello", "channel": channel }))
            .send()
            .await
            .unwrap();
        assert_eq!(sent.status(), 202, "{channel}");
        let message: Value = sent.json().await.unwrap();
        let path = format!("/v1/messages/{}", message["id"].as_str().unwrap());
        // That it was read is told by webhooks alone.
        let read = eventually(WAIT, || async {
            (look(&path).await["status"] == "read").then_some(())
        });
        read.await
            .unwrap_or_else(|_| panic!("{channel}: nothing came back"));
    }
    providers
        .twilio
        .receive("+15551234567", &Inbound::text("Hi"));
    let came = eventually(WAIT, || async {
        let page = look("/v1/messages?direction=inbound&channel=twilio").await;
        (!page["data"].as_array()?.is_empty()).then_some(())
    });
    came.await
        .expect("Twilio's message comes by the address that names nobody");
    let verify_token = &providers.graph.config().verify_token;
    let path = format!(
        "{}/api/whatsapp/webhook?hub.mode=subscribe&hub.challenge=42&hub.verify_token={verify_token}",
        gateway.url()
    );
    let challenge = client.get(path).send().await.unwrap();
    assert_eq!(challenge.text().await.unwrap(), "42");
    for headers in [
        &[][..],
        &["x-hub-signature-256", "x-twilio-signature"],
        &["x-wharf-webhook-secret"],
    ] {
        let mut forged = client
            .post(format!("{}/api/whatsapp/webhook", gateway.url()))
            .body("{}");
        for name in headers {
            forged = forged.header(*name, "sha256=00");
        }
        assert_eq!(forged.send().await.unwrap().status(), 401, "{headers:?}");
    }
    assert_eq!(gateway.stop(), 0);
}

/// The plugin knows how its settings look; the variable is named all the same.
#[tokio::test]
async fn a_variable_that_the_plugin_refuses_is_named() {
    let Some(program) = Program::new() else {
        return;
    };
    let output = plain(&program, &key())
        .env("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001")
        .env("TWILIO_AUTH_TOKEN", "a-token")
        .env("TWILIO_WHATSAPP_FROM", "hello")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("TWILIO_WHATSAPP_FROM"), "{said}");
}

#[tokio::test]
async fn variables_that_contradict_each_other_start_nothing() {
    let Some(program) = Program::new() else {
        return;
    };
    let output = plain(&program, &key())
        .env("META_APP_ID", "1")
        .env("TWILIO_WHATSAPP_FROM", "+14155238886")
        .env("QUEUE_CONNECTION", "redis")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{said}");
    for variable in [
        "META_APP_SECRET: is not set, and META_APP_ID needs it",
        "TWILIO_AUTH_TOKEN: is not set",
        "QUEUE_CONNECTION: this version keeps its queues in the database alone",
    ] {
        assert!(said.contains(variable), "{variable} is missing in: {said}");
    }
}
