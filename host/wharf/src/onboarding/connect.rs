//! What a finished flow produced becomes real: channels, their secrets and their webhooks' addresses.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Value, json};
use wharf_config::Config;
use wharf_core::ChannelId;
use wharf_core::provider::{Connected, Descriptor, Finding, FindingVerdict, InputKind, Level};
use wharf_store::channels::{self, ChannelRow, MadeBy};
use wharf_store::onboarding::SessionKey;
use wharf_store::{Origin, Owner, StoreError, Tx, Vault, credentials, routes};

use super::begin::is_taken;
use super::remove::release_routes;
use super::route_owner;
use crate::exchange::Learned;
use crate::flows::onboarding::Onboarded;
use crate::sync;

/// Names tried for one channel before the database is not to be believed.
const NAMES_MAX: u32 = 1_000;
/// As a `ChannelId` has at most.
const NAME_CHARS_MAX: usize = 63;
/// Kept for a number behind a name that was taken.
const NAME_STEM_CHARS_MAX: usize = 58;

/// For which session, with what.
pub(super) struct Connecting {
    pub(super) config: Arc<Config>,
    pub(super) vault: Vault,
    pub(super) descriptor: Arc<Descriptor>,
    pub(super) key: SessionKey,
    pub(super) now: i64,
}

/// What was kept, and what is to be said of it.
#[derive(Default)]
pub(super) struct Made {
    pub(super) channels: Vec<Value>,
    pub(super) findings: Vec<Finding>,
}

/// Makes the flow's channels. One that cannot be made is left out with its reason; the others stay.
pub(super) async fn connect(
    tx: &mut Tx,
    cx: &Connecting,
    onboarded: &Onboarded,
) -> Result<Made, StoreError> {
    let mut made = Made::default();
    let mut has_routes = true;
    for connected in &onboarded.finished.channels {
        let settings = settings_of(cx, onboarded, connected);
        let secrets = secrets_of(&onboarded.secrets, &connected.slot);
        if let Some(finding) = incomplete(cx, connected, &settings, &secrets) {
            made.findings.push(finding);
            continue;
        }
        let id = match place(tx, cx, connected).await? {
            Ok(id) => id,
            Err(finding) => {
                made.findings.push(finding);
                continue;
            }
        };
        let row = row_of(cx, id, connected, settings);
        keep(tx, cx, &row, &secrets).await?;
        let leads = std::mem::take(&mut has_routes);
        if leads {
            // The provider was told these, for all numbers of the session.
            let owner = Owner::Channel(row.tenant.clone(), row.id.clone());
            release_routes(tx, &cx.vault, &row.tenant, &row.id).await?;
            routes::hand_over(tx, &cx.vault, &route_owner(&cx.key), &owner).await?;
        }
        let by = MadeBy {
            session: cx.key.id,
            title: connected.title.clone(),
            leads,
        };
        channels::note_session(tx, &row.tenant, &row.id, &by).await?;
        made.channels.push(json!({
            "id": row.id, "sender": row.sender, "title": connected.title,
        }));
    }
    Ok(made)
}

/// What a flow that mends brought for its channel. Secrets stand before those of a file, as what an exchange
/// captures does; settings of a file are the file's.
pub(super) async fn mend(
    tx: &mut Tx,
    cx: &Connecting,
    onboarded: &Onboarded,
) -> Result<Made, StoreError> {
    let (key, mut made) = (&cx.key, Made::default());
    let Some(id) = &key.channel else {
        return Ok(made);
    };
    let Some(mut row) = channels::get(tx, &key.tenant, id).await? else {
        return Ok(made);
    };
    let owner = Owner::Channel(key.tenant.clone(), id.clone());
    for (name, learned) in &onboarded.secrets {
        let (vault, now) = (&cx.vault, cx.now);
        let (name, _) = name.split_once('/').unwrap_or((name, ""));
        let ends = learned.expires_at;
        credentials::capture(tx, vault, &owner, name, &learned.value, now, ends).await?;
    }
    let declared = |name: &str| {
        let input = cx.descriptor.input(name);
        input.is_some_and(|it| it.level != Level::App && it.kind != InputKind::Secret)
    };
    let brought = onboarded.finished.settings.iter();
    let new: Vec<_> = brought
        .filter(|(name, value)| declared(name) && row.settings.get(name) != Some(value))
        .cloned()
        .collect();
    if !new.is_empty() && row.origin == Origin::Api {
        row.settings.extend(new);
        sync::provision(tx, &cx.vault, &cx.descriptor, &row, cx.now).await?;
    } else if !new.is_empty() {
        let names: Vec<_> = new.iter().map(|(name, _)| name.as_str()).collect();
        made.findings.push(finding(
            FindingVerdict::Warning,
            "The channel's file was not changed",
            format!("The flow would change {}.", names.join(", ")),
            "Write these settings into the channel's file.",
        ));
    }
    made.channels
        .push(json!({ "id": id, "sender": row.sender }));
    Ok(made)
}

/// The settings of one channel: of the account, of the flow, its own. An app's are the app's.
fn settings_of(
    cx: &Connecting,
    onboarded: &Onboarded,
    connected: &Connected,
) -> BTreeMap<String, String> {
    let has_app = cx.key.app.is_some();
    let all = onboarded.settings.iter();
    let all = all.chain(&onboarded.finished.settings);
    let mut settings: BTreeMap<_, _> = all
        .chain(&connected.settings)
        .filter(|(name, _)| {
            let input = cx.descriptor.input(name);
            input.is_some_and(|input| {
                input.kind != InputKind::Secret && !(has_app && input.level == Level::App)
            })
        })
        .cloned()
        .collect();
    settings.insert(
        cx.descriptor.sender_setting.clone(),
        connected.sender.clone(),
    );
    settings
}

/// The secrets of one channel, its own over those of the whole flow.
fn secrets_of<'a>(all: &'a [(String, Learned)], slot: &str) -> BTreeMap<&'a str, &'a SecretString> {
    let whole = all.iter().filter(|(name, _)| !name.contains('/'));
    let mut secrets: BTreeMap<_, _> = whole
        .map(|(name, learned)| (name.as_str(), &learned.value))
        .collect();
    for (name, learned) in all {
        if let Some((name, of)) = name.split_once('/')
            && of == slot
        {
            secrets.insert(name, &learned.value);
        }
    }
    secrets
}

/// What the channel could not live without.
fn incomplete(
    cx: &Connecting,
    connected: &Connected,
    settings: &BTreeMap<String, String>,
    secrets: &BTreeMap<&str, &SecretString>,
) -> Option<Finding> {
    let has_app = cx.key.app.is_some();
    let inputs = cx.descriptor.inputs.iter();
    let missing: Vec<_> = inputs
        .filter(|input| input.required && !(has_app && input.level == Level::App))
        .filter(|input| match input.kind {
            InputKind::Secret => !secrets.contains_key(input.name.as_str()),
            _ => !settings.contains_key(&input.name),
        })
        .map(|input| input.title.as_str())
        .collect();
    (!missing.is_empty()).then(|| {
        finding(
            FindingVerdict::Failed,
            "The channel was not made",
            format!("{} lacks: {}.", connected.title, missing.join(", ")),
            "Begin the flow again and give what is missing with its inputs, or choose another flow.",
        )
    })
}

/// The channel's name, or why there can be none. Who else has the number is told to nobody.
async fn place(
    tx: &mut Tx,
    cx: &Connecting,
    connected: &Connected,
) -> Result<Result<ChannelId, Finding>, StoreError> {
    let key = &cx.key;
    let holders = channels::by_sender(tx, &key.plugin, &connected.sender).await?;
    if let Some(own) = holders.iter().find(|row| row.tenant == key.tenant) {
        return Ok(match own.origin {
            Origin::Api => Ok(own.id.clone()),
            Origin::File => Err(finding(
                FindingVerdict::Failed,
                "The number is a channel already",
                format!(
                    "{} is channel {}, which stands in {}.",
                    connected.title,
                    own.id,
                    file_of(&cx.config, &key.tenant, &own.id)
                ),
                "Use that channel, or remove it from the file and begin the flow again.",
            )),
        });
    }
    // Webhooks of an app find their channel by the number alone.
    if key.app.is_some() && holders.iter().any(|row| row.app_id == key.app) {
        return Ok(Err(finding(
            FindingVerdict::Failed,
            "The number is connected elsewhere",
            format!(
                "{} belongs to another customer of this gateway.",
                connected.title
            ),
            "Have it disconnected there first, or ask the operator.",
        )));
    }
    name_for(tx, cx, connected).await.map(Ok)
}

/// The name that was wished for, else one made of plugin and number; with a count where it is taken.
async fn name_for(
    tx: &mut Tx,
    cx: &Connecting,
    connected: &Connected,
) -> Result<ChannelId, StoreError> {
    let key = &cx.key;
    let made = || {
        let plain = connected.sender.chars().filter(char::is_ascii_alphanumeric);
        let sender: String = plain.map(|c| c.to_ascii_lowercase()).collect();
        let name = format!("{}-{sender}", key.plugin);
        name.chars().take(NAME_CHARS_MAX).collect::<String>()
    };
    let wished = key.channel.as_ref().map(ChannelId::to_string);
    let stem = wished.unwrap_or_else(made);
    for count in 1..=NAMES_MAX {
        let name = match count {
            1 => stem.clone(),
            _ => {
                let short: String = stem.chars().take(NAME_STEM_CHARS_MAX).collect();
                format!("{short}-{count}")
            }
        };
        let id: ChannelId = name
            .parse()
            .map_err(|error: wharf_core::IdError| StoreError::Refused(error.to_string()))?;
        if !is_taken(tx, &key.tenant, &id).await? {
            return Ok(id);
        }
    }
    Err(StoreError::Refused(format!(
        "{NAMES_MAX} channels are named {stem}"
    )))
}

fn row_of(
    cx: &Connecting,
    id: ChannelId,
    connected: &Connected,
    settings: BTreeMap<String, String>,
) -> ChannelRow {
    let account = cx.descriptor.account_setting.as_ref();
    ChannelRow {
        tenant: cx.key.tenant.clone(),
        id,
        plugin: cx.key.plugin.clone(),
        app_id: cx.key.app.clone(),
        sender: connected.sender.clone(),
        account: account.and_then(|name| settings.get(name)).cloned(),
        settings,
        per_second: sync::declared_rate(&cx.descriptor),
        origin: Origin::Api,
        created_at: cx.now,
    }
}

/// The channel with its secrets, as a file's. A person's new word ends what exchanges captured before.
async fn keep(
    tx: &mut Tx,
    cx: &Connecting,
    row: &ChannelRow,
    secrets: &BTreeMap<&str, &SecretString>,
) -> Result<(), StoreError> {
    sync::provision(tx, &cx.vault, &cx.descriptor, row, cx.now).await?;
    let owner = Owner::Channel(row.tenant.clone(), row.id.clone());
    let shared = sync::shared_owners(row);
    let mut kept = Vec::new();
    for (name, value) in secrets {
        let of_app = |level| level == Level::App && row.app_id.is_some();
        let input = cx.descriptor.input(name);
        if input.is_none_or(|input| of_app(input.level)) {
            continue;
        }
        for owner in std::iter::once(&owner).chain(&shared) {
            credentials::forget_captured(tx, owner, name).await?;
        }
        credentials::put(tx, &cx.vault, &owner, name, 0, value, cx.now).await?;
        kept.push((*name, 0));
    }
    credentials::delete_except(tx, &owner, &kept)
        .await
        .map(drop)
}

/// The file that a channel stands in, with its line.
pub(super) fn file_of(config: &Config, tenant: &wharf_core::TenantId, id: &ChannelId) -> String {
    let of_tenant = config.tenants.get(tenant.as_str());
    let channel = of_tenant.and_then(|tenant| tenant.channels.get(id.as_str()));
    match channel {
        Some(channel) => channel.origin.to_string(),
        None => "a configuration file".to_owned(),
    }
}

/// A finding of the gateway's own, of no step.
fn finding(
    verdict: FindingVerdict,
    title: &str,
    detail: impl Into<String>,
    remedy: &str,
) -> Finding {
    Finding {
        step: String::new(),
        verdict,
        title: title.to_owned(),
        detail: detail.into(),
        remedy: Some(remedy.to_owned()),
    }
}
