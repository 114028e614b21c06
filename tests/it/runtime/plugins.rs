//! The plugins that ship with the gateway, as components, under the limits of service.

use std::path::PathBuf;
use std::sync::Arc;

use wharf_core::provider::{Body, HttpMethod, HttpResponse, Outcome, Piece, Progress, Replay};
use wharf_runtime::{Plugin, Runtime, RuntimeConfig};

use super::{context, message, webhook};

/// `cargo xtask test` builds the plugins and says where they are. Without it this is skipped loudly,
/// and with `CI=true` it fails.
#[expect(
    clippy::disallowed_methods,
    reason = "the build tells the tests, not the gateway, where it put the plugins"
)]
async fn shipped(name: &str) -> Option<Arc<Plugin>> {
    let Some(dist) = std::env::var_os("WHARF_PLUGINS_DIST") else {
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "WHARF_PLUGINS_DIST is not set; run the tests by `cargo xtask test`"
        );
        eprintln!(
            "SKIPPED: WHARF_PLUGINS_DIST is not set, {name} is not tested; run `cargo xtask test`"
        );
        return None;
    };
    let path = PathBuf::from(dist).join(format!("{name}.wasm"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let runtime = Runtime::new(RuntimeConfig::default()).unwrap();
    Some(runtime.load(name, bytes).await.unwrap())
}

#[tokio::test]
async fn graph_turns_a_text_into_one_exchange_and_its_answer_into_the_end() {
    let Some(plugin) = shipped("graph").await else {
        return;
    };
    let progress = plugin.start(&context(), &message()).await.unwrap();
    let Progress::Exchange(exchange) = progress else {
        panic!("expected an exchange, got {progress:?}");
    };
    let request = &exchange.request;
    assert_eq!(request.method, HttpMethod::Post);
    assert!(
        request.url.starts_with("https://graph.facebook.com/")
            && request.url.ends_with("/106540352242922/messages"),
        "{}",
        request.url
    );
    assert_eq!(exchange.replay, Replay::Unsafe);
    let bearer = request
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("authorization"))
        .expect("an authorization header");
    assert!(
        bearer
            .value
            .contains(&Piece::Secret("access_token".to_owned()))
    );
    let Body::Json(json) = &request.body else {
        panic!("expected JSON, got {:?}", request.body);
    };
    let document: serde_json::Value = serde_json::from_str(&json.document).unwrap();
    assert_eq!(document["text"]["body"], "Hello");
    assert_eq!(document["to"], "+4915112345678");

    let answer = Outcome::Response(HttpResponse {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: br#"{"messaging_product":"whatsapp","contacts":[{"input":"4915112345678","wa_id":"4915112345678"}],"messages":[{"id":"wamid.test"}]}"#.to_vec(),
    });
    let progress = plugin
        .resume(&context(), &message(), &exchange.state, &answer)
        .await
        .unwrap();
    let Progress::Done(accepted) = progress else {
        panic!("expected the end, got {progress:?}");
    };
    assert_eq!(accepted.provider_message_id.as_deref(), Some("wamid.test"));
}

#[tokio::test]
async fn graph_reads_any_body_without_crashing() {
    let Some(plugin) = shipped("graph").await else {
        return;
    };
    let deep = "[".repeat(100_000);
    for body in ["", "{}", "null", "{\"entry\":[{}]}", "\u{0}", &deep] {
        // An error of its own is an answer; a crash or a limit is not.
        let result = plugin.parse(&context(), &webhook(body.as_bytes()), 0).await;
        if let Err(error) = result {
            assert!(!error.is_plugin_fault(), "{error}");
        }
    }
}

#[tokio::test]
async fn the_sandbox_is_admitted_and_describes_itself() {
    let Some(plugin) = shipped("sandbox").await else {
        return;
    };
    assert_eq!(plugin.descriptor().id, "dev.wharf.sandbox");
    let progress = plugin.start(&context(), &message()).await.unwrap();
    assert!(matches!(progress, Progress::Exchange(_)), "{progress:?}");
}
