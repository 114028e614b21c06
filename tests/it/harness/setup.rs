//! What a test gateway is made of: files as an operator writes them.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::Rng;
use secrecy::ExposeSecret;
use wharf_config::{Config, ConfigFile, Sources};
use wharf_core::api_key::{self, NewKey};
use wharf_core::webhook::SigningSecret;
use wharf_test_support::graph::PhoneNumber;
use wharf_test_support::{FakeDialog360Config, FakeGraphConfig, FakeTwilioConfig};

use super::counterparts;

/// Sends over the Graph API and has an endpoint.
pub(crate) const ACME: &str = "acme";
/// Sends over the Graph API by another number of the same app.
pub(crate) const GLOBEX: &str = "globex";
/// Sends through the sandbox and has an endpoint.
pub(crate) const PLAYGROUND: &str = "playground";

/// Somebody to write to.
pub(crate) const TO: &str = "+4915112345678";
/// The same person as Meta names them.
pub(crate) const SENDER: &str = "4915112345678";

/// Every secret of one test gateway, made by chance, so that a search for them finds no others.
pub(crate) struct Credentials {
    pub(crate) app_secret: String,
    pub(crate) verify_token: String,
    pub(crate) tokens: [String; 2],
    pub(crate) sandbox_key: String,
    /// What opens 360dialog for `acme`, and what its webhooks prove themselves with.
    pub(crate) dialog360_key: String,
    pub(crate) dialog360_webhook_secret: String,
    /// Opens Twilio for `acme` and signs its webhooks.
    pub(crate) twilio_token: String,
    /// The secret of hostile plugins, when a test gives them one.
    pub(crate) hostile_token: String,
    pub(crate) endpoint_secret: String,
    ring_key: String,
    keys: Vec<(&'static str, NewKey)>,
}

/// A gateway before its start.
pub(crate) struct Setup {
    pub(crate) credentials: Credentials,
    pub(crate) graph: FakeGraphConfig,
    /// Further providers of `acme`, each with a channel of its name; see `with_all_providers`.
    pub(crate) dialog360: Option<FakeDialog360Config>,
    pub(crate) twilio: Option<FakeTwilioConfig>,
    /// Keys of the main file, over those that all tests share.
    flags: Vec<(String, String)>,
    /// More of the main file and of the file of `acme`.
    pub(crate) main: String,
    pub(crate) acme: String,
    /// More of the file of `globex`.
    pub(crate) globex: String,
    /// More plugins, as components, by their names.
    pub(crate) plugins: Vec<(&'static str, Vec<u8>)>,
    connect_to: Vec<(String, String)>,
    app_secrets: Vec<String>,
}

/// Faster than in service, where only patience differs.
const MAIN: &str = r#"
[http]
listen = "127.0.0.1:0"
public_url = "https://wharf.example.com"

[queue]
poll_ms = 25

[send]
backoff_base_ms = 10
backoff_max_ms = 100
unknown_wait_ms = 50

[delivery]
schedule_s = [0, 0, 0]
jitter_percent = 0

[media]
fetch = false
fetch_backoff_base_ms = 10
fetch_backoff_max_ms = 50

[upkeep]
templates_minutes = 0
health_minutes = 0
reconcile = false

[egress]
delivery_https_only = false
delivery_allow = ["127.0.0.0/8"]
"#;

impl Setup {
    pub(super) fn new() -> Self {
        let credentials = Credentials::random();
        let number = |id: &str, digits: &str, account: &str, token: &str| PhoneNumber {
            id: id.to_owned(),
            display_number: digits.to_owned(),
            account_id: account.to_owned(),
            token: token.to_owned(),
        };
        let [first, second] = &credentials.tokens;
        let graph = FakeGraphConfig {
            app_secret: credentials.app_secret.clone(),
            verify_token: credentials.verify_token.clone(),
            numbers: vec![
                number("106540352242922", "15550783881", "102290129340398", first),
                number("206540352242922", "15550783882", "202290129340398", second),
            ],
            ..FakeGraphConfig::default()
        };
        Self {
            app_secrets: vec![credentials.app_secret.clone()],
            credentials,
            graph,
            dialog360: None,
            twilio: None,
            flags: Vec::new(),
            main: String::new(),
            acme: String::new(),
            globex: String::new(),
            plugins: Vec::new(),
            connect_to: Vec::new(),
        }
    }

    /// Sets one key of the main configuration.
    pub(crate) fn set(&mut self, key: &str, value: impl ToString) {
        self.flags.push((key.to_owned(), value.to_string()));
    }

    /// `acme` sends over 360dialog and Twilio too, by channels named `dialog360` and `twilio` beside `main`.
    pub(crate) fn with_all_providers(&mut self) {
        self.dialog360 = Some(counterparts::dialog360(&self.credentials));
        self.twilio = Some(counterparts::twilio(&self.credentials));
    }

    /// Another provider that is really on this machine.
    pub(crate) fn connect(&mut self, host: &str, url: &str) {
        self.connect_to.push((host.to_owned(), url.to_owned()));
    }

    /// The app's secret is being replaced: this one is new, Meta still signs with the other.
    pub(crate) fn rotate_app_secret(&mut self, new: &str) {
        self.app_secrets.insert(0, new.to_owned());
    }

    /// Writes the files into the folder and reads them as the program does.
    pub(super) fn load(&self, folder: &Path, database: &str, graph: &str, sink: &str) -> Config {
        std::fs::create_dir(folder.join("tenants")).unwrap();
        std::fs::write(folder.join("wharf.toml"), self.main_file(database, graph)).unwrap();
        for (name, text) in self.tenant_files(sink) {
            let file = folder.join("tenants").join(format!("{name}.toml"));
            std::fs::write(file, text).unwrap();
        }
        let mut sources = Sources::defaults();
        sources.config_file = ConfigFile::At(folder.join("wharf.toml"));
        sources.allow_connect_to = true;
        sources.flags.clone_from(&self.flags);
        let media = folder.join("media").display().to_string();
        sources.flags.push(("media.dir".to_owned(), media));
        Config::load(&sources).unwrap_or_else(|error| panic!("{error}"))
    }

    fn main_file(&self, database: &str, graph: &str) -> String {
        let secrets = &self.credentials;
        let mut text =
            format!("{MAIN}\n[egress.connect_to]\n\"graph.facebook.com\" = \"{graph}\"\n");
        // Media that come in are fetched by themselves.
        let media_host = &self.graph.expected_media_host;
        if self.connect_to.iter().all(|(host, _)| host != media_host) {
            writeln!(text, "\"{media_host}\" = \"{graph}\"").unwrap();
        }
        for (host, url) in &self.connect_to {
            writeln!(text, "\"{host}\" = \"{url}\"").unwrap();
        }
        write!(
            text,
            "\n[database]\nurl = \"{database}\"\n\n[secrets]\nactive = \"k1\"\nkeys = {{ k1 = \"{}\" }}\n\n\
             [apps.meta]\nplugin = \"graph\"\nsecrets = {{ app_secret = {:?}, verify_token = \"{}\" }}\n{}\n",
            secrets.ring_key, self.app_secrets, secrets.verify_token, self.main,
        )
        .unwrap();
        text
    }

    fn tenant_files(&self, sink: &str) -> [(&'static str, String); 3] {
        let secrets = &self.credentials;
        let file = |tenant: &'static str, more: String| {
            let hash = &secrets.key(tenant).hash;
            let head = format!(
                "id = \"{tenant}\"\nname = \"{tenant}\"\n\n[keys.test]\nhash = \"sha256:{hash}\"\n"
            );
            (tenant, format!("{head}\n{more}"))
        };
        let graph = |number: &PhoneNumber| {
            format!(
                "[channels.main]\nplugin = \"graph\"\napp = \"meta\"\nsettings = {{ phone_number_id = \"{}\", waba_id = \"{}\" }}\n\
                 secrets = {{ access_token = \"{}\" }}\n",
                number.id, number.account_id, number.token
            )
        };
        let endpoint = format!(
            "\n[endpoints.sink]\nurl = \"{sink}\"\nsecret = \"{}\"\n",
            secrets.endpoint_secret
        );
        let sandbox = format!(
            "[channels.sandbox]\nplugin = \"sandbox\"\nsettings = {{ sender = \"play\", script = \"sent+1 delivered+2 read+3\" }}\n\
             secrets = {{ sandbox_key = \"{}\" }}\n",
            secrets.sandbox_key
        );
        let [first, second] = &self.graph.numbers[..] else {
            panic!("the fake has two numbers");
        };
        [
            file(
                ACME,
                graph(first) + &counterparts::channels(self) + &endpoint + "\n" + &self.acme,
            ),
            file(GLOBEX, graph(second) + "\n" + &self.globex),
            file(PLAYGROUND, sandbox + &endpoint),
        ]
    }
}

impl Credentials {
    fn random() -> Self {
        Self {
            app_secret: hex::encode(rand::random::<[u8; 16]>()),
            verify_token: letters(),
            tokens: [format!("EAA{}", letters()), format!("EAA{}", letters())],
            sandbox_key: letters(),
            dialog360_key: letters(),
            dialog360_webhook_secret: letters(),
            twilio_token: letters(),
            hostile_token: letters(),
            endpoint_secret: SigningSecret::encode(&rand::random())
                .expose_secret()
                .to_owned(),
            ring_key: STANDARD.encode(rand::random::<[u8; 32]>()),
            keys: [ACME, GLOBEX, PLAYGROUND]
                .map(|tenant| {
                    let mut bytes = [0; 64];
                    rand::rng().fill(&mut bytes[..]);
                    (tenant, api_key::create(&bytes))
                })
                .into(),
        }
    }

    fn key(&self, tenant: &str) -> &NewKey {
        let mut keys = self.keys.iter();
        &keys.find(|(name, _)| *name == tenant).unwrap().1
    }

    /// The API key of one of the three tenants.
    pub(crate) fn key_of(&self, tenant: &str) -> String {
        self.key(tenant).key.expose_secret().to_owned()
    }

    /// Every value that must be nowhere, with a name for it.
    pub(super) fn all(&self) -> Vec<(String, String)> {
        let mut all = vec![
            ("the app's secret".to_owned(), self.app_secret.clone()),
            ("the verify token".to_owned(), self.verify_token.clone()),
            ("acme's access token".to_owned(), self.tokens[0].clone()),
            ("globex's access token".to_owned(), self.tokens[1].clone()),
            ("the sandbox key".to_owned(), self.sandbox_key.clone()),
            ("360dialog's key".to_owned(), self.dialog360_key.clone()),
            (
                "360dialog's webhook secret".to_owned(),
                self.dialog360_webhook_secret.clone(),
            ),
            ("Twilio's token".to_owned(), self.twilio_token.clone()),
            ("the hostile token".to_owned(), self.hostile_token.clone()),
            (
                "the endpoint's secret".to_owned(),
                self.endpoint_secret.clone(),
            ),
            ("the key of the ring".to_owned(), self.ring_key.clone()),
        ];
        for (tenant, key) in &self.keys {
            let value = key.key.expose_secret().to_owned();
            all.push((format!("the API key of {tenant}"), value));
        }
        all
    }
}

/// 32 letters and digits: nothing that a URL or JSON would write in another way.
fn letters() -> String {
    let chance = rand::rng().sample_iter(rand::distr::Alphanumeric);
    chance.take(32).map(char::from).collect()
}
