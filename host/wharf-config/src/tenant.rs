//! Apps of the operator, and tenants with their channels, endpoints and API keys.
//!
//! Whether a plugin knows a setting is decided by the host, which has the plugin's descriptor; the
//! origins kept here let it name file and line. Must not know of plugins or of the database.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::at::At;
use crate::check;
use crate::error::Origin;
use crate::read::{Context, FromConfig, Table};
use crate::secret::RotatingSecret;
use crate::sections::{Egress, MediaFetch};
use crate::suggest::nearest;
use crate::values::{Id, quoted};

/// Standard Webhooks asks for 24 to 64 random bytes.
const ENDPOINT_SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Messages a second that no provider grants to one number.
const MPS_MAX: u32 = 10_000;

/// The operator's credentials at a provider, shared by tenants.
#[derive(Clone, Debug)]
pub struct App {
    /// Name of the plugin that speaks to the provider.
    pub plugin: String,
    pub settings: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, RotatingSecret>,
    pub origin: Origin,
    origins: BTreeMap<String, Origin>,
}

/// An isolated customer of this deployment.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub id: String,
    pub name: String,
    pub channels: BTreeMap<String, Channel>,
    pub endpoints: BTreeMap<String, Endpoint>,
    pub keys: BTreeMap<String, ApiKey>,
    /// What differs for media that come in to any of its channels.
    pub media: Option<MediaFetch>,
    pub origin: Origin,
}

/// One sending number, connected through one provider.
#[derive(Clone, Debug)]
pub struct Channel {
    pub plugin: String,
    /// Name of the app it belongs to.
    pub app: Option<String>,
    pub settings: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, RotatingSecret>,
    /// Messages a second; what the provider declares when absent.
    pub mps: Option<u32>,
    /// What differs for media that come in here.
    pub media: Option<MediaFetch>,
    pub origin: Origin,
    origins: BTreeMap<String, Origin>,
}

/// A URL that receives the tenant's events.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub url: Url,
    /// `whsec_` and base64.
    pub secret: RotatingSecret,
    /// Types of events; empty means all.
    pub events: Vec<String>,
    pub timeout_ms: Option<u64>,
    pub origin: Origin,
}

/// What is kept of an API key.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// SHA-256 of the whole key.
    pub hash: KeyHash,
    pub origin: Origin,
}

/// SHA-256, written `sha256:` and 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl App {
    pub(crate) fn read(table: &mut Table<'_>) -> Option<Self> {
        let plugin = table.get::<Id>("plugin");
        let settings = table.get("settings");
        let secrets = table.get("secrets");
        table.finish();
        Some(Self {
            plugin: plugin?.0,
            settings: settings?,
            secrets: secrets?,
            origin: table.origin(),
            origins: table.origins(),
        })
    }

    /// Where `settings.NAME`, `secrets.NAME` or `plugin` was written.
    #[must_use]
    pub fn origin_of(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&self.origin)
    }
}

impl Channel {
    fn read(table: &mut Table<'_>, apps: Option<&BTreeMap<String, App>>) -> Option<Self> {
        let plugin = table.get::<Id>("plugin");
        let app = table.get::<Option<Id>>("app");
        let fits = belongs(table, plugin.as_ref(), app.as_ref(), apps);
        let settings = table.get("settings");
        let secrets = table.get("secrets");
        let mps = table.get::<Option<u32>>("mps").and_then(|mps| match mps {
            Some(mps) => table.within("mps", mps, &(1..=MPS_MAX)).map(Some),
            None => Some(None),
        });
        let media = media_fetch(table);
        table.finish();
        fits?;
        Some(Self {
            plugin: plugin?.0,
            app: app?.map(|id| id.0),
            settings: settings?,
            secrets: secrets?,
            mps: mps?,
            media: media?,
            origin: table.origin(),
            origins: table.origins(),
        })
    }

    /// Where `settings.NAME`, `secrets.NAME`, `plugin` or `app` was written.
    #[must_use]
    pub fn origin_of(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&self.origin)
    }
}

impl Endpoint {
    fn read(table: &mut Table<'_>, egress: Option<&Egress>) -> Option<Self> {
        let https_only = egress.is_some_and(|egress| egress.delivery_https_only);
        // Without a valid [egress] there is nothing to compare with.
        let timeout_ms_max = egress.map_or(u64::MAX, |egress| egress.request_timeout_ms_max);
        let url = table.get::<Url>("url").and_then(|url| {
            if https_only && url.scheme() != "https" {
                return table.refuse(
                    "url",
                    "not https, and egress.delivery_https_only is on",
                    "use an https address, or turn that key off for test endpoints",
                );
            }
            Some(url)
        });
        let secret = table.get::<EndpointSecret>("secret");
        let events = table.get::<Option<Events>>("events");
        let timeout_ms = table
            .get::<Option<u64>>("timeout_ms")
            .and_then(|ms| match ms {
                Some(ms) => table
                    .within("timeout_ms", ms, &(100..=timeout_ms_max))
                    .map(Some),
                None => Some(None),
            });
        table.finish();
        Some(Self {
            url: url?,
            secret: secret?.0,
            events: events?.map(|events| events.0).unwrap_or_default(),
            timeout_ms: timeout_ms?,
            origin: table.origin(),
        })
    }

    /// Whether this type of event is delivered here.
    #[must_use]
    pub fn wants(&self, event: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|wanted| wanted == event)
    }
}

impl ApiKey {
    pub(crate) fn read(table: &mut Table<'_>) -> Option<Self> {
        let hash = table.get::<KeyHash>("hash");
        table.finish();
        Some(Self {
            hash: hash?,
            origin: table.origin(),
        })
    }
}

/// What a tenant's file is checked against. `None` where the main configuration is wrong itself.
pub(crate) struct Surroundings<'a> {
    pub(crate) apps: Option<&'a BTreeMap<String, App>>,
    pub(crate) egress: Option<&'a Egress>,
}

impl Tenant {
    /// One tenant from its own layers; `stem` is its file's name without `.toml`.
    pub(crate) fn read(cx: &Context<'_>, stem: &str, around: &Surroundings<'_>) -> Option<Self> {
        let mut table = cx.root();
        let id = table.get::<Id>("id").and_then(|Id(id)| {
            if id == stem {
                return Some(id);
            }
            table.refuse(
                "id",
                format!("{} is not the file's name", quoted(&id)),
                format!("write id = \"{stem}\", or rename the file to {id}.toml"),
            )
        });
        let name = table.get::<String>("name");
        let channels = table.named("channels", |_, table| Channel::read(table, around.apps));
        let endpoints = table.named("endpoints", |_, table| Endpoint::read(table, around.egress));
        let keys = table.named("keys", |_, table| ApiKey::read(table));
        let media = media_fetch(&mut table);
        for name in ["connect_to", "egress"] {
            table.forbid(
                name,
                "a tenant does not decide where the gateway connects",
                "remove it; [egress] belongs into the main file",
            );
        }
        table.finish();
        Some(Self {
            id: id?,
            name: name?,
            channels: channels?,
            endpoints: endpoints?,
            keys: keys?,
            media: media?,
            origin: table.origin(),
        })
    }
}

/// A tenant's or a channel's own `[media]`.
fn media_fetch(table: &mut Table<'_>) -> Option<Option<MediaFetch>> {
    let fetch = table.get::<Option<MediaFetch>>("media")?;
    if let Some(types) = fetch.as_ref().and_then(|it| it.fetch_types.as_ref()) {
        check::media_types(types, "media", table)?;
    }
    Some(fetch)
}

/// The app must exist and speak through the same plugin.
fn belongs(
    table: &Table<'_>,
    plugin: Option<&Id>,
    app: Option<&Option<Id>>,
    apps: Option<&BTreeMap<String, App>>,
) -> Option<()> {
    let (Some(Some(Id(name))), Some(apps)) = (app, apps) else {
        return Some(());
    };
    let Some(app) = apps.get(name) else {
        let remedy = match nearest(name, apps.keys().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("add [apps.{name}] to the main file, or remove this key"),
        };
        return table.refuse("app", format!("there is no app {}", quoted(name)), remedy);
    };
    match plugin {
        Some(Id(plugin)) if *plugin != app.plugin => table.refuse(
            "app",
            format!(
                "app {name} belongs to plugin {}, this channel to {plugin}",
                app.plugin
            ),
            "name an app of the same plugin",
        ),
        _ => Some(()),
    }
}

/// An endpoint's signing secret, checked for its form.
struct EndpointSecret(RotatingSecret);

impl FromConfig for EndpointSecret {
    fn from_config(at: &At<'_>) -> Option<Self> {
        let secret = RotatingSecret::from_config(at)?;
        let usable = |secret: &SecretString| {
            let bytes = secret.expose_secret().strip_prefix("whsec_");
            let bytes = bytes.and_then(|text| STANDARD.decode(text).ok());
            bytes.is_some_and(|bytes| ENDPOINT_SECRET_BYTES.contains(&bytes.len()))
        };
        if secret.all().all(usable) {
            return Some(Self(secret));
        }
        at.refuse(
            "not a signing secret of Standard Webhooks",
            "write whsec_ and the base64 of 24 to 64 random bytes, for example from \
             `echo whsec_$(openssl rand -base64 32)`",
        )
    }
}

/// Types of events by name, such as `message.status`.
struct Events(Vec<String>);

impl FromConfig for Events {
    fn from_config(at: &At<'_>) -> Option<Self> {
        let names = Vec::<String>::from_config(at)?;
        if names.is_empty() {
            return at.refuse(
                "an empty list would deliver nothing",
                "name types of events, or remove the key to get all of them",
            );
        }
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        match names
            .iter()
            .find(|name| !(name.contains('.') && name.split('.').all(word)))
        {
            Some(wrong) => at.refuse(
                format!("{} is not a type of event", quoted(wrong)),
                "write for example \"message.received\"",
            ),
            None => Some(Self(names)),
        }
    }
}

impl FromConfig for KeyHash {
    fn from_config(at: &At<'_>) -> Option<Self> {
        let digits = at.text()?.strip_prefix("sha256:");
        let mut hash = [0; 32];
        match digits.map(|digits| hex::decode_to_slice(digits, &mut hash)) {
            Some(Ok(())) => Some(Self(hash)),
            // Not quoted: it may be the key itself, written here by mistake.
            _ => at.refuse(
                "not the hash of an API key",
                "write sha256: and 64 hex digits, as `wharf key create` prints them",
            ),
        }
    }
}
