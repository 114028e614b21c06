//! Building descriptors. Defaults are the narrowest: no permission, no secret, nothing received.

use crate::manifest::{
    Ack, Capability, Challenge, Check, Condition, Descriptor, Endpoint, FlowInfo, Freshness, Input,
    Kind, Launch, Mac, Purpose, Rate, Signed, Verification, Webhook,
};
use crate::types::{Bucket, Encoding, Hash, HttpMethod, Level};

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

    /// Permission to call the host that a setting names, which must match `host` (`*.` and a suffix).
    #[must_use]
    pub fn endpoint_of(
        mut self,
        setting: &str,
        host: &str,
        methods: &[HttpMethod],
        paths: &[&str],
    ) -> Self {
        self = self.endpoint(host, methods, paths);
        if let Some(endpoint) = self.endpoints.last_mut() {
            endpoint.host_setting = Some(setting.to_owned());
        }
        self
    }

    /// Several capabilities without notes.
    #[must_use]
    pub fn capabilities(self, names: &[&str]) -> Self {
        names
            .iter()
            .fold(self, |this, name| this.capability(name, None))
    }

    /// Where people read about the provider.
    #[must_use]
    pub fn homepage(mut self, url: &str) -> Self {
        self.homepage = Some(url.to_owned());
        self
    }

    /// A flow that an operator starts, by the `onboarding` interface.
    #[must_use]
    pub fn flow(mut self, flow: FlowInfo) -> Self {
        self.flows.push(flow);
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

    /// One of these.
    #[must_use]
    pub fn choices(mut self, choices: &[&str]) -> Self {
        self.kind = Kind::Choice;
        self.choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
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
    /// One more check, under a condition. All checks whose condition holds must pass.
    #[must_use]
    pub fn check(mut self, when: Condition, verify: Verification) -> Self {
        self.checks.push(Check { when, verify });
        self
    }

    /// The subscription handshake, which the host answers.
    #[must_use]
    pub fn challenge(mut self, challenge: Challenge) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// What the host answers once the webhook is stored.
    #[must_use]
    pub fn ack(mut self, status: u16, content_type: Option<&str>, body: &str) -> Self {
        self.ack = Ack {
            status,
            content_type: content_type.map(str::to_owned),
            body: body.to_owned(),
        };
        self
    }

    /// A request header that the plugin reads, lower case.
    #[must_use]
    pub fn header(mut self, name: &str) -> Self {
        self.headers.push(name.to_owned());
        self
    }
}

impl Mac {
    /// The commonest signature: a header with the hex HMAC-SHA-256 of the body.
    #[must_use]
    pub fn sha256(header: &str, key: &str) -> Self {
        Self {
            header: header.to_owned(),
            prefix: String::new(),
            separator: None,
            hash: Hash::Sha256,
            encoding: Encoding::Hex,
            key: key.to_owned(),
            key_encoding: None,
            over: vec![Signed::Body],
            freshness: None,
        }
    }

    /// What stands before the signature in the header, for example `sha256=`.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Another encoding of the signature.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// What is signed, in order.
    #[must_use]
    pub fn over(mut self, over: Vec<Signed>) -> Self {
        self.over = over;
        self
    }

    /// Refuse calls whose header, in seconds since the epoch, is further than this from now.
    #[must_use]
    pub fn fresh(mut self, header: &str, tolerance_s: u32) -> Self {
        self.freshness = Some(Freshness {
            header: header.to_owned(),
            tolerance_s,
        });
        self
    }
}

impl From<Mac> for Verification {
    fn from(mac: Mac) -> Self {
        Self::Mac(mac)
    }
}

impl FlowInfo {
    /// A flow that begins with a form.
    #[must_use]
    pub fn form(id: &str, title: &str, purpose: Purpose) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            purpose,
            launch: Launch::Form,
            inputs: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// A field of its form.
    #[must_use]
    pub fn input(mut self, input: Input) -> Self {
        self.inputs.push(input);
        self
    }

    /// A step as people read it: the id that findings carry, and its title.
    #[must_use]
    pub fn step(mut self, id: &str, title: &str) -> Self {
        self.steps.push((id.to_owned(), title.to_owned()));
        self
    }
}
