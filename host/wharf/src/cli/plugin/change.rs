//! `wharf plugin approve`, `reject`, `remove` and `rollback`: changes of the lock alone.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::super::print;
use super::{Context, Outcome, show, wait};
use crate::plugins::install;
use crate::plugins::lock::{Guard, Lock, Version};
use crate::sync;

#[derive(Args)]
pub(in crate::cli) struct Approve {
    name: String,
    /// What `list` or `inspect` showed, or its first six digits: approves that and nothing newer
    digest: Option<String>,
    #[command(flatten)]
    pub(super) outcome: Outcome,
}

#[derive(Args)]
pub(in crate::cli) struct Reject {
    name: String,
    /// What `list` or `inspect` showed, or its first six digits: rejects that and nothing newer
    digest: Option<String>,
    /// One JSON object instead of sentences
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(in crate::cli) struct Remove {
    name: String,
    #[command(flatten)]
    pub(super) outcome: Outcome,
}

#[derive(Args)]
pub(in crate::cli) struct Rollback {
    name: String,
    /// An earlier version's digest, or its first six digits; without it the one before
    digest: Option<String>,
    #[command(flatten)]
    pub(super) outcome: Outcome,
}

pub(super) fn approve(options: &Approve, context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let name = &options.name;
    let (guard, mut lock) = open(context)?;
    let before = lock.plugins.get(name).cloned();
    let version = install::approve(&mut lock, name, options.digest.as_deref(), context.actor())?;
    context.folder().get(&version.digest)?;
    guard.write(&lock)?;
    drop(guard);
    let asked = &lock.plugins[name].approved.permissions;
    let more = before
        .as_ref()
        .map(|it| asked.beyond(&it.approved.permissions));
    let more = more.unwrap_or_default();
    if options.outcome.json {
        print_json(
            name,
            "approved",
            &version,
            &json!({ "new_permissions": more, "by": context.by }),
        );
    } else {
        print(&format!(
            "{name} {} is approved ({}). New is:",
            version.version, version.digest
        ));
        print(&show::permissions(&more));
    }
    wait::until_served(&options.outcome, context, name, &version.digest)?;
    Ok(ExitCode::SUCCESS)
}

/// Nothing that serves changes, so there is nothing to wait for.
pub(super) fn reject(options: &Reject, context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let name = &options.name;
    let (guard, mut lock) = open(context)?;
    let version = install::reject(&mut lock, name, options.digest.as_deref())?;
    guard.write(&lock)?;
    drop(guard);
    let stays = &lock.plugins[name].current;
    if options.json {
        print_json(
            name,
            "rejected",
            &version,
            &json!({ "stays": stays.version }),
        );
    } else {
        print(&format!(
            "{name} {} ({}) waits no more; {} stays in service",
            version.version, version.digest, stays.version
        ));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn rollback(options: &Rollback, context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let name = &options.name;
    let (guard, mut lock) = open(context)?;
    let left = lock.plugins.get(name).map(|entry| entry.current.clone());
    let version = install::rollback(&mut lock, name, options.digest.as_deref())?;
    // Before the lock names it: the component must still be there and unharmed.
    context.folder().get(&version.digest)?;
    guard.write(&lock)?;
    drop(guard);
    let left = left.map(|left| left.version).unwrap_or_default();
    if options.outcome.json {
        print_json(name, "rolled-back", &version, &json!({ "left": left }));
    } else {
        print(&format!(
            "{name} goes back from {left} to {} ({})",
            version.version, version.digest
        ));
    }
    wait::until_served(&options.outcome, context, name, &version.digest)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn remove(options: &Remove, context: &Context<'_>) -> anyhow::Result<ExitCode> {
    let name = &options.name;
    let (guard, mut lock) = open(context)?;
    let file = context.config.plugins.dir.join(format!("{name}.wasm"));
    if !lock.plugins.contains_key(name) && file.exists() {
        anyhow::bail!(
            "{name} is a file that was put there by hand; delete {}",
            file.display()
        );
    }
    let users = sync::users_of(&context.config, name);
    anyhow::ensure!(
        users.is_empty(),
        "{name} is in use by {}; take it out of the configuration and restart the gateway first",
        users.join(", ")
    );
    let entry = install::remove(&mut lock, name)?;
    anyhow::ensure!(
        !file.exists(),
        "{} would take its place; delete it first",
        file.display()
    );
    guard.write(&lock)?;
    drop(guard);
    if options.outcome.json {
        print_json(name, "removed", &entry.current, &json!({}));
    } else {
        print(&format!("{name} {} is removed", entry.current.version));
    }
    wait::until_gone(&options.outcome, context, name)?;
    Ok(ExitCode::SUCCESS)
}

fn open(context: &Context<'_>) -> anyhow::Result<(Guard, Lock)> {
    let guard = Guard::take(context.folder().dir())?;
    let lock = guard.read()?;
    Ok((guard, lock))
}

fn print_json(name: &str, result: &str, version: &Version, more: &Value) {
    let mut line = json!({
        "name": name, "result": result, "version": version.version, "digest": version.digest,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        line[key] = value.clone();
    }
    print(&line.to_string());
}
