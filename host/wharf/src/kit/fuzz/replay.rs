//! A finding in a file: the function and its arguments in the names of the interface, and how it is made again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::complete::{self, Places};
use super::input::{FUNCTIONS, Seed, Told};
use super::judge::{self, Answer, Fault, PAGES_MAX};
use super::report::Report;
use super::tally::Finding;
use crate::kit::subject::Component;

/// Hex digits of the input's digest in the file's name.
const DIGEST_CHARS: usize = 12;

/// Writes one finding into a folder and says where.
///
/// # Errors
/// When the file cannot be written.
pub fn write(report: &Report, finding: &Finding, folder: &Path) -> anyhow::Result<PathBuf> {
    let arguments = Value::from(finding.arguments.clone());
    let digest = hex::encode(Sha256::digest(arguments.to_string().as_bytes()));
    let name = format!(
        "fuzz-{}-{}-{}.json",
        report.plugin,
        finding.fault.as_str(),
        &digest[..DIGEST_CHARS]
    );
    let file = folder.join(name);
    let content = json!({
        "plugin": report.plugin,
        "version": report.version,
        "digest": report.digest,
        "fault": finding.fault.as_str(),
        "detail": finding.detail,
        "case": finding.case,
        "replay": format!("wharf plugin fuzz {}.wasm --replay {}", report.plugin, file.display()),
        "places": report.places,
        "function": finding.function,
        "arguments": arguments,
    });
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    std::fs::write(&file, format!("{content:#}\n"))
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// What came of a finding this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    pub function: &'static str,
    /// `None`: it is mended.
    pub fault: Option<Fault>,
    /// What is wrong, or what came back.
    pub said: String,
}

/// Makes the call of a finding again.
///
/// # Errors
/// When the file is none that [`write()`] wrote.
pub fn replay(component: &Component, file: &Path) -> anyhow::Result<Replayed> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let content: Value = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no file of a finding", file.display()))?;
    let name = content["function"].as_str().unwrap_or_default();
    let function = FUNCTIONS.into_iter().find(|known| *known == name);
    let (Some(function), Value::Array(arguments)) = (function, &content["arguments"]) else {
        anyhow::bail!(
            "{} is no file of a finding: it needs `function`, one of {}, and a list of `arguments`",
            file.display(),
            FUNCTIONS.join(", ")
        );
    };
    let seed = Seed::of("", function, arguments)
        .map_err(|problem| anyhow::anyhow!("{}: {problem}", file.display()))?;
    let interface = function.split('.').next().unwrap_or_default();
    let has = ["inbound", "outbound"].contains(&interface)
        || component
            .plugin()
            .interfaces()
            .iter()
            .any(|it| it.as_str() == interface);
    ensure!(has, "the plugin has no interface {interface}");
    let places = content["places"].as_array().into_iter().flatten();
    let places = places.filter_map(Value::as_str).map(str::to_owned);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (fault, said) = runtime.block_on(again(component, &seed, &Places::given(places)))?;
    Ok(Replayed {
        function,
        fault,
        said,
    })
}

async fn again(
    component: &Component,
    seed: &Seed,
    places: &Places,
) -> anyhow::Result<(Option<Fault>, String)> {
    let plugin = component.plugin();
    let first = judge::call(plugin, seed, &seed.told).await?.result;
    let second = judge::call(plugin, seed, &seed.told).await?.result;
    if format!("{first:?}") != format!("{second:?}") {
        let said = format!("the same call gave {first:?}, then {second:?}");
        return Ok((Some(Fault::Unequal), said));
    }
    let answer = match first {
        Ok(answer) => answer,
        Err(error) => return Ok((Fault::of(&error), error.to_string())),
    };
    let said = format!("{answer:?}");
    let Answer::Parsed(_) = answer else {
        return Ok((None, said));
    };
    let wrong = webhook(component, seed, places).await?;
    Ok(match wrong {
        Some((fault, why)) => (Some(fault), why),
        None => (None, said),
    })
}

/// What is wrong with the items of all pages.
async fn webhook(
    component: &Component,
    seed: &Seed,
    places: &Places,
) -> anyhow::Result<Option<(Fault, String)>> {
    let Told::Webhook { webhook, skip } = &seed.told else {
        return Ok(None);
    };
    let (mut skip, is_whole) = (*skip, *skip == 0);
    let (mut pointers, mut items) = (BTreeSet::new(), 0);
    for _ in 0..PAGES_MAX {
        let told = Told::Webhook {
            webhook: webhook.clone(),
            skip,
        };
        let parsed = match judge::call(component.plugin(), seed, &told).await?.result {
            Ok(Answer::Parsed(parsed)) => parsed,
            Ok(_) => return Ok(None),
            Err(error) => return Ok(Fault::of(&error).map(|fault| (fault, error.to_string()))),
        };
        items += parsed.items.len();
        pointers.extend(parsed.items.into_iter().filter_map(|item| item.pointer));
        match parsed.next {
            Some(next) => skip = next,
            None if !is_whole => return Ok(None),
            None => {
                let verdict = complete::verdict(places, &webhook.body, items, &pointers);
                return Ok(verdict.problem.map(|problem| (Fault::Dropped, problem)));
            }
        }
    }
    Ok(Some((
        Fault::Endless,
        format!("its `next` asks for more than {PAGES_MAX} pages"),
    )))
}
