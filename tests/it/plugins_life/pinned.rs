//! What began with one version of a plugin goes on with it.

use wharf::plugins::Digest;

use super::stage::{Stage, refusing, understanding};

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
        stage
            .provider
            .arrived
            .load(std::sync::atomic::Ordering::SeqCst),
        1,
        "it is not sent again"
    );
    running.gateway.stop().await;
}
