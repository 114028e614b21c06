//! The providers of a developer's gateway: one fake each, the files that make channels of them, and where
//! their webhooks go once the gateway serves.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use wharf_test_support::dialog360::WebhookConfig;
use wharf_test_support::graph::{PhoneNumber, Template};
use wharf_test_support::{
    FakeDialog360, FakeDialog360Config, FakeGraph, FakeGraphConfig, FakeTwilio, FakeTwilioConfig,
    StatusPlan,
};

/// Slow enough to watch a message go from sent to delivered to read.
const STATUS_STEP: Duration = Duration::from_millis(700);
/// A developer's session; what is older is of no interest.
const RECORDS_MAX: usize = 10_000;
/// The approved template that every account has here.
const TEMPLATE: &str = "order_update";
const TEMPLATE_TEXT: &str = "{{1}}, your order {{2}} is on its way.";
/// What 360dialog is told to send along, so that its webhooks are believed.
const DIALOG360_HEADER: &str = "x-wharf-webhook-secret";

pub(super) struct Fakes {
    graph: FakeGraph,
    dialog360: FakeDialog360,
    twilio: FakeTwilio,
    dialog360_webhook_secret: String,
}

impl Fakes {
    /// Starts all three; `listen` is where the gateway will be.
    pub(super) async fn start(listen: SocketAddr) -> anyhow::Result<Self> {
        let graph = FakeGraph::start(FakeGraphConfig {
            app_secret: random_hex(),
            verify_token: random_hex(),
            numbers: vec![PhoneNumber {
                token: format!("EAA{}", random_hex()),
                ..PhoneNumber::default()
            }],
            callback_url: Some(format!("http://{listen}/api/whatsapp/webhook")),
            statuses: StatusPlan::paced(STATUS_STEP),
            records_max: RECORDS_MAX,
            ..FakeGraphConfig::default()
        });
        let mut config = FakeDialog360Config {
            statuses: StatusPlan::paced(STATUS_STEP),
            records_max: RECORDS_MAX,
            ..FakeDialog360Config::default()
        };
        for number in &mut config.numbers {
            number.token = random_hex();
        }
        let dialog360 = FakeDialog360::start(config);
        let mut config = FakeTwilioConfig {
            statuses: StatusPlan::paced(STATUS_STEP),
            records_max: RECORDS_MAX,
            fetches_media: false,
            ..FakeTwilioConfig::default()
        };
        for account in &mut config.accounts {
            account.auth_token = random_hex();
        }
        let twilio = FakeTwilio::start(config);
        let fakes = Self {
            graph: graph.await?,
            dialog360: dialog360.await?,
            twilio: twilio.await?,
            dialog360_webhook_secret: random_hex(),
        };
        fakes.add_templates();
        Ok(fakes)
    }

    fn add_templates(&self) {
        let components = json!([{ "type": "BODY", "text": TEMPLATE_TEXT }]);
        let template = Template::approved(TEMPLATE, "en_US", "UTILITY", components);
        let account = &self.graph.number().account_id;
        self.graph.add_template(account, template.clone());
        for number in &self.dialog360.config().numbers {
            let account = &number.account_id;
            self.dialog360.add_template(account, template.clone());
        }
        let types = json!({ "twilio/text": { "body": TEMPLATE_TEXT } });
        let variables = json!({ "1": "Ada", "2": "42" });
        self.twilio
            .add_content(TEMPLATE, "en_US", types, variables, "UTILITY");
    }

    /// What `wharf dev --with` adds: the way to the fakes, the app, and a channel at each.
    pub(super) fn write_files(&self, folder: &Path) -> anyhow::Result<()> {
        let write = |name: &str, text: anyhow::Result<String>| {
            let file = folder.join(name);
            fs::write(&file, text?).with_context(|| format!("could not write {}", file.display()))
        };
        write("wharf.toml", self.main_file())?;
        write("tenant.toml", self.tenant_file())
    }

    fn main_file(&self) -> anyhow::Result<String> {
        let (graph, dialog360, twilio) = (
            self.graph.config(),
            self.dialog360.config(),
            self.twilio.config(),
        );
        let mut text = "[egress.connect_to]\n".to_owned();
        for (hosts, url) in [
            (
                &[&graph.expected_host, &graph.expected_media_host][..],
                self.graph.url(),
            ),
            (
                &[&dialog360.expected_host, &dialog360.expected_partner_host],
                self.dialog360.url(),
            ),
            (
                &[
                    &twilio.api_host,
                    &twilio.content_host,
                    &twilio.messaging_host,
                    &twilio.media_host,
                ],
                self.twilio.url(),
            ),
        ] {
            for host in hosts {
                writeln!(text, "{} = {}", quoted(host), quoted(&url))?;
            }
        }
        writeln!(
            text,
            "\n[apps.meta]\nplugin = \"graph\"\nsettings = {{ app_id = {} }}\nsecrets = {{ app_secret = {}, verify_token = {} }}",
            quoted(&graph.app_id),
            quoted(&graph.app_secret),
            quoted(&graph.verify_token)
        )?;
        Ok(text)
    }

    fn tenant_file(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        let number = self.graph.number();
        writeln!(
            text,
            "[channels.graph]\nplugin = \"graph\"\napp = \"meta\"\nsettings = {{ phone_number_id = {}, waba_id = {} }}\n\
             secrets = {{ access_token = {} }}\n",
            quoted(&number.id),
            quoted(&number.account_id),
            quoted(&number.token)
        )?;
        for number in self.dialog360.config().numbers.iter().take(1) {
            writeln!(
                text,
                "[channels.dialog360]\nplugin = \"dialog360\"\nsettings = {{ phone_number_id = {}, waba_id = {} }}\n\
                 secrets = {{ api_key = {}, webhook_secret = {} }}\n",
                quoted(&number.id),
                quoted(&number.account_id),
                quoted(&number.token),
                quoted(&self.dialog360_webhook_secret)
            )?;
        }
        let account = self.twilio.account();
        writeln!(
            text,
            "[channels.twilio]\nplugin = \"twilio\"\nsettings = {{ number = {}, account_sid = {} }}\n\
             secrets = {{ auth_token = {} }}",
            quoted(&self.twilio.sender().number),
            quoted(&account.sid),
            quoted(&account.auth_token)
        )?;
        Ok(text)
    }

    /// Sets the webhooks of the numbers, as their owner would, to the addresses that the gateway made for them.
    pub(super) fn learn_webhooks(&self, ready: &str) -> anyhow::Result<()> {
        let ready: Value =
            serde_json::from_str(ready).context("the gateway's ready.json is not JSON")?;
        let url_of = |channel: &str| {
            let mut channels = ready["channels"].as_array().into_iter().flatten();
            let found = channels.find(|it| it["id"] == channel);
            let url = found.and_then(|it| it["webhook_urls"]["main"].as_str());
            let missing = || format!("the gateway made no webhook for the channel {channel}");
            url.map(str::to_owned).with_context(missing)
        };
        let webhook = WebhookConfig {
            url: url_of("dialog360")?,
            headers: [(
                DIALOG360_HEADER.to_owned(),
                self.dialog360_webhook_secret.clone(),
            )]
            .into(),
        };
        for channel in self.dialog360.channels() {
            self.dialog360.set_webhook(&channel.id, webhook.clone());
        }
        let number = self.twilio.sender().number;
        self.twilio.set_webhook(&number, &url_of("twilio")?);
        Ok(())
    }
}

/// A TOML basic string; JSON's escapes are a subset of TOML's.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// 128 bits for a secret that lives as long as this run.
fn random_hex() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}
