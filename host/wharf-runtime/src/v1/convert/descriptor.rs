//! What a plugin says it is.

use wharf_core::provider::{
    BodyDigest, Capability, Challenge, Check, Condition, Descriptor, Endpoint, Freshness, Input,
    InputKind, Mac, PublicKey, PublicKeyAlgorithm, Rate, Signed, Token, TokenAlgorithm,
    Verification, WebhookSpec,
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
        response_headers: descriptor.response_headers,
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
            freshness: mac.freshness.map(freshness),
        }),
        manifest::Verification::PublicKey(key) => Verification::PublicKey(PublicKey {
            header: key.header,
            algorithm: public_key_algorithm(key.algorithm),
            encoding: encoding(key.encoding),
            key_setting: key.key_setting,
            over: list(key.over, signed),
            freshness: key.freshness.map(freshness),
        }),
        manifest::Verification::Token(token) => Verification::Token(Token {
            header: token.header,
            prefix: token.prefix,
            algorithm: token_algorithm(token.algorithm),
            key: token.key,
            issuer: token.issuer,
            body_hash_claim: token.body_hash_claim,
            url_hash_claim: token.url_hash_claim,
        }),
        manifest::Verification::BodyDigest(digest) => Verification::BodyDigest(BodyDigest {
            param: digest.param,
            hash: hash(digest.hash),
            encoding: encoding(digest.encoding),
        }),
        manifest::Verification::Header((header, secret)) => Verification::Header(header, secret),
        manifest::Verification::Basic((user, password)) => Verification::Basic(user, password),
        manifest::Verification::PathToken => Verification::PathToken,
    }
}

fn freshness(freshness: manifest::Freshness) -> Freshness {
    Freshness {
        header: freshness.header,
        tolerance_s: freshness.tolerance_s,
    }
}

fn public_key_algorithm(algorithm: manifest::PublicKeyAlgorithm) -> PublicKeyAlgorithm {
    match algorithm {
        manifest::PublicKeyAlgorithm::Ed25519 => PublicKeyAlgorithm::Ed25519,
        manifest::PublicKeyAlgorithm::EcdsaP256Sha256 => PublicKeyAlgorithm::EcdsaP256Sha256,
        manifest::PublicKeyAlgorithm::RsaPkcs1Sha256 => PublicKeyAlgorithm::RsaPkcs1Sha256,
    }
}

fn token_algorithm(algorithm: manifest::TokenAlgorithm) -> TokenAlgorithm {
    match algorithm {
        manifest::TokenAlgorithm::Hs256 => TokenAlgorithm::Hs256,
        manifest::TokenAlgorithm::Rs256 => TokenAlgorithm::Rs256,
        manifest::TokenAlgorithm::Es256 => TokenAlgorithm::Es256,
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
