//! What began with one version of a plugin goes on with it.

use std::sync::atomic::Ordering;

use serde_json::Value;
use wharf::plugins::Digest;
use wharf::plugins::install::remove;
use wharf::plugins::lock::Guard;

use super::stage::{KEYED, NAME, SAFE, Stage, refusing, understanding, understanding_as};

#[tokio::test]
async fn an_exchange_that_is_out_during_a_swap_is_read_by_the_version_that_sent_it() {
    let stage = Stage::new().await;
    let first = stage.install(understanding("1.0.0")).await;
    let running = stage.start().await;
    stage.provider.hold();
    let id = running.send().await;
    stage.provider.wait_arrived(1).await;
    let second = stage.install(refusing("1.1.0")).await;
    running.reload_until(second).await;
    let retired = running.gateway.app().plugins.retired();
    let retired: Vec<_> = retired
        .iter()
        .map(|it| Digest::from_bytes(*it.digest()))
        .collect();
    assert_eq!(retired, [first], "it is still needed");
    running.gateway.app().lifecycle.reload();
    stage.provider.release();
    assert_eq!(running.settled(&id).await["status"], "sent");
    let later = running.send().await;
    assert_eq!(
        running.settled(&later).await["status"],
        "failed",
        "the new version speaks now"
    );
    running.gateway.stop().await;
}

#[tokio::test]
async fn after_a_restart_the_earlier_version_comes_out_of_the_store() {
    let stage = Stage::new().await;
    stage.install(understanding("1.0.0")).await;
    let running = stage.start().await;
    stage.provider.hold();
    let id = running.send().await;
    stage.provider.wait_arrived(1).await;
    // The process ends while the answer is out.
    running.gateway.stop().await;
    let second = stage.install(refusing("1.1.0")).await;
    stage.provider.release();
    let running = stage.start().await;
    assert_eq!(running.serving(), Some(second));
    assert_eq!(
        running.settled(&id).await["status"],
        "sent",
        "read as the first version reads it"
    );
    running.gateway.stop().await;
}

#[tokio::test]
async fn without_the_earlier_version_the_outcome_is_unknown_and_says_why() {
    let stage = Stage::new().await;
    let first = stage.install(understanding("1.0.0")).await;
    let running = stage.start().await;
    stage.provider.hold();
    let id = running.send().await;
    stage.provider.wait_arrived(1).await;
    running.gateway.stop().await;
    stage.install(refusing("1.1.0")).await;
    stage.store().remove(&first).unwrap();
    stage.provider.release();
    let running = stage.start().await;
    let message = running.settled(&id).await;
    assert_eq!(message["status"], "unknown", "{message:#}");
    let text = message.to_string();
    assert!(
        text.contains("plugin-version-gone") && text.contains(&first.to_string()),
        "{message:#}"
    );
    assert_eq!(
        stage.provider.arrived.load(Ordering::SeqCst),
        1,
        "it is not sent again"
    );
    running.gateway.stop().await;
}

/// What became of a message whose first version is gone, and how many requests arrived.
async fn without_the_first(replay: u8) -> (Value, usize) {
    let stage = Stage::new().await;
    let first = stage.install(understanding_as("1.0.0", replay)).await;
    let running = stage.start().await;
    stage.provider.hold();
    let id = running.send().await;
    stage.provider.wait_arrived(1).await;
    running.gateway.stop().await;
    stage.install(understanding("1.1.0")).await;
    stage.store().remove(&first).unwrap();
    stage.provider.release();
    let running = stage.start().await;
    let message = running.settled(&id).await;
    running.gateway.stop().await;
    (message, stage.provider.arrived.load(Ordering::SeqCst))
}

#[tokio::test]
async fn what_may_be_repeated_is_begun_again_as_an_attempt_of_its_own() {
    let (message, arrived) = without_the_first(SAFE).await;
    assert_eq!(message["status"], "sent", "{message:#}");
    assert_eq!(arrived, 2);
    let text = message.to_string();
    assert!(
        text.contains("\"interrupted\"") && text.contains("plugin-version-gone"),
        "the first attempt ended and says why: {message:#}"
    );
}

#[tokio::test]
async fn a_key_of_the_earlier_version_protects_nothing_the_next_one_sends() {
    let (message, arrived) = without_the_first(KEYED).await;
    assert_eq!(message["status"], "unknown", "{message:#}");
    assert_eq!(arrived, 1, "it is not sent again");
}

#[tokio::test]
async fn another_plugin_under_the_name_never_lends_its_secrets_to_the_earlier_one() {
    let stage = Stage::new().await;
    let first = stage.install(understanding("1.0.0")).await;
    let running = stage.start().await;
    stage.provider.hold();
    let id = running.send().await;
    stage.provider.wait_arrived(1).await;
    running.gateway.stop().await;
    let guard = Guard::take(&stage.plugins()).unwrap();
    let mut lock = guard.read().unwrap();
    remove(&mut lock, NAME).unwrap();
    guard.write(&lock).unwrap();
    drop(guard);
    let mut other = understanding("1.0.0");
    other.id = "dev.wharf.other";
    let second = stage.install(other).await;
    stage.provider.release();
    let running = stage.start().await;
    assert_eq!(running.serving(), Some(second));
    let message = running.settled(&id).await;
    assert_eq!(message["status"], "unknown", "{message:#}");
    let app = running.gateway.app();
    assert!(stage.store().get(&first).is_ok(), "its bytes are there");
    assert!(app.lifecycle.pinned(NAME, &first).await.is_err());
    assert!(app.plugins.retired().is_empty(), "and it is not kept");
    // Even a lock that names it for this name does not make it the same plugin.
    let guard = Guard::take(&stage.plugins()).unwrap();
    let mut lock = guard.read().unwrap();
    let entry = lock.plugins.get_mut(NAME).unwrap();
    let mut earlier = entry.current.clone();
    earlier.digest = first;
    entry.previous.push(wharf::plugins::lock::Previous {
        version: earlier,
        approved: entry.approved.clone(),
    });
    guard.write(&lock).unwrap();
    drop(guard);
    let gone = app.lifecycle.pinned(NAME, &first).await.err().unwrap();
    assert!(gone.to_string().contains("another one now"), "{gone}");
    assert!(app.plugins.retired().is_empty());
    running.gateway.stop().await;
}
