//! What a plugin says it is and what it wants.

use serde::{Deserialize, Serialize};

use super::exchange::{Bucket, Encoding, Hash, HttpMethod};

/// app: the operator's credentials, shared by tenants. account: one tenant's at the provider.
/// channel: one sending number of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    App,
    Account,
    Channel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputKind {
    Text,
    Secret,
    Url,
    Integer,
    Boolean,
    Choice,
}

/// One setting or secret the plugin asks its operator or tenant for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    pub name: String,
    pub kind: InputKind,
    pub level: Level,
    pub required: bool,
    pub title: String,
    pub help: String,
    pub choices: Vec<String>,
    /// Anchored RE2 pattern, empty for none.
    pub pattern: String,
    /// For secrets: the only hosts the value may be sent to.
    pub audience: Vec<String>,
}

/// Outbound permission. Host names are exact, or `*.` plus a suffix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub host: String,
    pub methods: Vec<HttpMethod>,
    /// Path prefixes ending in `/` or exact paths; `{name}` matches one segment.
    pub paths: Vec<String>,
    pub host_setting: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signed {
    Body,
    /// The public URL as configured: tried as seen, with the default port and without a port.
    Url,
    /// The fields of a form sorted by name, each followed by its values, de-duplicated and sorted.
    FormSorted,
    Header(String),
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    pub header: String,
    pub tolerance_s: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mac {
    pub header: String,
    /// Removed from the header value when present, for example `sha256=`.
    pub prefix: String,
    /// Several signatures in one header, any may match.
    pub separator: Option<String>,
    pub hash: Hash,
    pub encoding: Encoding,
    /// Name of the secret.
    pub key: String,
    /// Absent: the secret's bytes as they are.
    pub key_encoding: Option<Encoding>,
    /// What is signed, concatenated in order.
    pub over: Vec<Signed>,
    pub freshness: Option<Freshness>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PublicKeyAlgorithm {
    Ed25519,
    EcdsaP256Sha256,
    RsaPkcs1Sha256,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    pub header: String,
    pub algorithm: PublicKeyAlgorithm,
    /// How the signature is written in the header.
    pub encoding: Encoding,
    /// Name of the setting that holds the key.
    pub key_setting: String,
    pub over: Vec<Signed>,
    pub freshness: Option<Freshness>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenAlgorithm {
    Hs256,
    Rs256,
    Es256,
}

/// A signed JSON web token in a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub header: String,
    /// Removed from the header value when present, for example `Bearer `.
    pub prefix: String,
    pub algorithm: TokenAlgorithm,
    /// Name of the secret.
    pub key: String,
    pub issuer: Option<String>,
    /// Claim that must equal the hex SHA-256 of the body.
    pub body_hash_claim: Option<String>,
    /// Claim that must equal the hex SHA-256 of the full URL.
    pub url_hash_claim: Option<String>,
}

/// A query parameter that must equal a digest of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyDigest {
    pub param: String,
    pub hash: Hash,
    pub encoding: Encoding,
}

/// How a webhook call proves where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verification {
    Mac(Mac),
    PublicKey(PublicKey),
    Token(Token),
    BodyDigest(BodyDigest),
    /// Constant-time comparison of a header with a secret: header name, secret name.
    Header(String, String),
    /// Names of the user's and the password's secrets.
    Basic(String, String),
    /// Only the unguessable path the host minted.
    PathToken,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    Always,
    ContentType(String),
    HeaderPresent(String),
}

/// All checks whose condition holds must pass, and at least one must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub when: Condition,
    pub verify: Verification,
}

/// Subscription handshake answered by the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    pub require: Vec<(String, String)>,
    pub token_param: String,
    /// Name of the secret the token must equal.
    pub token: String,
    pub echo_param: String,
}

/// A webhook the provider calls.
///
/// One of level account belongs to a channel for now, like one of level channel: the store keeps the
/// account as a property of its channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSpec {
    pub name: String,
    pub level: Level,
    pub checks: Vec<Check>,
    pub challenge: Option<Challenge>,
    pub ack_status: u16,
    pub ack_content_type: Option<String>,
    pub ack_body: String,
    /// Extra request headers the guest may see.
    pub headers: Vec<String>,
    pub max_body: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    pub bucket: Bucket,
    pub tokens: u32,
    pub per_ms: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    pub name: String,
    pub note: Option<String>,
}

/// The whole of `manifest.describe`, less the flows, which the onboarding work adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// Reverse-DNS, lower case, stable for ever.
    pub id: String,
    pub name: String,
    pub version: String,
    pub vendor: String,
    pub homepage: Option<String>,
    pub capabilities: Vec<Capability>,
    pub inputs: Vec<Input>,
    pub endpoints: Vec<Endpoint>,
    pub webhooks: Vec<WebhookSpec>,
    /// Inputs that hold the ids which routes and `message.sender` carry.
    pub sender_setting: String,
    pub account_setting: Option<String>,
    pub rates: Vec<Rate>,
    /// Response headers the guest wants besides the default ones.
    pub response_headers: Vec<String>,
}
