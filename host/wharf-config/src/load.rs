//! Finds the files, builds the layers in their order and reads all sections and tenants.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::at::{ID_REMEDY, is_id};
use crate::error::{ConfigErrors, Origin, Problem};
use crate::layer::{Layer, TENANTS, TOP_LEVEL_KEYS};
use crate::read::{Context, Table};
use crate::sections::{
    Database, Delivery, Egress, Exchanges, Http, Idempotency, Log, Media, Onboarding, Plugins,
    Queue, Secrets, Send, Upkeep, Webhook,
};
use crate::sources::{ConfigFile, ENV_PREFIX, INSTALLED_FILE, Sources};
use crate::tenant::{ApiKey, App, Surroundings, Tenant};
use crate::{Config, check, defaults_toml, plain};

/// A configuration file is text written by people; more than this is the wrong file.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

pub(crate) fn load(sources: &Sources) -> Result<Config, ConfigErrors> {
    let mut gathered = Gathered::from(sources);
    let problems = std::mem::take(&mut gathered.problems);
    let incomplete = !problems.is_empty();
    let cx = Context::new(&gathered.layers, &sources.env, incomplete);
    problems.into_iter().for_each(|problem| cx.report(problem));
    let main = Main::read(&cx, sources);
    report_single_underscores(&cx, sources);
    let mut problems = cx.into_problems();

    let folder = main
        .tenants_dir
        .clone()
        .flatten()
        .or_else(|| gathered.tenants_beside());
    let around = Surroundings {
        apps: main.apps.as_ref(),
        egress: main.egress.as_ref(),
    };
    let tenants = gathered.tenants(folder.as_deref(), sources, &around, &mut problems);
    check::tenants(&tenants, &mut problems);
    let simple = Simple {
        tenant: gathered.is_plain.then(|| plain::TENANT.to_owned()),
        notices: gathered.notices,
    };
    let config = main.finish(folder, tenants, gathered.files, simple);
    match (ConfigErrors::from_problems(problems), config) {
        (None, Some(config)) => Ok(config),
        (Some(errors), _) => Err(errors),
        (None, None) => unreachable!("a section that cannot be read reports why"),
    }
}

/// The layers, lowest first, and what was wrong with them.
struct Gathered {
    layers: Vec<Layer>,
    /// Overrides of tenants, from environment and options, by tenant.
    overrides: Vec<BTreeMap<String, Layer>>,
    main_file: Option<PathBuf>,
    files: Vec<PathBuf>,
    /// The tenant out of variables, when there is no file.
    plain_tenant: Option<Layer>,
    is_plain: bool,
    notices: Vec<String>,
    problems: Vec<Problem>,
}

impl Gathered {
    fn from(sources: &Sources) -> Self {
        let defaults = Layer::toml("built-in defaults", Path::new(""), defaults_toml());
        let mut gathered = Self {
            layers: vec![defaults.expect("a test reads the compiled-in defaults")],
            overrides: Vec::new(),
            main_file: None,
            files: Vec::new(),
            plain_tenant: None,
            is_plain: false,
            notices: Vec::new(),
            problems: Vec::new(),
        };
        gathered.main_file = match &sources.config_file {
            ConfigFile::Absent => None,
            ConfigFile::At(path) => Some(path.clone()),
            ConfigFile::Installed => Some(PathBuf::from(INSTALLED_FILE)).filter(|p| p.exists()),
        };
        if let Some(main) = gathered.main_file.clone() {
            gathered.file(&main);
            let folder = main.parent().unwrap_or(Path::new("")).join("conf.d");
            if folder.is_dir() {
                for path in gathered.toml_files(&folder) {
                    gathered.file(&path);
                }
            }
        }
        // Development has its own tenant, and must not meet a real account by a forgotten variable.
        if gathered.main_file.is_none()
            && !sources.dev
            && let Some(plain) = plain::read(&sources.env, &mut gathered.problems)
        {
            gathered.layers.push(plain.main);
            gathered.plain_tenant = Some(plain.tenant);
            gathered.is_plain = true;
            gathered.notices = plain.notices;
        }
        for name in &sources.env_unreadable {
            gathered.problems.push(Problem::new(
                Origin::of(format!("environment variable {name}")),
                "",
                "its value is not UTF-8",
                "set it to text, or put the value into a file and name that with _FILE",
            ));
        }
        let environment = Layer::environment(&sources.env, &mut gathered.problems);
        let options = Layer::options(&sources.flags, &mut gathered.problems);
        for mut layer in [environment, options] {
            gathered.overrides.push(layer.take_tenants());
            gathered.layers.push(layer);
        }
        gathered
    }

    fn file(&mut self, path: &Path) {
        match read_layer(path) {
            Ok(layer) => {
                self.layers.push(layer);
                self.files.push(path.to_owned());
            }
            Err(problem) => self.problems.push(problem),
        }
    }

    /// The `*.toml` of a folder by name; hidden files are editors' leftovers.
    fn toml_files(&mut self, folder: &Path) -> Vec<PathBuf> {
        let listed = std::fs::read_dir(folder).and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()
        });
        let mut paths = listed.unwrap_or_else(|error| {
            self.problems.push(Problem::new(
                Origin::of(folder.display().to_string()),
                "",
                format!("cannot list the folder ({error})"),
                "make it readable for the gateway's user",
            ));
            Vec::new()
        });
        paths.retain(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.ends_with(".toml") && !name.starts_with('.'))
        });
        paths.sort();
        paths
    }

    fn tenants_beside(&self) -> Option<PathBuf> {
        let folder = self.main_file.as_ref()?.parent()?.join("tenants");
        folder.is_dir().then_some(folder)
    }

    fn tenants(
        &mut self,
        folder: Option<&Path>,
        sources: &Sources,
        around: &Surroundings<'_>,
        problems: &mut Vec<Problem>,
    ) -> BTreeMap<String, Tenant> {
        let mut tenants = BTreeMap::new();
        let mut seen = Vec::new();
        if let Some(layer) = self.plain_tenant.take() {
            seen.push(plain::TENANT.to_owned());
            if let Some(tenant) = self.tenant(plain::TENANT, layer, sources, around, problems) {
                tenants.insert(plain::TENANT.to_owned(), tenant);
            }
        }
        let paths = folder.map(|folder| self.toml_files(folder));
        problems.append(&mut self.problems);
        for path in paths.unwrap_or_default() {
            self.files.push(path.clone());
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            if tenants.contains_key(&*stem) {
                problems.push(Problem::new(
                    Origin::of(path.display().to_string()),
                    "",
                    "the environment's variables of one account are this tenant already",
                    "name the file and its `id` otherwise, or unset those variables",
                ));
                continue;
            }
            seen.push(stem.to_string());
            if !is_id(&stem) {
                problems.push(Problem::new(
                    Origin::of(path.display().to_string()),
                    "",
                    "the file's name is not a usable tenant id",
                    ID_REMEDY,
                ));
                continue;
            }
            let read = match read_layer(&path) {
                Ok(layer) => self.tenant(&stem, layer, sources, around, problems),
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            if let Some(tenant) = read {
                tenants.insert(stem.to_string(), tenant);
            }
        }
        self.report_homeless(&seen, problems);
        tenants
    }

    /// One tenant with what environment and options change of it.
    fn tenant(
        &self,
        id: &str,
        layer: Layer,
        sources: &Sources,
        around: &Surroundings<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Tenant> {
        let mut layers = vec![layer];
        let overrides = self.overrides.iter();
        layers.extend(overrides.filter_map(|all| all.get(id)).cloned());
        let cx = Context::new(&layers, &sources.env, false);
        let tenant = Tenant::read(&cx, id, around);
        problems.extend(cx.into_problems());
        tenant
    }

    /// Overrides of tenants that have no file are typing errors.
    fn report_homeless(&self, seen: &[String], problems: &mut Vec<Problem>) {
        for (id, layer) in self.overrides.iter().flatten() {
            if seen.contains(id) {
                continue;
            }
            for origin in layer.leaves() {
                problems.push(Problem::new(
                    origin.clone(),
                    format!("tenants.{id}"),
                    "there is no file for this tenant",
                    format!("write {id}.toml into the folder of tenants, or correct the name"),
                ));
            }
        }
    }
}

fn read_layer(path: &Path) -> Result<Layer, Problem> {
    let name = path.display().to_string();
    let cannot = |error: std::io::Error| {
        Problem::new(
            Origin::of(name.as_str()),
            "",
            format!("cannot read the file ({error})"),
            "check its path and that the gateway's user may read it; it must be UTF-8",
        )
    };
    let size = std::fs::metadata(path).map_err(cannot)?.len();
    if size > FILE_BYTES_MAX {
        return Err(Problem::new(
            Origin::of(name.as_str()),
            "",
            format!("has more than {FILE_BYTES_MAX} bytes"),
            "name a configuration file",
        ));
    }
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    Layer::toml(&name, path.parent().unwrap_or(Path::new("")), &text)
}

/// The set-up by variables alone, as far as it is one.
struct Simple {
    tenant: Option<String>,
    notices: Vec<String>,
}

/// What the main layers hold; `None` for each part that is wrong.
struct Main {
    http: Option<Http>,
    database: Option<Database>,
    queue: Option<Queue>,
    send: Option<Send>,
    idempotency: Option<Idempotency>,
    delivery: Option<Delivery>,
    webhook: Option<Webhook>,
    media: Option<Media>,
    upkeep: Option<Upkeep>,
    exchanges: Option<Exchanges>,
    onboarding: Option<Onboarding>,
    plugins: Option<Plugins>,
    egress: Option<Egress>,
    secrets: Option<Option<Secrets>>,
    log: Option<Log>,
    tenants_dir: Option<Option<PathBuf>>,
    apps: Option<BTreeMap<String, App>>,
    operator_keys: Option<BTreeMap<String, ApiKey>>,
}

impl Main {
    fn read(cx: &Context<'_>, sources: &Sources) -> Self {
        let mut root = cx.root();
        let egress = |egress: &Egress, table: &Table<'_>| {
            check::egress(egress, table, sources.allow_connect_to)
        };
        let secrets = |table: &mut Table<'_>| Secrets::read(table, !sources.dev);
        let main = Self {
            http: read(&mut root, "http", Http::read, check::http),
            database: read(&mut root, "database", Database::read, check::database),
            queue: read(&mut root, "queue", Queue::read, check::nothing),
            send: read(&mut root, "send", Send::read, check::send),
            idempotency: read(&mut root, "idempotency", Idempotency::read, check::nothing),
            delivery: read(&mut root, "delivery", Delivery::read, check::delivery),
            webhook: read(&mut root, "webhook", Webhook::read, check::nothing),
            media: read(&mut root, "media", Media::read, check::media),
            upkeep: read(&mut root, "upkeep", Upkeep::read, check::nothing),
            exchanges: read(&mut root, "exchanges", Exchanges::read, check::nothing),
            onboarding: read(&mut root, "onboarding", Onboarding::read, check::nothing),
            plugins: read(&mut root, "plugins", Plugins::read, check::plugins),
            egress: read(&mut root, "egress", Egress::read, egress),
            secrets: read(&mut root, "secrets", secrets, check::nothing),
            log: read(&mut root, "log", Log::read, check::log),
            apps: root.named("apps", |_, table| App::read(table)),
            operator_keys: root.named("operator_keys", |_, table| ApiKey::read(table)),
            tenants_dir: check::tenants_dir(&mut root),
        };
        root.forbid(
            TENANTS,
            "tenants are not written here",
            "write one file for each into the folder of tenants: tenants/ID.toml",
        );
        root.finish();
        check::across(
            cx,
            main.http.as_ref().zip(main.send.as_ref()),
            main.egress.as_ref(),
            (main.send.as_ref(), main.delivery.as_ref()),
        );
        main
    }

    fn finish(
        self,
        tenants_dir: Option<PathBuf>,
        tenants: BTreeMap<String, Tenant>,
        files: Vec<PathBuf>,
        simple: Simple,
    ) -> Option<Config> {
        Some(Config {
            http: self.http?,
            database: self.database?,
            queue: self.queue?,
            send: self.send?,
            idempotency: self.idempotency?,
            delivery: self.delivery?,
            webhook: self.webhook?,
            media: self.media?,
            upkeep: self.upkeep?,
            exchanges: self.exchanges?,
            onboarding: self.onboarding?,
            plugins: self.plugins?,
            egress: self.egress?,
            secrets: self.secrets?,
            log: self.log?,
            tenants_dir,
            apps: self.apps?,
            operator_keys: self.operator_keys?,
            tenants,
            files,
            simple_tenant: simple.tenant,
            notices: simple.notices,
        })
    }
}

/// A section with the check of its keys against each other.
fn read<T>(
    root: &mut Table<'_>,
    name: &'static str,
    read: impl Fn(&mut Table<'_>) -> Option<T>,
    check: impl Fn(&T, &Table<'_>) -> Option<()>,
) -> Option<T> {
    let mut table = root.table(name)?;
    let section = read(&mut table)?;
    check(&section, &table).map(|()| section)
}

/// `WHARF_HTTP_LISTEN` is meant for `http.listen`, and would be ignored in silence.
fn report_single_underscores(cx: &Context<'_>, sources: &Sources) {
    let folded = |text: &str| text.replace(['.', '_'], "").to_ascii_lowercase();
    let known = cx.known();
    for name in sources.env.keys() {
        let Some(key) = name.strip_prefix(ENV_PREFIX) else {
            continue;
        };
        let lower = key.to_ascii_lowercase();
        if key.contains("__") || TOP_LEVEL_KEYS.contains(&lower.as_str()) {
            continue;
        }
        let stem = lower.strip_suffix("_file").unwrap_or(&lower);
        let meant = known.iter().find(|known| {
            known.contains('.')
                && (folded(known) == folded(&lower) || folded(known) == folded(stem))
        });
        if let Some(meant) = meant {
            cx.report(Problem::new(
                Origin::of(format!("environment variable {name}")),
                "",
                "sets nothing: two underscores divide section and key",
                format!(
                    "did you mean {ENV_PREFIX}{}?",
                    meant.replace('.', "__").to_uppercase()
                ),
            ));
        }
    }
}

/// Every key outside of named tables, for the test that holds `config/wharf.toml` to them.
#[cfg(test)]
pub(crate) fn known_keys() -> std::collections::BTreeSet<String> {
    let mut sources = Sources::defaults();
    sources.dev = true;
    let gathered = Gathered::from(&sources);
    let cx = Context::new(&gathered.layers, &sources.env, false);
    Main::read(&cx, &sources);
    cx.known()
}
