//! What can be said of a component file: what it takes, what it gives, what it may do.

use std::path::Path;

use serde_json::{Value, json};
use wharf_core::provider::{Descriptor, InputKind, Verification};
use wharf_runtime::{LimitClass, LoadReason, RuntimeConfig};

use super::subject::Component;

/// A component as the gateway sees it.
#[derive(Clone, Debug)]
pub struct Facts {
    pub file: String,
    pub bytes: usize,
    pub bytes_max: usize,
    pub digest: Option<String>,
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    pub descriptor: Option<Value>,
    /// One sentence for each thing it may do.
    pub permissions: Vec<String>,
    /// Why it would not be loaded.
    pub problems: Vec<String>,
}

/// Looks at a file and tries to load it. Only a file that cannot be read is an error.
pub fn of(file: &Path, class: LimitClass) -> anyhow::Result<Facts> {
    let content = std::fs::read(file)
        .map_err(|error| anyhow::anyhow!("cannot read {}: {error}", file.display()))?;
    let mut facts = Facts {
        file: file.display().to_string(),
        bytes: content.len(),
        bytes_max: RuntimeConfig::default()
            .limits_of(class)
            .component_bytes_max,
        digest: None,
        imports: Vec::new(),
        exports: Vec::new(),
        descriptor: None,
        permissions: Vec::new(),
        problems: Vec::new(),
    };
    if let Ok(surface) = wharf_build::surface(&content) {
        facts.imports = surface.imports;
        facts.exports = surface.exports;
    }
    match Component::load(file, class) {
        Ok(component) => {
            let plugin = component.plugin();
            facts.digest = Some(format!("sha256:{}", hex::encode(plugin.digest())));
            facts.permissions = permissions(plugin.descriptor());
            facts.descriptor = Some(serde_json::to_value(&**plugin.descriptor())?);
        }
        Err(error) => facts.problems = reasons(&error),
    }
    Ok(facts)
}

/// Each broken rule of a description is a problem of its own.
fn reasons(error: &anyhow::Error) -> Vec<String> {
    let load = error.downcast_ref::<wharf_runtime::LoadError>();
    if let Some(LoadReason::Descriptor { problems }) = load.map(|error| &error.reason) {
        return problems.clone();
    }
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        text.push_str(": ");
        text.push_str(&cause.to_string());
    }
    vec![text]
}

/// What an operator approves, one sentence each.
fn permissions(descriptor: &Descriptor) -> Vec<String> {
    let mut all = Vec::new();
    for endpoint in &descriptor.endpoints {
        let methods: Vec<_> = endpoint
            .methods
            .iter()
            .map(|method| method.as_str())
            .collect();
        let of = match &endpoint.host_setting {
            Some(setting) => format!(" (the one in the setting `{setting}`)"),
            None => String::new(),
        };
        all.push(format!(
            "call {} on https://{}{of}, paths {}",
            methods.join(", "),
            endpoint.host,
            endpoint.paths.join(", ")
        ));
    }
    for input in descriptor
        .inputs
        .iter()
        .filter(|input| input.kind == InputKind::Secret)
    {
        all.push(match input.audience.is_empty() {
            true => format!("use the secret `{}`, but send it nowhere", input.name),
            false => format!(
                "send the secret `{}` to {}",
                input.name,
                input.audience.join(", ")
            ),
        });
    }
    for webhook in &descriptor.webhooks {
        let checks: Vec<_> = webhook
            .checks
            .iter()
            .map(|check| scheme(&check.verify))
            .collect();
        all.push(format!(
            "receive the webhook `{}` of at most {} bytes, verified by {}",
            webhook.name,
            webhook.max_body,
            checks.join(" and ")
        ));
    }
    all
}

/// The scheme's name is the case's name.
fn scheme(verification: &Verification) -> String {
    match serde_json::to_value(verification) {
        Ok(Value::String(name)) => name,
        Ok(Value::Object(members)) => members.keys().next().cloned().unwrap_or_default(),
        _ => "a scheme without a name".to_owned(),
    }
}

impl Facts {
    pub fn to_json(&self) -> Value {
        json!({
            "file": self.file,
            "ok": self.problems.is_empty(),
            "problems": self.problems,
            "bytes": self.bytes,
            "bytes_max": self.bytes_max,
            "digest": self.digest,
            "imports": self.imports,
            "exports": self.exports,
            "permissions": self.permissions,
            "descriptor": self.descriptor,
        })
    }

    /// For people; `whole` shows the description too.
    pub fn to_text(&self, whole: bool) -> String {
        let mut lines = vec![format!("file        {}", self.file)];
        lines.push(format!(
            "size        {} bytes, at most {} are allowed",
            self.bytes, self.bytes_max
        ));
        if let Some(digest) = &self.digest {
            lines.push(format!("digest      {digest}"));
        }
        if let Some(descriptor) = &self.descriptor {
            let part = |name: &str| descriptor[name].as_str().unwrap_or_default().to_owned();
            lines.push(format!(
                "plugin      {} {} ({}) by {}",
                part("name"),
                part("version"),
                part("id"),
                part("vendor")
            ));
        }
        list(&mut lines, "imports", &self.imports);
        list(&mut lines, "exports", &self.exports);
        list(&mut lines, "it may", &self.permissions);
        if let (true, Some(descriptor)) = (whole, &self.descriptor) {
            describe(&mut lines, descriptor);
        }
        list(&mut lines, "problems", &self.problems);
        lines.join("\n")
    }
}

/// What tenants and operators see of a description.
fn describe(lines: &mut Vec<String>, descriptor: &Value) {
    let all = |name: &str| descriptor[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let capabilities: Vec<_> = all("capabilities")
        .iter()
        .map(|it| text(&it["name"]))
        .collect();
    lines.push(format!("can do      {}", capabilities.join(", ")));
    for input in all("inputs") {
        let need = if input["required"] == true {
            "required"
        } else {
            "optional"
        };
        lines.push(format!(
            "input       {} ({} {}, {need}): {}",
            text(&input["name"]),
            text(&input["level"]),
            text(&input["kind"]),
            text(&input["title"])
        ));
    }
    for webhook in all("webhooks") {
        lines.push(format!(
            "webhook     {} ({})",
            text(&webhook["name"]),
            text(&webhook["level"])
        ));
    }
    for flow in all("flows") {
        lines.push(format!(
            "flow        {}: {}",
            text(&flow["id"]),
            text(&flow["title"])
        ));
    }
}

fn list(lines: &mut Vec<String>, title: &str, entries: &[String]) {
    for (number, entry) in entries.iter().enumerate() {
        let title = if number == 0 { title } else { "" };
        lines.push(format!("{title:<11} {entry}"));
    }
}
