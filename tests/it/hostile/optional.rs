//! A crash in each function of each optional interface: the call's own, named by its function.

use wharf_core::provider::{
    MediaRequest, Outcome, ProfileRequest, TemplatesRequest, TransportFailure,
};
use wharf_hostile::Guest;
use wharf_runtime::{CallError, FaultKind, Plugin, Runtime};

use crate::runtime::{config, context, message};

const INTERFACES: [&str; 6] = [
    "media",
    "onboarding",
    "templates",
    "health",
    "reconcile",
    "profile",
];
const FUNCTIONS: [&str; 15] = [
    "media.start",
    "media.resume",
    "templates.start",
    "templates.resume",
    "health.start",
    "health.resume",
    "profile.start",
    "profile.resume",
    "reconcile.start",
    "reconcile.resume",
    "reconcile.catch-up",
    "reconcile.catch-up-resume",
    "onboarding.start",
    "onboarding.resume",
    "onboarding.answer",
];
const LOST: Outcome = Outcome::Failed(TransportFailure::Reset);

/// Exports everything; one function crashes.
fn crashing_in(function: &str) -> Vec<u8> {
    let mut guest = Guest::new();
    guest.exports.extend(INTERFACES);
    guest.body(function, "unreachable").build()
}

async fn call(plugin: &Plugin, function: &str) -> Result<(), CallError> {
    let (context, message) = (context(), message());
    let (context, state) = (&context, b"state".as_slice());
    let media = MediaRequest::Fetch("m".to_owned());
    let templates = TemplatesRequest::List;
    let profile = ProfileRequest::Get;
    match function {
        "media.start" => drop(plugin.media_start(context, &media).await?),
        "media.resume" => drop(plugin.media_resume(context, &media, state, &LOST).await?),
        "templates.start" => drop(plugin.templates_start(context, &templates).await?),
        "templates.resume" => {
            drop(
                plugin
                    .templates_resume(context, &templates, state, &LOST)
                    .await?,
            );
        }
        "health.start" => drop(plugin.health_start(context).await?),
        "health.resume" => drop(plugin.health_resume(context, state, &LOST).await?),
        "profile.start" => drop(plugin.profile_start(context, &profile).await?),
        "profile.resume" => drop(
            plugin
                .profile_resume(context, &profile, state, &LOST)
                .await?,
        ),
        "reconcile.start" => drop(plugin.reconcile_start(context, &message, 1).await?),
        "reconcile.resume" => {
            drop(
                plugin
                    .reconcile_resume(context, &message, 1, state, &LOST)
                    .await?,
            );
        }
        "reconcile.catch-up" => drop(plugin.catch_up(context, 1).await?),
        "reconcile.catch-up-resume" => {
            drop(plugin.catch_up_resume(context, 1, state, &LOST).await?);
        }
        "onboarding.start" => drop(plugin.onboarding_start(context, "f", &[]).await?),
        "onboarding.resume" => {
            drop(plugin.onboarding_resume(context, "f", state, &LOST).await?);
        }
        _ => drop(plugin.onboarding_answer(context, "f", state, &[]).await?),
    }
    Ok(())
}

#[tokio::test]
async fn a_crash_in_an_optional_function_is_that_calls_own() {
    let runtime = Runtime::new(config()).unwrap();
    for crashing in FUNCTIONS {
        let plugin = runtime
            .load("crashing", crashing_in(crashing))
            .await
            .unwrap();
        let end = call(&plugin, crashing).await;
        let Err(CallError::Fault { origin, kind, .. }) = end else {
            panic!("{crashing} ended with {end:?}");
        };
        assert_eq!((origin.export, kind), (crashing, FaultKind::Unreachable));
        // The next call is on an instance of its own, and sending is none the worse for it.
        plugin.start(&context(), &message()).await.unwrap();
        for other in FUNCTIONS.into_iter().filter(|other| *other != crashing) {
            let end = call(&plugin, other).await;
            let crashed = matches!(end, Err(CallError::Fault { .. }));
            assert!(!crashed, "{other} after {crashing}: {end:?}");
        }
    }
}
