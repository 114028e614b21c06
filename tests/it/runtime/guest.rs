//! What the tests of the plugin host change about a guest, over the builder of `wharf-hostile`.

use serde_json::{Value, json};
use wharf_hostile::{BLANK_BASE, HEAP_BASE, Image};

/// One secret or setting in the description of a guest.
pub(crate) struct Input {
    pub(crate) name: &'static str,
    pub(crate) secret: bool,
}

/// A guest in the making. Every function has a body that does no harm until it is replaced.
pub(crate) struct Guest {
    pub(crate) image: Image,
    pub(crate) version: &'static str,
    /// The interfaces its world exports.
    pub(crate) exports: Vec<&'static str>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) sender_setting: &'static str,
    pub(crate) id: &'static str,
    /// The plugin's own version, as its description says.
    pub(crate) release: &'static str,
    /// How its webhook is verified, and the name of the secret.
    pub(crate) verification: Option<(Verification, &'static str)>,
    /// Webhooks beside that one, each with one check that always applies.
    pub(crate) webhooks: Vec<Webhook>,
    /// More of the interface than this host's, and what its world says of it.
    pub(crate) wit: String,
    pub(crate) world: String,
    /// More imports of the module.
    pub(crate) imports: String,
    pub(crate) describe: Option<String>,
    pub(crate) start: String,
    pub(crate) resume: String,
    pub(crate) parse: String,
    /// More items of the module: globals, functions.
    pub(crate) items: String,
    pub(crate) pages: u32,
}

#[derive(Clone, Copy)]
pub(crate) enum Verification {
    Mac,
}

pub(crate) const MAC: Verification = Verification::Mac;

/// One webhook of a guest, acknowledged with 202 and a line of XML.
pub(crate) struct Webhook {
    pub(crate) name: &'static str,
    /// 0 app, 1 account, 2 channel.
    pub(crate) level: u8,
    pub(crate) proof: Proof,
    /// The secret of a handshake like Meta's.
    pub(crate) challenge: Option<&'static str>,
}

/// How its calls are proven.
pub(crate) enum Proof {
    /// A header that holds a secret.
    Header(&'static str, &'static str),
    /// An Ed25519 signature in base64 over the body: its header, and the setting with the key.
    Ed25519(&'static str, &'static str),
    /// An HS256 token over body (`body`) and URL (`url`): its header and its secret.
    Token(&'static str, &'static str),
    PathToken,
}

impl Webhook {
    pub(crate) fn new(name: &'static str, level: u8, proof: Proof) -> Self {
        Self {
            name,
            level,
            proof,
            challenge: None,
        }
    }

    fn value(&self) -> Value {
        let verify = match self.proof {
            Proof::Header(header, secret) => json!({ "header": [header, secret] }),
            Proof::Ed25519(header, setting) => json!({ "public-key": {
                "header": header, "algorithm": "ed25519", "encoding": "base64",
                "key-setting": setting, "over": ["body"],
            } }),
            Proof::Token(header, secret) => json!({ "token": {
                "header": header, "algorithm": "hs256", "key": secret,
                "body-hash-claim": "body", "url-hash-claim": "url",
            } }),
            Proof::PathToken => json!("path-token"),
        };
        let level = ["app", "account", "channel"][usize::from(self.level)];
        let mut webhook = json!({
            "name": self.name, "level": level, "max-body": 1000,
            "ack": { "status": 202, "content-type": "text/xml", "body": "<Response/>" },
            "checks": [{ "when": "always", "verify": verify }],
        });
        if let Some(secret) = self.challenge {
            webhook["challenge"] =
                json!({ "token-param": "token", "token": secret, "echo-param": "echo" });
        }
        webhook
    }
}

impl Guest {
    pub(crate) fn new() -> Self {
        let mut image = Image::default();
        let done = done(&mut image);
        let parsed = wharf_hostile::Guest::lay_out(&mut image, "inbound.parse", &json!({}));
        let plain = wharf_hostile::Guest::new();
        Self {
            image,
            version: plain.version,
            exports: plain.exports,
            inputs: vec![Input {
                name: "sender",
                secret: false,
            }],
            sender_setting: "sender",
            id: "dev.wharf.test",
            release: "1.2.3",
            verification: None,
            webhooks: Vec::new(),
            wit: String::new(),
            world: String::new(),
            imports: String::new(),
            describe: None,
            start: format!("(i32.const {done})"),
            resume: format!("(i32.const {done})"),
            parse: format!("(i32.const {parsed})"),
            items: String::new(),
            pages: plain.pages,
        }
    }

    /// A guest whose `start` has this body.
    pub(crate) fn starting(body: &str) -> Self {
        let mut guest = Self::new();
        guest.start = body.to_owned();
        guest
    }

    pub(crate) fn build(self) -> Vec<u8> {
        self.into_made().build()
    }

    /// The core module alone: what somebody hands in who forgot the last step.
    pub(crate) fn build_core_module(self) -> Vec<u8> {
        self.into_made().build_core_module()
    }

    fn into_made(self) -> wharf_hostile::Guest {
        let descriptor = self.descriptor();
        let mut made = wharf_hostile::Guest::new();
        made.descriptor = descriptor;
        made.image = self.image;
        made.version = self.version;
        made.exports = self.exports;
        made.items = self.items;
        made.wit = self.wit;
        made.world = self.world;
        made.imports = self.imports;
        made.pages = self.pages;
        if let Some(body) = self.describe {
            made.set_body("manifest.describe", body);
        }
        made.set_body("outbound.start", self.start);
        made.set_body("outbound.resume", self.resume);
        made.set_body("inbound.parse", self.parse);
        made
    }

    fn descriptor(&self) -> Value {
        let input = |input: &Input| {
            let kind = if input.secret { "secret" } else { "text" };
            json!({ "name": input.name, "kind": kind, "level": "app", "title": "An input" })
        };
        let webhook = |(verification, key): &(Verification, &str)| {
            let verify = match verification {
                Verification::Mac => json!({ "mac": {
                    "header": "x-signature", "hash": "sha1", "encoding": "hex", "key": key,
                    "over": ["body"],
                } }),
            };
            json!({
                "name": "main", "level": "app", "ack": { "status": 200 }, "max-body": 1000,
                "checks": [{ "when": "always", "verify": verify }],
            })
        };
        let own = self.verification.iter().map(webhook);
        let webhooks: Vec<Value> = own
            .chain(self.webhooks.iter().map(Webhook::value))
            .collect();
        json!({
            "id": self.id,
            "name": "Test",
            "version": self.release,
            "vendor": "Wharf",
            "inputs": self.inputs.iter().map(input).collect::<Vec<_>>(),
            "endpoints": [{ "host": "api.example.com", "methods": ["get"], "paths": ["/v1/"] }],
            "webhooks": webhooks,
            "sender-setting": self.sender_setting,
        })
    }
}

fn start_value(image: &mut Image, value: &Value) -> u32 {
    wharf_hostile::Guest::lay_out(image, "outbound.start", value)
}

/// `ok(done(...))` with nothing in it.
pub(crate) fn done(image: &mut Image) -> u32 {
    start_value(image, &json!({ "ok": { "done": {} } }))
}

/// `ok(exchange(...))` with a label, a URL and a state of this length.
pub(crate) fn exchange(image: &mut Image, url: &str, state_bytes: u32) -> u32 {
    let exchange = json!({
        "label": "send",
        "request": { "method": "get", "url": url },
        "state": { "$at": [HEAP_BASE, state_bytes] },
    });
    start_value(image, &json!({ "ok": { "exchange": exchange } }))
}

/// `ok(done(...))` whose paces name buckets of `each` bytes: many pointers to one place.
pub(crate) fn paces(image: &mut Image, count: u32, each: u32) -> u32 {
    let pace = json!({ "bucket": { "named": { "$at": [BLANK_BASE, each] } } });
    let accepted = json!({ "pace": { "$times": [count, pace] } });
    start_value(image, &json!({ "ok": { "done": accepted } }))
}

/// `err(...)` of the case `window-closed` with these words.
pub(crate) fn error(image: &mut Image, detail: &str) -> u32 {
    let error = json!({ "code": "window-closed", "detail": detail });
    start_value(image, &json!({ "err": error }))
}
