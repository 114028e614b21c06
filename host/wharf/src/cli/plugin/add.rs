//! `wharf plugin add`: fetch, admit, describe, compare with what is approved, and write the lock.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use secrecy::SecretString;
use serde_json::{Value, json};
use wharf_runtime::Registry;

use super::super::{print, tell};
use super::show::{self, size};
use super::{Context, EXIT_WAITS, Outcome, probe, wait};
use crate::plugins::install::{self, Candidate, Order, Verdict};
use crate::plugins::lock::{self, Guard, Lock, Version};
use crate::plugins::source::{Access, Fetched, RegistryAuth, Source};
use crate::plugins::{Digest, Permissions};
use crate::sync;

#[derive(Args)]
pub(in crate::cli) struct Options {
    /// path:FILE or FILE, https://HOST/FILE#sha256=HEX, oci:REGISTRY/REPOSITORY:TAG or @sha256:HEX
    source: String,
    /// What the configuration calls the plugin; without it the last part of the source
    #[arg(long)]
    name: Option<String>,
    /// What the component must be; required for https
    #[arg(long, value_name = "sha256:HEX")]
    digest: Option<Digest>,
    /// Install a new plugin without asking; never approves what an upgrade asks for in addition
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    pub(super) outcome: Outcome,
}

/// Who a registry is told we are.
#[derive(Args)]
struct Credentials {
    /// Docker's config.json or podman's auth.json; without it ~/.docker/config.json if there is one
    #[arg(long, value_name = "FILE", env = "REGISTRY_AUTH_FILE")]
    auth_file: Option<PathBuf>,
    /// User at the registry; with --password-env
    #[arg(long, requires = "password_env")]
    username: Option<String>,
    /// Name of the variable that holds the password
    #[arg(long, value_name = "NAME", requires = "username")]
    password_env: Option<String>,
    /// Name of the variable that holds a token
    #[arg(long, value_name = "NAME", conflicts_with = "username")]
    token_env: Option<String>,
}

pub(super) async fn run(options: &Options, context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let source = Source::parse(&options.source, options.digest)?;
    let name = options
        .name
        .clone()
        .unwrap_or_else(|| source.default_name());
    install::check_name(&name)?;
    let fetched = fetch(options, context, &source).await?;
    let before = lock::read(context.folder().dir())?;
    let (candidate, bytes) = candidate(context, &before, &name, fetched).await?;
    // First without the lock's guard: a person may take their time to answer.
    let verdict = install::judge(&before, &name, &candidate, options.name.is_some())?;
    let confirmed = confirm(options, &name, &candidate, &verdict)?;
    let folder = context.folder();
    folder.put(&candidate.version.digest, &bytes)?;
    let guard = Guard::take(folder.dir())?;
    let mut lock = guard.read()?;
    // Somebody may have been faster: what was confirmed must still be what is done.
    if install::judge(&lock, &name, &candidate, options.name.is_some())? != verdict {
        anyhow::bail!(
            "another command changed {name} meanwhile; look at `wharf plugin list` and try again"
        );
    }
    let done = Done {
        name: &name,
        from: lock.plugins.get(&name).map(|entry| entry.current.clone()),
        verdict: &verdict,
        candidate: &candidate,
        confirmed,
    };
    done.write(&guard, &mut lock, context)?;
    drop(guard);
    done.report(options.outcome.json);
    if done.waits() {
        return Ok(ExitCode::from(EXIT_WAITS));
    }
    wait::until_served(&options.outcome, context, &name, &candidate.version.digest)?;
    Ok(ExitCode::SUCCESS)
}

async fn fetch(
    options: &Options,
    context: &Context<'_>,
    source: &Source,
) -> anyhow::Result<Fetched> {
    let ca_file = context
        .config
        .plugins
        .ca_file
        .as_ref()
        .filter(|_| source.is_remote());
    let ca_pem = match ca_file {
        Some(path) => Some(
            std::fs::read(path)
                .with_context(|| format!("could not read {} (plugins.ca_file)", path.display()))?,
        ),
        None => None,
    };
    let auth = match source.registry() {
        Some(registry) => options.credentials.of(registry, context)?,
        None => RegistryAuth::Anonymous,
    };
    let egress = &context.config.egress;
    let proxy = crate::gateway::proxy(&egress.proxy, &egress.proxy_credentials);
    let access = Access {
        ca_pem: ca_pem.as_deref(),
        auth: &auth,
        proxy: proxy.as_ref(),
        no_proxy: &egress.no_proxy,
    };
    Ok(source.fetch(&context.folder(), &access).await?)
}

impl Credentials {
    fn of(&self, registry: &str, context: &Context<'_>) -> anyhow::Result<RegistryAuth> {
        let variable = |name: &str| {
            let value = context
                .sources
                .env
                .get(name)
                .filter(|value| !value.is_empty());
            let value =
                value.with_context(|| format!("the variable {name} is not set or empty"))?;
            anyhow::Ok(SecretString::from(value.clone()))
        };
        if let Some(name) = &self.token_env {
            return Ok(RegistryAuth::Bearer(variable(name)?));
        }
        if let (Some(user), Some(name)) = (&self.username, &self.password_env) {
            return Ok(RegistryAuth::Basic {
                user: user.clone(),
                password: variable(name)?,
            });
        }
        if let Some(file) = &self.auth_file {
            return Ok(RegistryAuth::from_file(file, registry)?);
        }
        let usual = context
            .sources
            .env
            .get("HOME")
            .map(|home| PathBuf::from(home).join(".docker/config.json"));
        match usual.filter(|path| path.is_file()) {
            Some(path) => Ok(RegistryAuth::from_file(&path, registry)?),
            None => Ok(RegistryAuth::Anonymous),
        }
    }
}

/// What the component says of itself; a version that the lock knows has said it already.
async fn candidate(
    context: &Context<'_>,
    lock: &Lock,
    name: &str,
    fetched: Fetched,
) -> anyhow::Result<(Candidate, Vec<u8>)> {
    let Fetched {
        bytes,
        digest,
        source,
        manifest_digest,
    } = fetched;
    let version = |version: String| Version {
        digest,
        version,
        source,
        manifest_digest,
        size_bytes: bytes.len() as u64,
        added_at: context.at.clone(),
    };
    if let Some((id, said, permissions)) = known(lock, name, &digest) {
        let candidate = Candidate {
            id,
            version: version(said),
            permissions,
        };
        return Ok((candidate, bytes));
    }
    let probed = probe::probe(&context.config, name, bytes.clone()).await?;
    let descriptor = probed.plugin.descriptor();
    let approved = lock
        .plugins
        .get(name)
        .map(|entry| &entry.approved.permissions);
    let candidate = std::sync::Arc::new(Registry::new([std::sync::Arc::clone(&probed.plugin)]));
    let mut problems = sync::problems_of(&context.config, name, &candidate, None);
    if let Some(approved) = approved.filter(|_| !sync::users_of(&context.config, name).is_empty()) {
        problems.extend(probed.permissions.lost_webhooks(approved));
    }
    anyhow::ensure!(
        problems.is_empty(),
        "{name} {} does not fit the configuration, so it was not installed:\n  {}",
        descriptor.version,
        problems.join("\n  ")
    );
    let candidate = Candidate {
        id: descriptor.id.clone(),
        version: version(descriptor.version.clone()),
        permissions: probed.permissions,
    };
    Ok((candidate, bytes))
}

fn known(lock: &Lock, name: &str, digest: &Digest) -> Option<(String, String, Permissions)> {
    let entry = lock.plugins.get(name)?;
    if entry.current.digest == *digest {
        let permissions = entry.approved.permissions.clone();
        return Some((entry.id.clone(), entry.current.version.clone(), permissions));
    }
    let mut previous = entry.previous.iter();
    let found = previous.find(|it| it.version.digest == *digest)?;
    let permissions = found.approved.permissions.clone();
    Some((entry.id.clone(), found.version.version.clone(), permissions))
}

/// Asks where somebody must say yes; true when they did.
fn confirm(
    options: &Options,
    name: &str,
    candidate: &Candidate,
    verdict: &Verdict,
) -> anyhow::Result<bool> {
    let (question, lines) = match verdict {
        Verdict::First { asks } => (format!("Install it as {name}?"), asks.clone()),
        Verdict::SameVersion => {
            let version = &candidate.version.version;
            let line = format!(
                "{name} {version} is in service already, and this {version} has other bytes"
            );
            ("Replace it?".to_owned(), vec![line])
        }
        Verdict::Unchanged | Verdict::Upgrade { .. } | Verdict::Waits { .. } => return Ok(false),
    };
    if options.yes {
        return Ok(true);
    }
    let version = &candidate.version;
    tell(&format!(
        "{} {} ({}, {})",
        candidate.id,
        version.version,
        version.digest,
        size(version.size_bytes)
    ));
    tell(&show::permissions(&lines));
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return match verdict {
            Verdict::First { .. } => {
                anyhow::bail!("nobody is here to allow this; add --yes to install it")
            }
            _ => Ok(false),
        };
    }
    tell(&format!("{question} [y/N] "));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        _ => anyhow::bail!("nothing was changed"),
    }
}

struct Done<'a> {
    name: &'a str,
    from: Option<Version>,
    verdict: &'a Verdict,
    candidate: &'a Candidate,
    confirmed: bool,
}

impl Done<'_> {
    fn write(&self, guard: &Guard, lock: &mut Lock, context: &Context<'_>) -> anyhow::Result<()> {
        let candidate = self.candidate.clone();
        match self.verdict {
            Verdict::Unchanged => {
                if !install::drop_pending(lock, self.name) {
                    return Ok(());
                }
            }
            Verdict::First { .. } | Verdict::Upgrade { .. } => {
                install::put_in_service(lock, self.name, candidate, context.actor());
            }
            Verdict::SameVersion if self.confirmed => {
                install::put_in_service(lock, self.name, candidate, context.actor());
            }
            Verdict::SameVersion | Verdict::Waits { .. } => {
                install::let_wait(lock, self.name, candidate, self.reasons());
            }
        }
        Ok(guard.write(lock)?)
    }

    fn waits(&self) -> bool {
        match self.verdict {
            Verdict::Waits { .. } => true,
            Verdict::SameVersion => !self.confirmed,
            _ => false,
        }
    }

    fn reasons(&self) -> Vec<String> {
        let version = &self.candidate.version.version;
        let same = format!("the version number {version} again, with other bytes");
        match self.verdict {
            Verdict::Waits { reasons, order } => {
                let same = (*order == Order::Same).then_some(same);
                reasons.iter().cloned().chain(same).collect()
            }
            Verdict::SameVersion => vec![same],
            _ => Vec::new(),
        }
    }

    fn result(&self) -> &'static str {
        match self.verdict {
            _ if self.waits() => "waiting",
            Verdict::Unchanged => "unchanged",
            Verdict::First { .. } => "installed",
            _ => "upgraded",
        }
    }

    fn report(&self, as_json: bool) {
        let (name, version) = (self.name, &self.candidate.version);
        let older = matches!(
            self.verdict,
            Verdict::Upgrade {
                order: Order::Older
            } | Verdict::Waits {
                order: Order::Older,
                ..
            }
        );
        if as_json {
            let from = self.from.as_ref().map_or(
                Value::Null,
                |from| json!({ "version": from.version, "digest": from.digest }),
            );
            print(
                &json!({
                    "name": name, "id": self.candidate.id, "result": self.result(),
                    "version": version.version, "digest": version.digest, "source": version.source,
                    "manifest_digest": version.manifest_digest, "size_bytes": version.size_bytes,
                    "from": from, "older": older, "reasons": self.reasons(),
                    "permissions": self.candidate.permissions.lines(),
                })
                .to_string(),
            );
            return;
        }
        let from = self
            .from
            .as_ref()
            .map(|from| from.version.as_str())
            .unwrap_or_default();
        let to = &version.version;
        if older {
            tell(&format!(
                "note: {to} is older than {from}, which was in service"
            ));
        }
        match self.verdict {
            _ if self.waits() => {
                print(&format!(
                    "{name} {to} waits for approval; {from} stays in service. It asks for more:"
                ));
                print(&show::permissions(&self.reasons()));
                print(&format!(
                    "`wharf plugin approve {name} {}` puts it into service.",
                    version.digest.short()
                ));
            }
            Verdict::Unchanged => print(&format!(
                "{name} {to} is in service already; nothing was changed"
            )),
            Verdict::First { .. } => {
                print(&format!("{name} {to} is installed ({})", version.digest))
            }
            _ => print(&format!(
                "{name} is upgraded from {from} to {to} ({})",
                version.digest
            )),
        }
    }
}
