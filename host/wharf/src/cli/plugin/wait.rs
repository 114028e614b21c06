//! Waiting until the running gateway has followed a change, for scripts and for whoever wants to know.

use std::time::{Duration, Instant};

use anyhow::bail;

use super::super::tell;
use super::{Context, Outcome};
use crate::plugins::Digest;
use crate::plugins::lifecycle::state_file;
use crate::plugins::report::{self, PluginReport};

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Until this digest serves under the name.
pub(super) fn until_served(
    outcome: &Outcome,
    context: &Context<'_>,
    name: &str,
    digest: &Digest,
) -> anyhow::Result<()> {
    until(outcome, context, |plugins| {
        let Some(plugin) = plugins.iter().find(|plugin| plugin.name == name) else {
            return Ok(false);
        };
        let refused = plugin
            .refused
            .as_ref()
            .filter(|it| it.digest == Some(*digest));
        if let Some(refused) = refused {
            bail!("the gateway refused {name}: {}", refused.reason);
        }
        Ok(plugin
            .in_service
            .as_ref()
            .is_some_and(|it| it.digest == *digest))
    })
}

/// Until nothing serves under the name.
pub(super) fn until_gone(
    outcome: &Outcome,
    context: &Context<'_>,
    name: &str,
) -> anyhow::Result<()> {
    until(outcome, context, |plugins| {
        let found = plugins.iter().find(|plugin| plugin.name == name);
        let Some(plugin) = found.filter(|plugin| plugin.in_service.is_some()) else {
            return Ok(true);
        };
        match &plugin.refused {
            Some(refused) if refused.digest.is_none() => {
                bail!("the gateway keeps {name}: {}", refused.reason)
            }
            _ => Ok(false),
        }
    })
}

fn until(
    outcome: &Outcome,
    context: &Context<'_>,
    done: impl Fn(&[PluginReport]) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let path = state_file(&context.config);
    let (wait, began) = (Duration::from_secs(outcome.wait), Instant::now());
    if wait.is_zero() {
        hint(outcome, context, &path);
        return Ok(());
    }
    loop {
        match report::read(&path).filter(|found| found.live) {
            Some(found) if done(&found.report.plugins)? => return Ok(()),
            found if began.elapsed() >= wait => match found {
                Some(_) => bail!(
                    "the gateway did not follow within {} s; `wharf plugin list` shows what it says",
                    outcome.wait
                ),
                None => bail!(
                    "no gateway runs that writes {} (plugins.state_file); the change is made and takes effect at its start",
                    path.display()
                ),
            },
            _ => std::thread::sleep(LOOK_EVERY),
        }
    }
}

fn hint(outcome: &Outcome, context: &Context<'_>, path: &std::path::Path) {
    let live = report::read(path).filter(|found| found.live);
    if let Some(found) = live.filter(|_| !outcome.json) {
        let watch_ms = context.config.plugins.watch_ms;
        let pid = found.report.pid;
        tell(&match watch_ms {
            0 => format!("the running gateway follows after `kill -HUP {pid}`"),
            _ => format!(
                "the running gateway follows within {watch_ms} ms; `kill -HUP {pid}` hurries it"
            ),
        });
    }
}
