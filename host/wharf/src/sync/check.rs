//! Settings and secrets of the files, checked against what the plugins declare.

use std::collections::BTreeMap;
use std::sync::Arc;

use wharf_config::{
    App as FileApp, Channel as FileChannel, Config, ConfigErrors, Problem, RotatingSecret,
};
use wharf_core::provider::{Descriptor, Input, InputKind, Level, Verification};
use wharf_core::webhook::{SigningSecret, check_public_keys};
use wharf_runtime::Registry;

use crate::workers::jobs;

/// Checks settings and secrets against what the plugins declare. All errors at once.
pub(crate) fn check(config: &Config, plugins: &Registry) -> Result<(), ConfigErrors> {
    let mut problems = Vec::new();
    for (name, app) in &config.apps {
        check_app(plugins, name, app, &mut problems);
    }
    check_senders(config, plugins, &mut problems);
    for tenant in config.tenants.values() {
        for (name, channel) in &tenant.channels {
            check_channel(config, plugins, name, channel, &mut problems);
        }
        for (name, endpoint) in &tenant.endpoints {
            for secret in endpoint.secret.all() {
                if let Err(what) = SigningSecret::parse(secret) {
                    let key = format!("endpoints.{name}.secret");
                    problems.push(Problem::new(
                        endpoint.origin.clone(),
                        key,
                        what,
                        "make one with `wharf key endpoint-secret`",
                    ));
                }
            }
        }
        if tenant.id == jobs::OPERATOR {
            let what = "this name is reserved for the gateway itself";
            problems.push(Problem::new(
                tenant.origin.clone(),
                "id",
                what,
                "choose another",
            ));
        }
    }
    ConfigErrors::from_problems(problems).map_or(Ok(()), Err)
}

/// The part of [`check`] that one plugin decides about.
pub(super) fn check_users(config: &Config, plugins: &Registry, plugin: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, app) in config.apps.iter().filter(|(_, app)| app.plugin == plugin) {
        check_app(plugins, name, app, &mut problems);
    }
    for tenant in config.tenants.values() {
        let channels = tenant.channels.iter();
        for (name, channel) in channels.filter(|(_, channel)| channel.plugin == plugin) {
            check_channel(config, plugins, name, channel, &mut problems);
        }
    }
    check_senders(config, plugins, &mut problems);
    problems
}

fn check_app(plugins: &Registry, name: &str, app: &FileApp, problems: &mut Vec<Problem>) {
    let at = At {
        key: format!("apps.{name}"),
        origin: &app.origin,
    };
    if let Some(descriptor) = at.descriptor(plugins, &app.plugin, problems) {
        let origin = |key: &str| app.origin_of(key).clone();
        let given = Given {
            settings: &app.settings,
            secrets: &app.secrets,
            origin: &origin,
        };
        at.inputs(&descriptor, &[Level::App], &given, problems);
    }
}

/// A number belongs to one channel: under a shared app its messages would go to two otherwise.
fn check_senders(config: &Config, plugins: &Registry, problems: &mut Vec<Problem>) {
    let mut seen: BTreeMap<(&str, &str, &str), String> = BTreeMap::new();
    for tenant in config.tenants.values() {
        for (name, channel) in &tenant.channels {
            let descriptor = plugins
                .get(&channel.plugin)
                .map(|p| Arc::clone(p.descriptor()));
            let setting = descriptor
                .map(|d| d.sender_setting.clone())
                .unwrap_or_default();
            let (Some(app), Some(sender)) = (&channel.app, channel.settings.get(&setting)) else {
                continue;
            };
            let this = format!("{}/{name}", tenant.id);
            if let Some(other) = seen.insert((&channel.plugin, app, sender), this) {
                problems.push(Problem::new(
                    channel.origin_of(&format!("settings.{setting}")).clone(),
                    format!("channels.{name}.settings.{setting}"),
                    format!("channel {other} has the same number under app {app}"),
                    "give each number to one channel",
                ));
            }
        }
    }
}

fn check_channel(
    config: &Config,
    plugins: &Registry,
    name: &str,
    channel: &FileChannel,
    problems: &mut Vec<Problem>,
) {
    let at = At {
        key: format!("channels.{name}"),
        origin: &channel.origin,
    };
    let Some(descriptor) = at.descriptor(plugins, &channel.plugin, problems) else {
        return;
    };
    let mut levels = vec![Level::Account, Level::Channel];
    match channel.app.as_ref().map(|app| (app, config.apps.get(app))) {
        // Without an app of the operator's, the tenant brings the app's inputs too.
        None => levels.push(Level::App),
        Some((app, Some(found))) if found.plugin != channel.plugin => {
            let what = format!(
                "app {app} is for plugin {}, this channel for {}",
                found.plugin, channel.plugin
            );
            problems.push(Problem::new(
                channel.origin.clone(),
                format!("{}.app", at.key),
                what,
                "name an app of the same plugin",
            ));
        }
        Some((_, Some(_))) => {}
        Some((app, None)) => {
            let what = format!("there is no app {app}");
            problems.push(Problem::new(
                channel.origin.clone(),
                format!("{}.app", at.key),
                what,
                "add [apps.NAME] to the main file",
            ));
        }
    }
    let origin = |key: &str| channel.origin_of(key).clone();
    let given = Given {
        settings: &channel.settings,
        secrets: &channel.secrets,
        origin: &origin,
    };
    at.inputs(&descriptor, &levels, &given, problems);
}

/// Where in the configuration a check stands.
struct At<'a> {
    key: String,
    origin: &'a wharf_config::Origin,
}

struct Given<'a> {
    settings: &'a BTreeMap<String, String>,
    secrets: &'a BTreeMap<String, RotatingSecret>,
    origin: &'a dyn Fn(&str) -> wharf_config::Origin,
}

impl At<'_> {
    fn descriptor(
        &self,
        plugins: &Registry,
        name: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Arc<Descriptor>> {
        let found = plugins.get(name).map(|p| Arc::clone(p.descriptor()));
        if found.is_none() {
            let known: Vec<_> = plugins.all().iter().map(|p| p.name().to_owned()).collect();
            let what = format!("no plugin named {name} is loaded");
            let remedy = match known.is_empty() {
                true => format!(
                    "install it with `wharf plugin add`; when it is there, the warnings above and `wharf plugin list` say why {name} is not loaded"
                ),
                false => format!(
                    "install {name} with `wharf plugin add` (`wharf plugin list` says why one is not loaded), or name one of: {}",
                    known.join(", ")
                ),
            };
            problems.push(Problem::new(
                self.origin.clone(),
                format!("{}.plugin", self.key),
                what,
                remedy,
            ));
        }
        found
    }

    fn inputs(
        &self,
        descriptor: &Descriptor,
        levels: &[Level],
        given: &Given<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let wanted: Vec<&Input> = descriptor
            .inputs
            .iter()
            .filter(|i| levels.contains(&i.level))
            .collect();
        for input in &wanted {
            let (table, has) = match input.kind {
                InputKind::Secret => ("secrets", given.secrets.contains_key(&input.name)),
                _ => ("settings", given.settings.contains_key(&input.name)),
            };
            if input.required && !has {
                let key = format!("{}.{table}.{}", self.key, input.name);
                let what = format!("is missing: {}", input.title);
                problems.push(Problem::new(
                    self.origin.clone(),
                    key,
                    what,
                    input.help.clone(),
                ));
            }
        }
        let names = |secret: bool| -> Vec<&str> {
            let of_kind = wanted
                .iter()
                .filter(|i| (i.kind == InputKind::Secret) == secret);
            of_kind.map(|i| i.name.as_str()).collect()
        };
        for (table, keys, known) in [
            (
                "settings",
                given.settings.keys().collect::<Vec<_>>(),
                names(false),
            ),
            ("secrets", given.secrets.keys().collect(), names(true)),
        ] {
            for name in keys
                .into_iter()
                .filter(|name| !known.contains(&name.as_str()))
            {
                let key = format!("{table}.{name}");
                let what = format!("plugin {} takes no such {table} here", descriptor.name);
                let remedy = format!("use one of: {}", known.join(", "));
                problems.push(Problem::new(
                    (given.origin)(&key),
                    format!("{}.{key}", self.key),
                    what,
                    remedy,
                ));
            }
        }
        for input in wanted.iter().filter(|i| i.kind != InputKind::Secret) {
            let value = given.settings.get(&input.name);
            let wrong = value.and_then(|value| {
                misshapen(input, value).or_else(|| unfit_key(descriptor, input, value))
            });
            if let Some(remedy) = wrong {
                let key = format!("settings.{}", input.name);
                problems.push(Problem::new(
                    (given.origin)(&key),
                    format!("{}.{key}", self.key),
                    format!("does not fit: {}", input.title),
                    remedy,
                ));
            }
        }
    }
}

/// What to write instead, when the value has not the shape that the plugin declares.
pub(crate) fn misshapen(input: &Input, value: &str) -> Option<String> {
    let fits = match input.kind {
        InputKind::Integer => value.parse::<i64>().is_ok(),
        InputKind::Boolean => matches!(value, "true" | "false"),
        InputKind::Url => url::Url::parse(value).is_ok_and(|url| url.has_host()),
        InputKind::Choice => input.choices.iter().any(|choice| choice == value),
        InputKind::Text | InputKind::Secret => true,
    };
    if !fits {
        return Some(match input.kind {
            InputKind::Integer => "write a whole number".to_owned(),
            InputKind::Boolean => "write true or false".to_owned(),
            InputKind::Url => "write a whole address, as https://example.com/path".to_owned(),
            _ => format!("use one of: {}", input.choices.join(", ")),
        });
    }
    // The plugin's pattern was checked when it was loaded; it is anchored here whatever it says.
    let pattern = regex::Regex::new(&format!("^(?:{})$", input.pattern)).ok()?;
    let matches = input.pattern.is_empty() || pattern.is_match(value);
    (!matches).then(|| match input.help.is_empty() {
        true => format!("write what matches {}", input.pattern),
        false => input.help.clone(),
    })
}

/// What to write instead, when a webhook is proven with this setting's key and it holds none.
fn unfit_key(descriptor: &Descriptor, input: &Input, value: &str) -> Option<String> {
    let checks = descriptor.webhooks.iter().flat_map(|w| &w.checks);
    let mut keys = checks.filter_map(|check| match &check.verify {
        Verification::PublicKey(key) if key.key_setting == input.name => Some(key),
        _ => None,
    });
    keys.find_map(|key| check_public_keys(key.algorithm, value).err())
}
