//! `wharf plugin list`: what the lock says, what lies in the folder, and what the gateway makes of it.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::{print, tell};
use super::Context;
use crate::plugins::folder::Dropped;
use crate::plugins::lifecycle::state_file;
use crate::plugins::lock::{self, Entry};
use crate::plugins::report::{self, Circuit, Found, PluginReport};

#[derive(Args)]
pub(in crate::cli) struct Options {
    /// One JSON object a line instead of a table
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(options: &Options, context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let folder = context.folder();
    let lock = lock::read(folder.dir())?;
    let dropped = folder.dropped()?;
    let found = report::read(&state_file(&context.config));
    let live = found.as_ref().filter(|found| found.live);
    let mut names: BTreeSet<&str> = lock.plugins.keys().map(String::as_str).collect();
    names.extend(dropped.iter().map(|file| file.name.as_str()));
    names.extend(
        live.into_iter()
            .flat_map(|it| &it.report.plugins)
            .map(|it| it.name.as_str()),
    );
    let rows = names.into_iter().map(|name| Row {
        name,
        entry: lock.plugins.get(name),
        file: dropped.iter().find(|file| file.name == name),
        said: live.and_then(|it| it.report.plugins.iter().find(|plugin| plugin.name == name)),
        live: live.is_some(),
        require_lock: context.config.plugins.require_lock,
    });
    let rows: Vec<_> = rows.collect();
    if options.json {
        rows.iter().for_each(Row::print_json);
        return Ok(ExitCode::SUCCESS);
    }
    match rows.is_empty() {
        true => tell("there is no plugin yet; install one with `wharf plugin add SOURCE`"),
        false => print(&format!(
            "{:<16} {:<10} {:<13} {:<40} STATE",
            "NAME", "VERSION", "DIGEST", "SOURCE"
        )),
    }
    rows.iter().for_each(Row::print);
    tell(&gateway(found.as_ref()));
    Ok(ExitCode::SUCCESS)
}

fn gateway(found: Option<&Found>) -> String {
    match found {
        Some(found) if found.live => format!(
            "as process {} said at {}",
            found.report.pid, found.report.at
        ),
        Some(found) => format!(
            "no gateway runs here; process {} ended after {}",
            found.report.pid, found.report.at
        ),
        None => "no gateway runs here (plugins.state_file)".to_owned(),
    }
}

fn refusing(circuit: &Circuit) -> String {
    match (circuit.state.as_str(), circuit.parties_refused) {
        ("closed", parties) => {
            format!("refuses {parties} of the tenants for its faults with their messages")
        }
        ("half-open", _) => "its circuit tries one call at a time after faults".to_owned(),
        _ => "its circuit is open: calls are refused for its faults, which the log names; `wharf plugin rollback` if it is new"
            .to_owned(),
    }
}

struct Row<'a> {
    name: &'a str,
    entry: Option<&'a Entry>,
    file: Option<&'a Dropped>,
    said: Option<&'a PluginReport>,
    live: bool,
    require_lock: bool,
}

impl Row<'_> {
    fn version(&self) -> String {
        let locked = self.entry.map(|entry| entry.current.version.clone());
        let serving = self.said.and_then(|said| said.in_service.as_ref());
        locked
            .or_else(|| serving.map(|it| it.version.clone()))
            .unwrap_or_else(|| "?".to_owned())
    }

    fn digest(&self) -> Option<crate::plugins::Digest> {
        let locked = self.entry.map(|entry| entry.current.digest);
        locked.or_else(|| Some(self.said?.in_service.as_ref()?.digest))
    }

    fn source(&self) -> String {
        match (self.entry, self.file) {
            (Some(entry), _) => entry.current.source.clone(),
            (None, Some(file)) => format!("{} (by hand)", file.path.display()),
            (None, None) => "gone".to_owned(),
        }
    }

    /// One word for machines.
    fn state(&self) -> &'static str {
        let serving = self.said.and_then(|said| said.in_service.as_ref());
        let refused = self.said.is_some_and(|said| said.refused.is_some());
        match (self.live, serving) {
            _ if refused => "refused",
            (true, Some(it))
                if self
                    .entry
                    .is_none_or(|entry| entry.current.digest == it.digest) =>
            {
                "in-service"
            }
            (true, _) => "pending-reload",
            (false, _) if self.entry.is_none() && self.require_lock => "refused",
            (false, _) => "installed",
        }
    }

    fn words(&self) -> String {
        let mut words = vec![match self.state() {
            "in-service" => "in service".to_owned(),
            "pending-reload" => "the gateway has not seen it yet".to_owned(),
            "installed" => "installed".to_owned(),
            state => {
                let reason = self
                    .said
                    .and_then(|said| said.refused.as_ref())
                    .map(|it| it.reason.as_str());
                format!(
                    "{state}: {}",
                    reason.unwrap_or("it is not in the lock (plugins.require_lock)")
                )
            }
        }];
        let serving = self.said.and_then(|said| said.in_service.as_ref());
        if let Some(serving) = serving.filter(|_| self.state() == "refused") {
            words.push(format!(
                "{} ({}) stays in service",
                serving.version,
                serving.digest.short()
            ));
        }
        if let Some(circuit) = self.said.and_then(|said| said.circuit.as_ref()) {
            words.push(refusing(circuit));
        }
        if let Some(pending) = self.entry.and_then(|entry| entry.pending.as_ref()) {
            let version = &pending.version;
            words.push(format!(
                "{} ({}) waits for approval",
                version.version,
                version.digest.short()
            ));
        }
        words.join("; ")
    }

    fn print(&self) {
        let digest = self
            .digest()
            .map_or_else(|| "?".to_owned(), |digest| digest.short());
        print(&format!(
            "{:<16} {:<10} {digest:<13} {:<40} {}",
            self.name,
            self.version(),
            self.source(),
            self.words()
        ));
        let pending = self.entry.and_then(|entry| entry.pending.as_ref());
        for reason in pending.into_iter().flat_map(|pending| &pending.reasons) {
            print(&format!("{:<16} {reason}", ""));
        }
    }

    fn print_json(&self) {
        let pending = self.entry.and_then(|entry| entry.pending.as_ref());
        let previous = self.entry.into_iter().flat_map(|entry| &entry.previous);
        let line = json!({
            "name": self.name, "state": self.state(), "version": self.version(), "digest": self.digest(),
            "source": self.source(), "locked": self.entry.is_some(),
            "id": self.entry.map(|entry| &entry.id),
            "approved_by": self.entry.map(|entry| &entry.approved.by),
            "approved_at": self.entry.map(|entry| &entry.approved.at),
            "in_service": self.said.and_then(|said| said.in_service.as_ref()),
            "refused": self.said.and_then(|said| said.refused.as_ref()),
            "circuit": self.said.and_then(|said| said.circuit.as_ref()),
            "draining": self.said.map(|said| &said.draining),
            "pending": pending.map(|pending| json!({
                "version": pending.version.version, "digest": pending.version.digest, "reasons": pending.reasons,
            })),
            "previous": previous.map(|it| json!({
                "version": it.version.version, "digest": it.version.digest,
            })).collect::<Vec<_>>(),
        });
        print(&line.to_string());
    }
}
