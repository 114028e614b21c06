//! What a plugin says it is. Schemes this host does not verify keep their name, so that the check of
//! the description can refuse them by it.

use wharf_core::provider::{
    Capability, Challenge, Check, Condition, Descriptor, EmbeddedSignup, Endpoint, FlowInfo,
    Freshness, Input, InputKind, Launch, Mac, Purpose, Rate, Signed, Verification, WebhookSpec,
};

use super::super::bindings::exports::wharf::provider::manifest;
use super::{bucket, encoding, hash, level, list, method};

pub(in super::super) fn from_guest(descriptor: manifest::Descriptor) -> Descriptor {
    Descriptor {
        id: descriptor.id,
        name: descriptor.name,
        version: descriptor.version,
        vendor: descriptor.vendor,
        homepage: descriptor.homepage,
        capabilities: list(descriptor.capabilities, |capability| Capability {
            name: capability.name,
            note: capability.note,
        }),
        inputs: list(descriptor.inputs, input),
        endpoints: list(descriptor.endpoints, endpoint),
        webhooks: list(descriptor.webhooks, webhook),
        sender_setting: descriptor.sender_setting,
        account_setting: descriptor.account_setting,
        rates: list(descriptor.rates, |rate| Rate {
            bucket: bucket(rate.bucket),
            tokens: rate.tokens,
            per_ms: rate.per_ms,
        }),
        flows: list(descriptor.flows, flow),
        response_headers: descriptor.response_headers,
    }
}

fn flow(flow: manifest::FlowInfo) -> FlowInfo {
    FlowInfo {
        id: flow.id,
        title: flow.title,
        purpose: match flow.purpose {
            manifest::Purpose::Connect => Purpose::Connect,
            manifest::Purpose::Reconnect => Purpose::Reconnect,
            manifest::Purpose::Webhooks => Purpose::Webhooks,
            manifest::Purpose::Disconnect => Purpose::Disconnect,
            manifest::Purpose::Other => Purpose::Other,
        },
        launch: match flow.launch {
            manifest::Launch::Form => Launch::Form,
            manifest::Launch::EmbeddedSignup(signup) => Launch::EmbeddedSignup(EmbeddedSignup {
                app_id_setting: signup.app_id_setting,
                config_setting: signup.config_setting,
                solution_setting: signup.solution_setting,
                feature: signup.feature,
            }),
        },
        inputs: list(flow.inputs, input),
        steps: flow.steps,
    }
}

fn input(input: manifest::Input) -> Input {
    Input {
        name: input.name,
        kind: match input.kind {
            manifest::Kind::Text => InputKind::Text,
            manifest::Kind::Secret => InputKind::Secret,
            manifest::Kind::Url => InputKind::Url,
            manifest::Kind::Integer => InputKind::Integer,
            manifest::Kind::Boolean => InputKind::Boolean,
            manifest::Kind::Choice => InputKind::Choice,
        },
        level: level(input.level),
        required: input.required,
        title: input.title,
        help: input.help,
        choices: input.choices,
        pattern: input.pattern,
        audience: input.audience,
    }
}

fn endpoint(endpoint: manifest::Endpoint) -> Endpoint {
    Endpoint {
        host: endpoint.host,
        methods: list(endpoint.methods, method),
        paths: endpoint.paths,
        host_setting: endpoint.host_setting,
    }
}

fn webhook(webhook: manifest::Webhook) -> WebhookSpec {
    WebhookSpec {
        name: webhook.name,
        level: level(webhook.level),
        checks: list(webhook.checks, |check| Check {
            when: match check.when {
                manifest::Condition::Always => Condition::Always,
                manifest::Condition::ContentType(content_type) => {
                    Condition::ContentType(content_type)
                }
                manifest::Condition::HeaderPresent(header) => Condition::HeaderPresent(header),
            },
            verify: verification(check.verify),
        }),
        challenge: webhook.challenge.map(|challenge| Challenge {
            require: challenge.require,
            token_param: challenge.token_param,
            token: challenge.token,
            echo_param: challenge.echo_param,
        }),
        ack_status: webhook.ack.status,
        ack_content_type: webhook.ack.content_type,
        ack_body: webhook.ack.body,
        headers: webhook.headers,
        max_body: webhook.max_body,
    }
}

fn verification(verification: manifest::Verification) -> Verification {
    match verification {
        manifest::Verification::Mac(mac) => Verification::Mac(Mac {
            header: mac.header,
            prefix: mac.prefix,
            separator: mac.separator,
            hash: hash(mac.hash),
            encoding: encoding(mac.encoding),
            key: mac.key,
            key_encoding: mac.key_encoding.map(encoding),
            over: list(mac.over, signed),
            freshness: mac.freshness.map(|freshness| Freshness {
                header: freshness.header,
                tolerance_s: freshness.tolerance_s,
            }),
        }),
        manifest::Verification::Header((header, secret)) => Verification::Header(header, secret),
        manifest::Verification::Basic((user, password)) => Verification::Basic(user, password),
        manifest::Verification::PathToken => Verification::PathToken,
        manifest::Verification::PublicKey(_) => Verification::Unsupported("public-key".to_owned()),
        manifest::Verification::Token(_) => Verification::Unsupported("token".to_owned()),
        manifest::Verification::BodyDigest(_) => {
            Verification::Unsupported("body-digest".to_owned())
        }
    }
}

fn signed(signed: manifest::Signed) -> Signed {
    match signed {
        manifest::Signed::Body => Signed::Body,
        manifest::Signed::Url => Signed::Url,
        manifest::Signed::FormSorted => Signed::FormSorted,
        manifest::Signed::Header(name) => Signed::Header(name),
        manifest::Signed::Text(text) => Signed::Text(text),
    }
}
