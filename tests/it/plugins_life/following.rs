//! A running gateway follows its folder: what fits goes into service, what does not changes nothing.

use std::fs;
use std::sync::Arc;

use secrecy::SecretString;
use wharf::plugins::lifecycle::state_file;
use wharf::plugins::lock::{self, FILE_NAME};
use wharf::plugins::{Digest, report};
use wharf_core::{ChannelId, TenantId};
use wharf_store::{Owner, StoreError, routes};
use wharf_test_support::eventually;

use super::component;
use super::stage::{NAME, Stage, refusing, understanding};
use crate::harness::WAIT;
use crate::runtime::guest::{Guest, Input};

#[tokio::test]
async fn versions_change_under_traffic_and_no_message_is_lost() {
    let stage = Stage::new().await;
    let first = stage.install(understanding("1.0.0")).await;
    let second = stage.install(understanding("1.1.0")).await;
    let running = stage.start().await;
    assert_eq!(running.serving(), Some(second));
    let changing = async {
        for round in 0..10 {
            let guard = lock::Guard::take(&stage.plugins()).unwrap();
            let mut lock = guard.read().unwrap();
            wharf::plugins::install::rollback(&mut lock, NAME, None).unwrap();
            guard.write(&lock).unwrap();
            drop(guard);
            running
                .reload_until(if round % 2 == 0 { first } else { second })
                .await;
        }
    };
    let sending = async {
        let mut ids = Vec::new();
        for _ in 0..100 {
            ids.push(running.send().await);
        }
        ids
    };
    let ((), ids) = tokio::join!(changing, sending);
    for id in ids {
        assert_eq!(running.settled(&id).await["status"], "sent");
    }
    // Nothing is open any more, so the next look lets the other version go.
    let drained = async || {
        running.gateway.app().lifecycle.reload();
        running
            .gateway
            .app()
            .plugins
            .retired()
            .is_empty()
            .then_some(())
    };
    eventually(WAIT, drained).await.unwrap();
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_version_that_does_not_fit_is_refused_and_the_old_one_stays() {
    let stage = Stage::new().await;
    let first = stage.install(understanding("1.0.0")).await;
    let running = stage.start().await;
    let mut needy = understanding("2.0.0");
    needy.sender_setting = "number";
    needy.inputs = vec![Input {
        name: "number",
        secret: false,
    }];
    let needy = stage.install(needy).await;
    running.reload_until_refused("takes no such settings").await;
    assert_eq!(running.serving(), Some(first));
    let file = stage.store().path_of(&needy);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, b"something else").unwrap();
    running
        .reload_until_refused("is not what the lock says")
        .await;
    fs::remove_file(&file).unwrap();
    running.reload_until_refused("is gone").await;
    fs::write(&file, bytes).unwrap();
    let path = stage.plugins().join(FILE_NAME);
    let right = fs::read(&path).unwrap();
    fs::write(&path, b"{").unwrap();
    running.reload_until_refused("cannot be understood").await;
    assert_eq!(running.serving(), Some(first));
    fs::write(&path, right).unwrap();
    let id = running.send().await;
    assert_eq!(running.settled(&id).await["status"], "sent");
    let mended = stage.install(understanding("2.0.1")).await;
    running.reload_until(mended).await;
    let quiet = async || running.refused().await.is_empty().then_some(());
    eventually(WAIT, quiet).await.unwrap();
    running.gateway.stop().await;
}

#[tokio::test]
async fn more_than_was_approved_is_not_served_whatever_the_lock_names() {
    let stage = Stage::new().await;
    let first = stage.install(understanding("1.0.0")).await;
    let running = stage.start().await;
    // Somebody puts another digest into the lock, past the command.
    let wide = component("1.0.1", &["extra"]);
    let digest = Digest::of(&wide);
    stage.store().put(&digest, &wide).unwrap();
    let path = stage.plugins().join(FILE_NAME);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(&first.to_string(), &digest.to_string())).unwrap();
    running
        .reload_until_refused("more than was approved (+ secret extra (sent nowhere))")
        .await;
    assert_eq!(running.serving(), Some(first));
    running.gateway.stop().await;
}

#[tokio::test]
async fn what_the_channels_need_stays_until_it_is_replaced() {
    let stage = Stage::new().await;
    let first = stage.install(understanding("1.0.0")).await;
    let running = stage.start().await;
    fs::remove_file(stage.plugins().join(FILE_NAME)).unwrap();
    running
        .reload_until_refused("channel acme/main use it")
        .await;
    assert_eq!(running.serving(), Some(first));
    let id = running.send().await;
    assert_eq!(running.settled(&id).await["status"], "sent");
    running.gateway.stop().await;
}

#[tokio::test]
async fn a_file_put_there_by_hand_is_followed_and_the_report_says_what_serves() {
    let stage = Stage::new().await;
    let file = stage.plugins().join(format!("{NAME}.wasm"));
    fs::write(&file, understanding("1.0.0").build()).unwrap();
    let running = stage.start().await;
    let second = refusing("1.0.1").build();
    fs::write(&file, &second).unwrap();
    running.reload_until(Digest::of(&second)).await;
    let mut other = Guest::new();
    other.id = "com.example.other";
    fs::write(&file, other.build()).unwrap();
    running
        .reload_until_refused("is the plugin dev.wharf.test")
        .await;
    fs::write(&file, b"half a fi").unwrap();
    running.reload_until_refused("not WebAssembly at all").await;
    assert_eq!(running.serving(), Some(Digest::of(&second)));
    let path = state_file(&running.gateway.app().config);
    let written = async || {
        let found = report::read(&path)?;
        let plugin = found
            .report
            .plugins
            .into_iter()
            .find(|it| it.name == NAME)?;
        let refused = plugin
            .refused
            .is_some_and(|it| it.reason.contains("not WebAssembly"));
        let serving = plugin
            .in_service
            .is_some_and(|it| it.digest == Digest::of(&second) && !it.locked);
        (refused && serving && found.live).then_some(())
    };
    eventually(WAIT, written).await.unwrap();
    running.gateway.stop().await;
    assert!(!path.exists(), "it speaks of a gateway that runs");
}

#[tokio::test]
async fn a_gateway_that_watches_needs_no_telling() {
    let stage = Stage::new().await;
    stage.install(understanding("1.0.0")).await;
    let running = stage.start_watching().await;
    let second = stage.install(understanding("1.1.0")).await;
    let swapped = async || (running.serving() == Some(second)).then_some(());
    eventually(WAIT, swapped).await.unwrap();
    running.gateway.stop().await;
}

#[tokio::test]
async fn with_require_lock_a_file_by_hand_is_refused_and_beside_a_lock_it_is_ignored() {
    let stage = Stage::new().await;
    let locked = stage.install(understanding("1.0.0")).await;
    fs::write(
        stage.plugins().join(format!("{NAME}.wasm")),
        component("9.0.0", &[]),
    )
    .unwrap();
    fs::write(stage.plugins().join("other.wasm"), component("1.0.0", &[])).unwrap();
    let running = stage.start_with("require_lock = true").await;
    assert_eq!(running.serving(), Some(locked));
    let refused = running.refused().await.join("\n");
    assert!(refused.contains("the locked version is used"), "{refused}");
    assert!(refused.contains("plugins.require_lock is set"), "{refused}");
    assert!(running.gateway.app().plugins.get("other").is_none());
    running.gateway.stop().await;
    let lax = stage.start().await;
    assert!(lax.gateway.app().plugins.get("other").is_some());
    lax.gateway.stop().await;
}

#[tokio::test]
async fn a_file_whose_name_no_plugin_can_have_is_refused_by_name() {
    let stage = Stage::new().await;
    let serving = stage.install(understanding("1.0.0")).await;
    for name in ["a?b.wasm", "Other.wasm", "a\u{1b}b.wasm"] {
        fs::write(stage.plugins().join(name), component("1.0.0", &[])).unwrap();
    }
    let running = stage.start().await;
    assert_eq!(running.serving(), Some(serving));
    let refused = running.refused().await;
    assert_eq!(refused.len(), 3, "{refused:?}");
    for reason in &refused {
        assert!(
            reason.contains("cannot be a plugin's name") && reason.contains("rename the file"),
            "{reason}"
        );
        assert!(!reason.contains('\u{1b}'), "{reason:?}");
    }
    assert_eq!(running.gateway.app().plugins.all().len(), 1);
    running.gateway.stop().await;
}

#[tokio::test]
async fn the_address_of_a_webhook_to_come_is_known_before_the_version_that_has_it() {
    let stage = Stage::new().await;
    stage.install(understanding("1.0.0")).await;
    let mut config = stage.config("");
    config.http.public_url = Some("https://wharf.example/".parse().unwrap());
    let running = stage.start_as(config).await;
    let app = running.gateway.app();
    let tenant: TenantId = "acme".parse().unwrap();
    let channel: ChannelId = "main".parse().unwrap();
    let owner = Owner::Channel(tenant.clone(), channel.clone());
    // What a swap does before the new version is in service.
    let keeper = Arc::clone(app);
    let written = app.db.write(move |tx| {
        Box::pin(async move {
            for (webhook, plugin) in [("later", NAME), ("stale", "another")] {
                let token = SecretString::from(format!("{webhook}-token"));
                routes::ensure(tx, &keeper.vault, &owner, webhook, plugin, &token, 1).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    written.await.unwrap();
    app.directory.forget_all();
    let found = app
        .directory
        .channel(&tenant, &channel)
        .await
        .unwrap()
        .unwrap();
    let url = found.webhook_urls.get("later").map(String::as_str);
    assert_eq!(url, Some("https://wharf.example/webhooks/test/later-token"));
    assert_eq!(found.webhook_urls.get("stale"), None, "of another plugin");
    assert!(!found.shown_urls.contains_key("later"), "not declared yet");
    running.gateway.stop().await;
}
