//! 360dialog and Twilio beside Meta: their fakes, the channels that `acme` has there, and the way their
//! webhooks take to the gateway's own public addresses.

use serde_json::Value;
use wharf_test_support::dialog360::WebhookConfig;
use wharf_test_support::twilio::WebhookPolicy;
use wharf_test_support::{
    FakeDialog360, FakeDialog360Config, FakeGraph, FakeTwilio, FakeTwilioConfig,
};

use super::setup::{Credentials, Setup};
use super::{PUBLIC_URL, TestGateway};

/// The header in which 360dialog is told to send the channel's secret.
const DIALOG360_HEADER: &str = "x-wharf-webhook-secret";

/// What runs beside the fake of Graph.
pub(super) struct Counterparts {
    pub(super) dialog360: Option<FakeDialog360>,
    pub(super) twilio: Option<FakeTwilio>,
}

/// 360dialog with one number, whose key is the channel's.
pub(super) fn dialog360(credentials: &Credentials) -> FakeDialog360Config {
    let mut config = FakeDialog360Config::default();
    config.numbers[0]
        .token
        .clone_from(&credentials.dialog360_key);
    config
}

/// Twilio with one sender. It fetches the media that it is asked to send, and repeats webhooks, as the
/// fragment `#rc=5&rp=all` would make it.
pub(super) fn twilio(credentials: &Credentials) -> FakeTwilioConfig {
    let mut config = FakeTwilioConfig {
        webhooks: WebhookPolicy::stubborn(),
        ..FakeTwilioConfig::default()
    };
    config.accounts[0]
        .auth_token
        .clone_from(&credentials.twilio_token);
    config
}

/// The channels' part of `acme`'s file.
pub(super) fn channels(setup: &Setup) -> String {
    let secrets = &setup.credentials;
    let mut text = String::new();
    if let Some(config) = &setup.dialog360 {
        let number = &config.numbers[0];
        text += &format!(
            "\n[channels.dialog360]\nplugin = \"dialog360\"\nsettings = {{ phone_number_id = \"{}\", waba_id = \"{}\" }}\n\
             secrets = {{ api_key = \"{}\", webhook_secret = \"{}\" }}\n",
            number.id, number.account_id, secrets.dialog360_key, secrets.dialog360_webhook_secret
        );
    }
    if let Some(config) = &setup.twilio {
        text += &format!(
            "\n[channels.twilio]\nplugin = \"twilio\"\nsettings = {{ number = \"{}\", account_sid = \"{}\" }}\n\
             secrets = {{ auth_token = \"{}\" }}\n",
            config.senders[0].number, config.accounts[0].sid, secrets.twilio_token
        );
    }
    text
}

impl Counterparts {
    pub(super) async fn start(setup: &Setup) -> Self {
        let dialog360 = match setup.dialog360.clone() {
            Some(config) => Some(FakeDialog360::start(config).await.unwrap()),
            None => None,
        };
        let twilio = match setup.twilio.clone() {
            Some(config) => Some(FakeTwilio::start(config).await.unwrap()),
            None => None,
        };
        Self { dialog360, twilio }
    }

    /// Sends the gateway's connections to the fakes.
    pub(super) fn redirect(&self, setup: &mut Setup, graph: &FakeGraph) {
        if let Some(fake) = &self.dialog360 {
            let config = fake.config();
            setup.connect(&config.expected_host, &fake.url());
            setup.connect(&config.expected_partner_host, &fake.url());
        }
        if let Some(fake) = &self.twilio {
            let config = fake.config();
            for host in [
                &config.api_host,
                &config.content_host,
                &config.messaging_host,
                &config.media_host,
            ] {
                setup.connect(host, &fake.url());
            }
            // With these two the test is about providers, and Meta's media have a host of their own.
            setup.connect(&graph.config().expected_media_host, &graph.url());
        }
    }

    /// Sets the webhooks as the numbers' owner would, and leads the public address to this gateway.
    pub(super) async fn learn_webhooks(&self, gateway: &TestGateway) {
        let local = gateway.url("");
        if let Some(fake) = &self.dialog360 {
            fake.connect_to(PUBLIC_URL, &*local);
            let secret = gateway.credentials.dialog360_webhook_secret.clone();
            let webhook = WebhookConfig {
                url: gateway.webhook_url("dialog360").await,
                headers: [(DIALOG360_HEADER.to_owned(), secret)].into(),
            };
            for channel in fake.channels() {
                fake.set_webhook(&channel.id, webhook.clone());
            }
        }
        if let Some(fake) = &self.twilio {
            fake.connect_to(PUBLIC_URL, &*local);
            let url = gateway.webhook_url("twilio").await;
            fake.set_webhook(&fake.sender().number, &url);
        }
    }

    pub(super) fn assert_asked_rightly(&self) {
        if let Some(fake) = &self.dialog360 {
            let refused = fake.refusals();
            assert!(refused.is_empty(), "360dialog: {refused:#?}");
        }
        if let Some(fake) = &self.twilio {
            let refused = fake.refusals();
            assert!(refused.is_empty(), "Twilio: {refused:#?}");
        }
    }
}

impl TestGateway {
    /// Where a channel of `acme` takes its provider's webhooks, on the public address.
    pub(crate) async fn webhook_url(&self, channel: &str) -> String {
        let answer = self.call("GET", "/v1/channels").empty().await;
        let channels = answer.body["data"].as_array().unwrap();
        let found = channels.iter().find(|it| it["id"] == channel);
        found
            .and_then(|it: &Value| it["webhook_urls"]["main"].as_str())
            .unwrap_or_else(|| panic!("{channel} has no webhook: {answer:?}"))
            .to_owned()
    }
}
