//! The simple set-up: one tenant out of a dozen variables, for a gateway without any configuration file.
//!
//! The names are those that integrations with one account of their own already use. They are read only where
//! no file says anything: with files, `{ env = "NAME" }` may use the same names for something else.

use std::collections::BTreeMap;

use crate::error::{Origin, Problem};
use crate::layer::Layer;

/// The id of the one tenant.
pub(crate) const TENANT: &str = "default";

const META_APP_ID: &str = "META_APP_ID";
const META_APP_SECRET: &str = "META_APP_SECRET";
const META_GRAPH_API_VERSION: &str = "META_GRAPH_API_VERSION";
const META_ES_CONFIG_ID: &str = "META_ES_CONFIG_ID";
const META_ACCESS_TOKEN: &str = "META_ACCESS_TOKEN";
const META_PHONE_NUMBER_ID: &str = "META_PHONE_NUMBER_ID";
const META_WABA_ID: &str = "META_WABA_ID";
const FACEBOOK_BUSINESS_ID: &str = "FACEBOOK_BUSINESS_ID";
const VERIFY_TOKEN: &str = "WHATSAPP_WEBHOOK_VERIFY_TOKEN";
const WEBHOOK_SECRET: &str = "WHATSAPP_WEBHOOK_SECRET";
const DIALOG_360_API_TOKEN: &str = "DIALOG_360_API_TOKEN";
const DIALOG_360_PHONE_NUMBER_ID: &str = "DIALOG_360_PHONE_NUMBER_ID";
const TWILIO_ACCOUNT_SID: &str = "TWILIO_ACCOUNT_SID";
const TWILIO_AUTH_TOKEN: &str = "TWILIO_AUTH_TOKEN";
const TWILIO_WHATSAPP_FROM: &str = "TWILIO_WHATSAPP_FROM";
const QUEUE_CONNECTION: &str = "QUEUE_CONNECTION";

/// Those that say something of the tenant; the others serve them.
const PROVIDERS: [&str; 12] = [
    META_APP_ID,
    META_APP_SECRET,
    META_GRAPH_API_VERSION,
    META_ES_CONFIG_ID,
    META_ACCESS_TOKEN,
    META_PHONE_NUMBER_ID,
    META_WABA_ID,
    DIALOG_360_API_TOKEN,
    DIALOG_360_PHONE_NUMBER_ID,
    TWILIO_ACCOUNT_SID,
    TWILIO_AUTH_TOKEN,
    TWILIO_WHATSAPP_FROM,
];

const APP: [&str; 3] = ["apps", "meta", ""];

/// What the variables come to.
pub(crate) struct Plain {
    /// The app at Meta.
    pub(crate) main: Layer,
    pub(crate) tenant: Layer,
    /// What still has to be done before a number can send, and what has no effect.
    pub(crate) notices: Vec<String>,
}

/// Nothing when no variable names a provider.
pub(crate) fn read(env: &BTreeMap<String, String>, problems: &mut Vec<Problem>) -> Option<Plain> {
    let mut reader = Reader {
        env,
        plain: Plain {
            main: Layer::empty("environment"),
            tenant: Layer::empty("environment"),
            notices: Vec::new(),
        },
        problems,
    };
    reader.queue();
    let first = PROVIDERS.into_iter().find(|name| reader.has(name))?;
    reader.tenant(&["id"], TENANT, first);
    reader.tenant(&["name"], "Default", first);
    reader.graph();
    reader.dialog360();
    reader.twilio();
    if reader.has(FACEBOOK_BUSINESS_ID) {
        reader.plain.notices.push(format!(
            "{FACEBOOK_BUSINESS_ID} changes nothing: Meta itself names the accounts that a token was given"
        ));
    }
    Some(reader.plain)
}

struct Reader<'a> {
    env: &'a BTreeMap<String, String>,
    plain: Plain,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn queue(&mut self) {
        let Some(connection) = self.value(QUEUE_CONNECTION) else {
            return;
        };
        if connection == "database" {
            return;
        }
        let (problem, remedy) = match connection.as_str() {
            "redis" => (
                "this version keeps its queues in the database alone",
                "set it to database, or leave it out",
            ),
            _ => ("is no queue that there is", "set it to database"),
        };
        let origin = origin(QUEUE_CONNECTION);
        self.problems
            .push(Problem::new(origin, "", problem, remedy));
    }

    fn graph(&mut self) {
        let number = [META_ACCESS_TOKEN, META_PHONE_NUMBER_ID, META_WABA_ID];
        let app = [
            META_APP_ID,
            META_APP_SECRET,
            META_GRAPH_API_VERSION,
            META_ES_CONFIG_ID,
        ];
        let Some(named) = number.iter().chain(&app).find(|name| self.has(name)) else {
            return;
        };
        // Without the secret no webhook of Meta's can be believed, without the token none is set up.
        self.require(
            META_APP_SECRET,
            named,
            "Meta's App Dashboard shows it under App settings, Basic",
        );
        self.require(
            VERIFY_TOKEN,
            named,
            "set a text of your own, and enter the same at Meta's webhook",
        );
        let [apps, meta, _] = APP;
        self.main(&[apps, meta, "plugin"], "graph", META_APP_SECRET);
        for (setting, name) in [
            ("app_id", META_APP_ID),
            ("graph_version", META_GRAPH_API_VERSION),
            ("signup_config_id", META_ES_CONFIG_ID),
        ] {
            if let Some(value) = self.value(name) {
                self.main(&[apps, meta, "settings", setting], &value, name);
            }
        }
        for (secret, name) in [
            ("app_secret", META_APP_SECRET),
            ("verify_token", VERIFY_TOKEN),
        ] {
            self.main(&[apps, meta, "secrets", secret, "env"], name, name);
        }
        let Some(given) = number.iter().find(|name| self.has(name)) else {
            return self.awaits("graph", &number);
        };
        for name in number {
            self.require(
                name,
                given,
                "or leave out all three and connect the number by onboarding",
            );
        }
        let graph = ["channels", "graph"];
        self.channel(graph[1], META_ACCESS_TOKEN);
        self.tenant(&[graph[0], graph[1], "app"], meta, META_APP_SECRET);
        self.setting(graph[1], "phone_number_id", META_PHONE_NUMBER_ID);
        self.setting(graph[1], "waba_id", META_WABA_ID);
        self.secret(graph[1], "access_token", META_ACCESS_TOKEN);
    }

    fn dialog360(&mut self) {
        if !self.has(DIALOG_360_API_TOKEN) {
            if self.has(DIALOG_360_PHONE_NUMBER_ID) {
                self.require(DIALOG_360_API_TOKEN, DIALOG_360_PHONE_NUMBER_ID, HUB);
            } else if self.has(WEBHOOK_SECRET) {
                self.plain.notices.push(format!(
                    "{WEBHOOK_SECRET} changes nothing without {DIALOG_360_API_TOKEN}: Meta's webhooks are \
                     verified with {META_APP_SECRET}"
                ));
            }
            return;
        }
        if !self.has(DIALOG_360_PHONE_NUMBER_ID) {
            return self.awaits("dialog360", &[DIALOG_360_PHONE_NUMBER_ID]);
        }
        self.require(
            WEBHOOK_SECRET,
            DIALOG_360_API_TOKEN,
            "set a long random text, and the same as a header of the webhook at 360dialog",
        );
        self.channel("dialog360", DIALOG_360_API_TOKEN);
        self.setting("dialog360", "phone_number_id", DIALOG_360_PHONE_NUMBER_ID);
        self.secret("dialog360", "api_key", DIALOG_360_API_TOKEN);
        self.secret("dialog360", "webhook_secret", WEBHOOK_SECRET);
    }

    fn twilio(&mut self) {
        let all = [TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_WHATSAPP_FROM];
        let Some(named) = all.iter().find(|name| self.has(name)) else {
            return;
        };
        for name in [TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN] {
            self.require(name, named, "Twilio's console shows it on its first page");
        }
        if !self.has(TWILIO_WHATSAPP_FROM) {
            return self.awaits("twilio", &[TWILIO_WHATSAPP_FROM]);
        }
        self.channel("twilio", TWILIO_ACCOUNT_SID);
        self.setting("twilio", "account_sid", TWILIO_ACCOUNT_SID);
        // Twilio's own examples write `whatsapp:+14155238886`.
        if let Some(from) = self.value(TWILIO_WHATSAPP_FROM) {
            let number = from.strip_prefix("whatsapp:").unwrap_or(&from);
            let path = ["channels", "twilio", "settings", "number"];
            self.tenant(&path, number, TWILIO_WHATSAPP_FROM);
        }
        self.secret("twilio", "auth_token", TWILIO_AUTH_TOKEN);
    }

    /// The provider's number has to be connected before anything can be sent.
    fn awaits(&mut self, provider: &str, missing: &[&str]) {
        let missing = missing.join(", ");
        self.plain.notices.push(format!(
            "{provider} has no number yet: connect one by onboarding (POST /v1/onboarding), or set {missing}"
        ));
    }

    fn channel(&mut self, provider: &str, name: &str) {
        self.tenant(&["channels", provider, "plugin"], provider, name);
    }

    fn setting(&mut self, provider: &str, setting: &str, name: &str) {
        if let Some(value) = self.value(name) {
            self.tenant(&["channels", provider, "settings", setting], &value, name);
        }
    }

    fn secret(&mut self, provider: &str, secret: &str, name: &str) {
        self.tenant(
            &["channels", provider, "secrets", secret, "env"],
            name,
            name,
        );
    }

    fn main(&mut self, path: &[&str], text: &str, name: &str) {
        let path = path.iter().map(|&part| part.to_owned()).collect();
        self.plain
            .main
            .insert(path, text, origin(name), self.problems);
    }

    fn tenant(&mut self, path: &[&str], text: &str, name: &str) {
        let path = path.iter().map(|&part| part.to_owned()).collect();
        self.plain
            .tenant
            .insert(path, text, origin(name), self.problems);
    }

    fn require(&mut self, name: &str, by: &str, remedy: &str) {
        if name != by && !self.has(name) {
            let problem = format!("is not set, and {by} needs it");
            self.problems
                .push(Problem::new(origin(name), "", problem, remedy));
        }
    }

    fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// An empty variable counts as none: compose files set those that nobody filled in.
    fn value(&self, name: &str) -> Option<String> {
        let value = self.env.get(name)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }
}

const HUB: &str = "the 360dialog Hub creates it as an API key of the number";

fn origin(name: &str) -> Origin {
    Origin::of(format!("environment variable {name}"))
}
