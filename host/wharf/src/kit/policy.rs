//! Holds an exchange against the plugin's own permissions, as the gateway does before it sends one.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;
use wharf_core::provider::{Descriptor, Exchange, MediaRef};
use wharf_egress::{
    BoxFuture, Denied, Egress, EgressConfig, Grant, MediaError, MediaReader, MediaSink, MediaStore,
    NewMedia, NoMedia, Secrets,
};

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
        // What a flow keeps for one of several channels is `name/slot`.
        let name = name.split_once('/').map_or(name, |(name, _)| name);
        let declared = self.0.inputs.iter().any(|input| input.name == name);
        declared.then(|| SecretString::from(SECRET))
    }
}

/// Every stored object can be linked to; none is read, for nothing is sent.
struct Links;

impl MediaStore for Links {
    fn open<'a>(
        &'a self,
        media: &'a MediaRef,
    ) -> BoxFuture<'a, Result<Option<MediaReader>, MediaError>> {
        NoMedia.open(media)
    }

    fn create(&self, new: NewMedia) -> BoxFuture<'_, Result<Box<dyn MediaSink>, MediaError>> {
        NoMedia.create(new)
    }

    fn link(&self, _: &MediaRef, _: u32) -> Option<String> {
        Some("https://gateway.example.com/media/golden-case".to_owned())
    }
}

impl Policy {
    /// A flow's own inputs are known while it runs, so an exchange may name any of them here.
    pub(super) fn new(descriptor: &Descriptor) -> anyhow::Result<Self> {
        let mut descriptor = descriptor.clone();
        for flow in &descriptor.flows {
            descriptor.inputs.extend(flow.inputs.iter().cloned());
        }
        Ok(Self {
            egress: Egress::new(EgressConfig::default())?,
            descriptor: Arc::new(descriptor),
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
            return_url: Some("https://gateway.example.com/onboarding/return/golden-case"),
            media: Arc::new(Links),
        };
        match self.egress.prepare(exchange, &grant) {
            Ok(_) => Ok(()),
            // Everything else about the token was right; a case has no private key to sign with.
            Err(Denied::Jwt { reason, .. }) if reason.starts_with("its key must be") => Ok(()),
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
