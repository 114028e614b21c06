//! Holds an exchange against the plugin's own permissions, as the gateway does before it sends one.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;
use wharf_core::provider::{Descriptor, Exchange};
use wharf_egress::{Egress, EgressConfig, Grant, Secrets};

/// Stands for every secret; 32 bytes, so that it can be a key.
const SECRET: &str = "value-of-a-secret-in-golden-case";

pub(super) struct Policy {
    egress: Arc<Egress>,
    descriptor: Arc<Descriptor>,
}

/// Every declared secret has a value.
struct Declared<'a>(&'a Descriptor);

impl Secrets for Declared<'_> {
    fn get(&self, name: &str) -> Option<SecretString> {
        let declared = self.0.inputs.iter().any(|input| input.name == name);
        declared.then(|| SecretString::from(SECRET))
    }
}

impl Policy {
    pub(super) fn new(descriptor: Arc<Descriptor>) -> anyhow::Result<Self> {
        Ok(Self {
            egress: Egress::new(EgressConfig::default())?,
            descriptor,
        })
    }

    /// `Err` is the rule that the exchange breaks.
    pub(super) fn check(&self, context: &Value, exchange: &Exchange) -> Result<(), String> {
        let settings = settings(context);
        let webhook_url = |name: &str| {
            let declared = self
                .descriptor
                .webhooks
                .iter()
                .any(|webhook| webhook.name == name);
            declared.then(|| format!("https://gateway.example.com/webhooks/plugin/{name}"))
        };
        let grant = Grant {
            descriptor: &self.descriptor,
            settings: &settings,
            secrets: &Declared(&self.descriptor),
            webhook_url: &webhook_url,
        };
        match self.egress.prepare(exchange, &grant) {
            Ok(_) => Ok(()),
            // What this gateway cannot do is no fault of the plugin's.
            Err(denied) if denied.slug() == "egress-not-yet" => Ok(()),
            Err(denied) => Err(format!("{}: {denied}", denied.slug())),
        }
    }
}

/// The settings of a case's context: an object, or pairs.
pub(super) fn settings(context: &Value) -> Vec<(String, String)> {
    let pair = |name: &str, value: &Value| {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        (name.to_owned(), value)
    };
    match &context["settings"] {
        Value::Object(settings) => settings
            .iter()
            .map(|(name, value)| pair(name, value))
            .collect(),
        Value::Array(pairs) => pairs
            .iter()
            .map(|given| pair(given[0].as_str().unwrap_or_default(), &given[1]))
            .collect(),
        _ => Vec::new(),
    }
}
