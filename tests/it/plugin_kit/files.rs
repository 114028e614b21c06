//! Looking at component files.

use serde_json::Value;

use super::Kit;

#[tokio::test]
async fn a_component_is_checked_and_its_permissions_are_listed() {
    let Some(kit) = Kit::new() else { return };
    let checked = kit.run(&["check", &kit.component("graph")]);
    assert_eq!(checked.code, 0, "{checked:?}");
    for part in [
        "wharf:provider/outbound@1.0.0",
        "call POST on https://graph.facebook.com",
        "send the secret `access_token` to graph.facebook.com",
        "verified by mac",
        "sha256:",
    ] {
        assert!(
            checked.stdout.contains(part),
            "{part} is missing in: {}",
            checked.stdout
        );
    }
    assert!(!checked.stdout.contains("problems"), "{checked:?}");
}

#[tokio::test]
async fn an_interface_that_is_not_named_is_not_exported() {
    let Some(kit) = Kit::new() else { return };
    for (name, missing) in [("graph", Some("reconcile")), ("sandbox", None)] {
        let output = kit.run(&["check", "--json", &kit.component(name)]);
        let facts: Value = serde_json::from_str(&output.stdout).unwrap();
        let exports = facts["exports"].to_string();
        for interface in [
            "media",
            "onboarding",
            "templates",
            "health",
            "reconcile",
            "profile",
        ] {
            let has = missing != Some(interface);
            let export = format!("wharf:provider/{interface}@1.0.0");
            assert_eq!(exports.contains(&export), has, "{name}: {exports}");
        }
        let imports = facts["imports"].as_array().unwrap();
        assert!(
            imports
                .iter()
                .all(|name| name.as_str().unwrap().starts_with("wharf:provider/"))
        );
    }
}

#[tokio::test]
async fn what_would_not_be_loaded_is_told_with_its_reason() {
    let Some(kit) = Kit::new() else { return };
    let component = std::fs::read(kit.component("graph")).unwrap();
    for (name, content, part) in [
        ("text.wasm", b"hello".as_slice(), "not WebAssembly"),
        ("module.wasm", b"\0asm\x01\0\0\0", "core WebAssembly module"),
        (
            "cut.wasm",
            &component[..component.len() / 2],
            "not a valid component",
        ),
        (
            "native.wasm",
            b"\x7fELF\x02\x01",
            "never taken from outside",
        ),
    ] {
        let file = kit.path(name);
        std::fs::write(&file, content).unwrap();
        let output = kit.run(&["check", file.to_str().unwrap()]);
        assert_eq!(output.code, 1, "{output:?}");
        assert!(
            output.stdout.contains(part),
            "{part} is missing in: {output:?}"
        );
        let output = kit.run(&["check", "--json", file.to_str().unwrap()]);
        let facts: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(
            (output.code, &facts["ok"]),
            (1, &Value::Bool(false)),
            "{output:?}"
        );
    }
    let missing = kit.run(&["check", "no-such.wasm"]);
    assert!(
        missing.code == 1 && missing.stderr.contains("cannot read no-such.wasm"),
        "{missing:?}"
    );
}

#[tokio::test]
async fn a_component_describes_itself() {
    let Some(kit) = Kit::new() else { return };
    let shown = kit.run(&["inspect", &kit.component("sandbox")]);
    assert_eq!(shown.code, 0, "{shown:?}");
    for part in [
        "dev.wharf.sandbox",
        "can do",
        "sandbox_key (channel secret, required)",
        "webhook     main",
        "flow        connect",
    ] {
        assert!(
            shown.stdout.contains(part),
            "{part} is missing in: {}",
            shown.stdout
        );
    }
}
