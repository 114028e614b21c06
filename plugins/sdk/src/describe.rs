//! Building descriptors. Defaults are the narrowest: no permission, no secret, nothing received.

use crate::manifest::{
    Ack, Capability, Check, Condition, Descriptor, Endpoint, Input, Kind, Rate, Verification,
    Webhook,
};
use crate::types::{Bucket, HttpMethod, Level};

impl Descriptor {
    /// A plugin that may do nothing yet. `id` is reverse-DNS, lower case and stable for ever.
    #[must_use]
    pub fn new(id: &str, name: &str, version: &str, vendor: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            vendor: vendor.to_owned(),
            homepage: None,
            capabilities: Vec::new(),
            inputs: Vec::new(),
            endpoints: Vec::new(),
            webhooks: Vec::new(),
            sender_setting: String::new(),
            account_setting: None,
            rates: Vec::new(),
            flows: Vec::new(),
            response_headers: Vec::new(),
        }
    }

    /// The input that holds the id of the sending number.
    #[must_use]
    pub fn sender(mut self, setting: &str) -> Self {
        setting.clone_into(&mut self.sender_setting);
        self
    }

    /// The input that holds the id of the account.
    #[must_use]
    pub fn account(mut self, setting: &str) -> Self {
        self.account_setting = Some(setting.to_owned());
        self
    }

    /// Something the plugin can do, by an open name such as `text` or `reply`.
    #[must_use]
    pub fn capability(mut self, name: &str, note: Option<&str>) -> Self {
        self.capabilities.push(Capability {
            name: name.to_owned(),
            note: note.map(str::to_owned),
        });
        self
    }

    /// Something an operator fills in.
    #[must_use]
    pub fn input(mut self, input: Input) -> Self {
        self.inputs.push(input);
        self
    }

    /// Permission to call one host.
    #[must_use]
    pub fn endpoint(mut self, host: &str, methods: &[HttpMethod], paths: &[&str]) -> Self {
        self.endpoints.push(Endpoint {
            host: host.to_owned(),
            methods: methods.to_vec(),
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            host_setting: None,
        });
        self
    }

    /// A webhook the provider calls.
    #[must_use]
    pub fn webhook(mut self, webhook: Webhook) -> Self {
        self.webhooks.push(webhook);
        self
    }

    /// At most `tokens` in `per_ms`; both together say the burst too.
    #[must_use]
    pub fn rate(mut self, bucket: Bucket, tokens: u32, per_ms: u32) -> Self {
        self.rates.push(Rate {
            bucket,
            tokens,
            per_ms,
        });
        self
    }

    /// A response header the plugin reads, lower case.
    #[must_use]
    pub fn response_header(mut self, name: &str) -> Self {
        self.response_headers.push(name.to_owned());
        self
    }
}

impl Input {
    /// A required input of the given kind.
    #[must_use]
    pub fn new(name: &str, kind: Kind, level: Level, title: &str, help: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            level,
            required: true,
            title: title.to_owned(),
            help: help.to_owned(),
            choices: Vec::new(),
            pattern: String::new(),
            audience: Vec::new(),
        }
    }

    /// A required secret and the only hosts it may be sent to.
    #[must_use]
    pub fn secret(name: &str, level: Level, audience: &[&str], title: &str, help: &str) -> Self {
        let mut input = Self::new(name, Kind::Secret, level, title, help);
        input.audience = audience.iter().map(|host| (*host).to_owned()).collect();
        input
    }

    /// May be left out.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// An anchored RE2 pattern the value must match.
    #[must_use]
    pub fn pattern(mut self, pattern: &str) -> Self {
        pattern.clone_into(&mut self.pattern);
        self
    }
}

impl Webhook {
    /// A webhook that is acknowledged with an empty 200 and verified by one check.
    #[must_use]
    pub fn new(name: &str, level: Level, verify: Verification, max_body: u32) -> Self {
        Self {
            name: name.to_owned(),
            level,
            checks: vec![Check {
                when: Condition::Always,
                verify,
            }],
            challenge: None,
            ack: Ack {
                status: 200,
                content_type: None,
                body: String::new(),
            },
            headers: Vec::new(),
            max_body,
        }
    }
}
