//! One look at `plugins.dir`: what changed since the last, and what is done about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use wharf_runtime::{CircuitState, Health};
use wharf_store::{StoreError, journal};

use super::change::{Probed, Refusal};
use super::{Lifecycle, Loader, off_thread};
use crate::app::App;
use crate::plugins::digest::Digest;
use crate::plugins::folder::Stamp;
use crate::plugins::permissions::Permissions;
use crate::plugins::report::{Circuit, InService, PluginReport, Refused};
use crate::plugins::wanted::{self, Key, Scan, ScanError, Wanted};

/// How often the journal is asked what earlier versions are still needed for.
const SWEEP_EVERY_MS: i64 = 10_000;
/// A component in the store that is named nowhere stays this long: a command may be about to name it.
const UNUSED_KEPT: Duration = Duration::from_secs(3600);
/// Earlier versions kept loaded at most; an older one comes out of the store again when it is needed.
const RETIRED_MAX: usize = 32;
const COLLECT_EVERY_MS: i64 = 3_600_000;

/// What the last look left.
#[derive(Default)]
pub(super) struct Round {
    known: BTreeMap<String, Known>,
    refused: BTreeMap<String, (Option<Key>, Refusal)>,
    /// Files by hand as they were: one that is still being copied changes between two looks.
    seen: BTreeMap<String, Key>,
    hashed: BTreeMap<Stamp, Digest>,
    /// Why the folder could not be read at all.
    broken: Option<String>,
    swept_at: i64,
    collected_at: i64,
}

/// What is in service under a name.
struct Known {
    key: Key,
    locked: bool,
    permissions: Permissions,
}

impl Round {
    pub(super) fn reasons(&self) -> Vec<String> {
        let refused = self.refused.iter();
        let refused =
            refused.map(|(name, (_, refusal))| format!("plugin {name}: {}", refusal.reason));
        self.broken.iter().cloned().chain(refused).collect()
    }

    fn refuse(&mut self, name: &str, key: Option<Key>, refusal: Refusal) {
        let told = self
            .refused
            .get(name)
            .is_some_and(|(_, known)| known.reason == refusal.reason);
        if !told {
            tracing::error!(
                plugin.name = name,
                reason = refusal.reason,
                "plugin {name} was refused; `wharf plugin list` shows what is in service"
            );
        }
        self.refused.insert(name.to_owned(), (key, refusal));
    }

    fn accept(&mut self, name: &str, wanted: &Wanted, probed: &Probed) {
        let locked = matches!(wanted, Wanted::Locked(_));
        let known = Known {
            key: wanted.key(),
            locked,
            permissions: probed.permissions.clone(),
        };
        let descriptor = probed.plugin.descriptor();
        tracing::info!(
            plugin.name = name,
            plugin.id = descriptor.id,
            plugin.version = descriptor.version,
            plugin.digest = hex::encode(probed.plugin.digest()),
            plugin.locked = locked,
            "plugin {name} {} is in service",
            descriptor.version
        );
        self.refused.remove(name);
        if let Some(old) = self.known.insert(name.to_owned(), known)
            && !locked
        {
            let more = probed.permissions.beyond(&old.permissions);
            if !more.is_empty() {
                tracing::warn!(
                    plugin.name = name,
                    more = more.join("; "),
                    "the file of plugin {name} was replaced by one that asks for more; `wharf plugin add` makes such changes wait for approval"
                );
            }
        }
    }
}

impl Lifecycle {
    /// The start: everything is new, and nothing runs yet that a plugin could break.
    pub(super) async fn first(&self) -> anyhow::Result<()> {
        let Some(loader) = &self.loader else {
            return Ok(());
        };
        let mut round = self.round.lock().await;
        let scan = match loader.scan(&mut round.hashed).await {
            Ok(scan) => scan,
            Err(ScanError::Lock(error)) => return Err(error.into()),
            Err(error) => {
                let reason = crate::http::Chain(&error).to_string();
                tracing::error!(reason, "no plugin was loaded");
                round.broken = Some(reason);
                return Ok(());
            }
        };
        // At the same time: with a filled cache each is a file to read, and the start waits for the last.
        let probes = scan.wanted.iter().map(async |(name, wanted)| {
            let probed = loader.probe(name, wanted).await;
            (name, wanted, probed)
        });
        let mut loaded = Vec::new();
        for (name, wanted, probed) in join_all(probes).await {
            match probed {
                Ok(probed) => {
                    round.accept(name, wanted, &probed);
                    loaded.push(probed.plugin);
                }
                Err(refusal) => round.refuse(name, Some(wanted.key()), refusal),
            }
        }
        let kept: Vec<_> = scan.kept.iter().map(|digest| *digest.bytes()).collect();
        if let Err(error) = loader.runtime.purge_cache(&kept) {
            tracing::warn!(error = %error, "could not tidy the folder of compiled plugins (plugins.cache_dir)");
        }
        self.registry.replace(loaded);
        self.note_refused_files(&mut round, &scan);
        Ok(())
    }

    /// A later look. `forced`: somebody asked, so what was refused is tried again.
    pub(super) async fn look(&self, app: &App, forced: bool) {
        let Some(loader) = &self.loader else {
            return;
        };
        let mut round = self.round.lock().await;
        match loader.scan(&mut round.hashed).await {
            Ok(scan) => {
                round.broken = None;
                for name in scan.wanted.keys() {
                    self.follow_one(app, loader, &mut round, &scan, name, forced)
                        .await;
                }
                self.withdraw_missing(app, &mut round, &scan);
                self.note_refused_files(&mut round, &scan);
                self.tidy(app, loader, &mut round, &scan.kept, forced).await;
            }
            Err(error) => {
                let reason = crate::http::Chain(&error).to_string();
                if round.broken.as_ref() != Some(&reason) {
                    tracing::error!(
                        reason,
                        "plugins.dir cannot be followed; what is in service stays"
                    );
                }
                round.broken = Some(reason);
            }
        }
        let reports = self.reports(&round);
        loader
            .reporter
            .write(reports, crate::clock::rfc3339(app.now_ms()));
    }

    async fn follow_one(
        &self,
        app: &App,
        loader: &Loader,
        round: &mut Round,
        scan: &Scan,
        name: &str,
        forced: bool,
    ) {
        let wanted = &scan.wanted[name];
        let key = wanted.key();
        let settled = match wanted {
            Wanted::Locked(_) => true,
            Wanted::Dropped(_) => {
                round.seen.insert(name.to_owned(), key.clone()).as_ref() == Some(&key)
            }
        };
        if round.known.get(name).is_some_and(|known| known.key == key) {
            // Back to what is in service: the refusal of another version is history.
            if !scan.refused.contains_key(name) {
                round.refused.remove(name);
            }
            return;
        }
        let refused = round.refused.get(name);
        let again =
            refused.is_none_or(|(known, refusal)| known.as_ref() != Some(&key) || !refusal.lasting);
        let due = forced || (settled && again);
        if !due {
            return;
        }
        let done = match loader.probe(name, wanted).await {
            Ok(probed) => self.swap(app, &probed).await.map(|()| probed),
            Err(refusal) => Err(refusal),
        };
        match done {
            Ok(probed) => round.accept(name, wanted, &probed),
            Err(refusal) => round.refuse(name, Some(key), refusal),
        }
    }

    fn withdraw_missing(&self, app: &App, round: &mut Round, scan: &Scan) {
        for plugin in self.registry.all() {
            let name = plugin.name();
            if scan.wanted.contains_key(name) {
                continue;
            }
            match self.withdraw(app, name) {
                Ok(()) => {
                    round.known.remove(name);
                    tracing::info!(plugin.name = name, "plugin {name} is out of service");
                }
                Err(reason) => {
                    let refusal = Refusal {
                        digest: None,
                        reason,
                        lasting: false,
                    };
                    // What comes next under this name is new, whatever it is.
                    round.known.remove(name);
                    round.refuse(name, None, refusal);
                }
            }
        }
        let gone =
            |name: &String| !scan.wanted.contains_key(name) && self.registry.get(name).is_none();
        round
            .refused
            .retain(|name, _| !gone(name) || scan.refused.contains_key(name));
        round.seen.retain(|name, _| scan.wanted.contains_key(name));
    }

    fn note_refused_files(&self, round: &mut Round, scan: &Scan) {
        for (name, reason) in &scan.refused {
            let refusal = Refusal {
                digest: None,
                reason: reason.clone(),
                lasting: false,
            };
            round.refuse(name, None, refusal);
        }
    }

    /// Drops earlier versions that are done, and components in the store that nothing names.
    async fn tidy(
        &self,
        app: &App,
        loader: &Loader,
        round: &mut Round,
        kept: &BTreeSet<Digest>,
        forced: bool,
    ) {
        let now = app.now_ms();
        let sweep = !self.registry.retired().is_empty()
            && (forced || now - round.swept_at >= SWEEP_EVERY_MS);
        let collect = forced || now - round.collected_at >= COLLECT_EVERY_MS;
        let mut unused = Vec::new();
        let since_epoch = Duration::from_millis(u64::try_from(now).unwrap_or(0));
        let at = SystemTime::UNIX_EPOCH + since_epoch;
        if collect {
            round.collected_at = now;
            let mut kept = kept.clone();
            kept.extend(self.in_use());
            unused = loader.folder.unused(&kept, UNUSED_KEPT, at);
        }
        if !sweep && unused.is_empty() {
            return;
        }
        let open = match open_digests(app).await {
            Ok(open) => open,
            Err(error) => {
                tracing::warn!(error = %crate::http::Chain(&error), "could not look for attempts of earlier plugins; they are kept");
                return;
            }
        };
        round.swept_at = now;
        self.release(&open);
        for digest in unused.iter().filter(|digest| !open.contains(digest)) {
            // Without write access the folder keeps it; nothing depends on its going.
            if loader.folder.remove_unused(digest, UNUSED_KEPT, at) {
                tracing::info!(
                    plugin.digest = digest.hex(),
                    "a component that nothing names was deleted"
                );
            }
        }
    }

    /// Lets go of retired versions that nobody calls and no open attempt names.
    fn release(&self, open: &BTreeSet<Digest>) {
        let retired = self.registry.retired();
        let surplus = retired.len().saturating_sub(RETIRED_MAX);
        for (place, plugin) in retired.iter().enumerate() {
            // The registry and this list hold it; more are calls and attempts in progress.
            let in_use = Arc::strong_count(plugin) > 2;
            let named = open.contains(&Digest::from_bytes(*plugin.digest()));
            if (in_use || named) && place >= surplus {
                continue;
            }
            self.registry.release(plugin.name(), plugin.digest());
            tracing::info!(
                plugin.name = plugin.name(),
                plugin.digest = hex::encode(plugin.digest()),
                "an earlier version of plugin {} is let go",
                plugin.name()
            );
        }
    }

    fn reports(&self, round: &Round) -> Vec<PluginReport> {
        let retired = self.registry.retired();
        let loaded = self.registry.all();
        let mut names: BTreeSet<String> = loaded.iter().map(|it| it.name().to_owned()).collect();
        names.extend(round.refused.keys().cloned());
        names.extend(retired.iter().map(|it| it.name().to_owned()));
        let report = |name: String| {
            let plugin = loaded.iter().find(|plugin| plugin.name() == name);
            let draining = retired.iter().filter(|plugin| plugin.name() == name);
            PluginReport {
                in_service: plugin.map(|plugin| InService {
                    digest: Digest::from_bytes(*plugin.digest()),
                    id: plugin.descriptor().id.clone(),
                    version: plugin.descriptor().version.clone(),
                    locked: round.known.get(&name).is_some_and(|known| known.locked),
                }),
                refused: round.refused.get(&name).map(|(_, refusal)| Refused {
                    digest: refusal.digest,
                    reason: refusal.reason.clone(),
                }),
                draining: draining
                    .map(|it| Digest::from_bytes(*it.digest()))
                    .collect(),
                circuit: plugin.and_then(|plugin| open_circuit(&plugin.health())),
                name,
            }
        };
        names.into_iter().map(report).collect()
    }
}

fn open_circuit(health: &Health) -> Option<Circuit> {
    let is_open = health.circuit != CircuitState::Closed || health.parties_refused > 0;
    is_open.then(|| Circuit {
        state: health.circuit.as_str().to_owned(),
        parties_refused: health.parties_refused,
    })
}

impl Loader {
    async fn scan(&self, hashed: &mut BTreeMap<Stamp, Digest>) -> Result<Scan, ScanError> {
        let (folder, require_lock, known) =
            (self.folder.clone(), self.require_lock, hashed.clone());
        let work = move || {
            let mut hashed = known;
            let scanned = wanted::scan(&folder, require_lock, &mut hashed);
            Ok::<_, std::convert::Infallible>((scanned, hashed))
        };
        match off_thread(work).await {
            Ok((scanned, now)) => {
                *hashed = now;
                scanned
            }
            Err(panic) => Err(ScanError::Ended(panic)),
        }
    }
}

/// The versions that attempts in the journal are to go on with.
async fn open_digests(app: &App) -> Result<BTreeSet<Digest>, StoreError> {
    let mut conn = app.db.read().await?;
    let open = journal::open_digests(&mut conn, app.now_ms()).await?;
    Ok(open.iter().filter_map(|hex| hex.parse().ok()).collect())
}
