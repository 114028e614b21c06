//! `wharf plugin inspect`: everything a component says of itself, and what the lock knows of it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::json;
use wharf_core::provider::{Descriptor, InputKind};

use super::super::print;
use super::show::{permissions, size};
use super::{Class, Context, probe};
use crate::plugins::digest::Digest;
use crate::plugins::lock::{self, Entry};

#[derive(Args)]
pub(in crate::cli) struct Options {
    /// A plugin's name, or a .wasm file
    #[arg(value_name = "NAME|FILE")]
    pub(super) what: String,
    /// Which limits a file is looked at under; an installed plugin has those of its configuration
    #[arg(long, value_enum, default_value_t)]
    pub(super) class: Class,
    /// One JSON object instead of text
    #[arg(long)]
    pub(super) json: bool,
}

impl Options {
    /// The component file that is meant, if it is one. What no plugin can be called is a file, there or not:
    /// its author needs no gateway to hear which file is missing.
    pub(super) fn file(&self) -> Option<PathBuf> {
        let path = self.what.strip_prefix("path:").unwrap_or(&self.what);
        let is_path = path.contains('/') || path.ends_with(".wasm") || path != self.what;
        (is_path || Path::new(path).is_file()).then(|| PathBuf::from(path))
    }
}

pub(super) async fn run(options: &Options, context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let folder = context.folder();
    let lock = lock::read(folder.dir())?;
    let entry = lock.plugins.get(&options.what);
    let bytes = match entry {
        Some(entry) => folder.get(&entry.current.digest)?,
        None => folder.read(&by_hand(&options.what, folder.dir())?)?,
    };
    let (digest, length) = (Digest::of(&bytes), bytes.len() as u64);
    let probed = probe::probe(&context.config, &options.what, bytes).await?;
    let inspected = Inspected {
        descriptor: probed.plugin.descriptor(),
        asks: probed.permissions.lines(),
        digest,
        length,
        entry,
    };
    match options.json {
        true => inspected.print_json(),
        false => inspected.print(),
    }
    Ok(ExitCode::SUCCESS)
}

/// The file that was put into the folder by hand under this name.
fn by_hand(name: &str, dir: &Path) -> anyhow::Result<PathBuf> {
    let file = dir.join(format!("{name}.wasm"));
    if !file.is_file() {
        bail!("{name} is neither a plugin's name nor a file; `wharf plugin list` shows the names");
    }
    Ok(file)
}

struct Inspected<'a> {
    descriptor: &'a Descriptor,
    asks: Vec<String>,
    digest: Digest,
    length: u64,
    entry: Option<&'a Entry>,
}

impl Inspected<'_> {
    fn print(&self) {
        let it = self.descriptor;
        print(&format!("{} {} by {}", it.name, it.version, it.vendor));
        print(&format!("id        {}", it.id));
        print(&format!("digest    {}", self.digest));
        print(&format!("size      {}", size(self.length)));
        if let Some(homepage) = &it.homepage {
            print(&format!("homepage  {homepage}"));
        }
        if let Some(entry) = self.entry {
            print(&format!("source    {}", entry.current.source));
            if let Some(manifest) = &entry.current.manifest_digest {
                print(&format!("manifest  {manifest}"));
            }
            print(&format!(
                "approved  by {} at {}",
                entry.approved.by, entry.approved.at
            ));
        }
        print("may");
        print(&permissions(&self.asks));
        print("asks its operator and tenants for");
        let inputs = it.inputs.iter().map(|input| {
            let kind = match input.kind {
                InputKind::Secret => "secret",
                _ => "setting",
            };
            let need = if input.required { "" } else { ", optional" };
            format!(
                "{kind} {} ({:?}{need}): {}",
                input.name, input.level, input.title
            )
            .to_lowercase()
        });
        print(&permissions(&inputs.collect::<Vec<_>>()));
        print("can");
        let names = it.capabilities.iter().map(|it| it.name.clone());
        print(&permissions(&names.collect::<Vec<_>>()));
        self.print_versions();
    }

    fn print_versions(&self) {
        let Some(entry) = self.entry else {
            return;
        };
        if let Some(pending) = &entry.pending {
            print(&format!(
                "waits for approval: {} ({})",
                pending.version.version, pending.version.digest
            ));
            print(&permissions(&pending.reasons));
        }
        for previous in &entry.previous {
            let version = &previous.version;
            print(&format!(
                "earlier   {} ({}) added {}",
                version.version, version.digest, version.added_at
            ));
        }
    }

    fn print_json(&self) {
        let line = json!({
            "digest": self.digest, "size_bytes": self.length, "descriptor": self.descriptor,
            "permissions": self.asks, "lock": self.entry,
        });
        print(&line.to_string());
    }
}
