//! `wharf dev` beside somebody else's providers.

use serde_json::{Value, json};
use wharf_test_support::{eventually, free_port};

use super::program::{Program, Serving};
use crate::harness::WAIT;

/// A program with a folder of files to be added.
fn with_more() -> Option<Program> {
    let program = Program::new()?;
    std::fs::create_dir(program.path("more")).unwrap();
    program.write("more/wharf.toml", "[send]\nattempts_max = 3\n");
    program.write(
        "more/tenant.toml",
        "[channels.second]\nplugin = \"sandbox\"\nsettings = { sender = \"second\" }\nsecrets = { sandbox_key = \"k\" }\n",
    );
    Some(program)
}

#[tokio::test]
async fn channels_that_are_added_are_served_and_told_to_who_added_them() {
    let Some(program) = with_more() else { return };
    let port = free_port().unwrap();
    let serving = Serving::start(program.dev(port, "more"));
    let file = program.path("more/ready.json");
    let ready = eventually(WAIT, || async { std::fs::read_to_string(&file).ok() });
    let ready: Value = serde_json::from_str(&ready.await.unwrap()).unwrap();
    assert_eq!(ready["url"], format!("http://127.0.0.1:{port}"));
    let channels = ready["channels"].as_array().unwrap();
    let names: Vec<_> = channels.iter().map(|it| it["id"].clone()).collect();
    assert_eq!(json!(names), json!(["sandbox", "second"]));
    for channel in channels {
        let url = channel["webhook_urls"]["main"].as_str().unwrap();
        let wanted = format!("http://127.0.0.1:{port}/webhooks/sandbox/");
        assert!(url.starts_with(&wanted), "{url}");
    }
    let key = ready["key"].as_str().unwrap();
    assert_eq!(serving.status("/v1/channels", key).await, 200);
    assert_eq!(serving.status("/v1/channels", "wk_wrong").await, 401);
    assert_eq!(serving.stop(), 0);
}

#[test]
fn a_folder_that_is_not_whole_starts_nothing_and_is_named() {
    let Some(program) = with_more() else { return };
    std::fs::remove_file(program.path("more/tenant.toml")).unwrap();
    let output = program.dev(1, "more").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("tenant.toml"), "{said}");

    program.write("more/tenant.toml", "[channels.sandbox\n");
    let output = program.dev(1, "more").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_ne!(output.status.code(), Some(0), "{said}");
    assert!(!program.path("more/ready.json").exists());
}
