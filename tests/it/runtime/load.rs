//! What is taken into service and what is refused, each refusal by name.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf_runtime::{
    ClassLimits, LoadError, LoadReason, Registry, Runtime, RuntimeConfig, RuntimeError,
};

use super::guest::{Guest, Input, MAC, TOKEN};
use super::{config, context, load, load_with, message};

async fn refusal(bytes: Vec<u8>) -> LoadError {
    match load(bytes).await {
        Ok(_) => panic!("it was taken into service"),
        Err(error) => error,
    }
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn a_wasi_import_is_refused_by_name() {
    let bytes = component(
        r#"(component (import "wasi:cli/environment@0.2.0" (instance
            (export "initial-cwd" (func (result (option string)))))))"#,
    );
    let error = refusal(bytes).await;
    assert_eq!(error.slug(), "plugin-foreign-import");
    assert!(
        error.to_string().contains("wasi:cli/environment@0.2.0"),
        "{error}"
    );
}

#[tokio::test]
async fn any_other_import_is_refused_by_name() {
    let cases = [
        ("acme:tools/socket@1.0.0", "instance"),
        ("wharf:providers/log@1.0.0", "instance"),
        ("print", "func"),
    ];
    for (import, kind) in cases {
        let bytes = component(&format!(r#"(component (import "{import}" ({kind})))"#));
        let error = refusal(bytes).await;
        assert_eq!(error.slug(), "plugin-foreign-import");
        assert!(error.to_string().contains(import), "{error}");
    }
}

#[tokio::test]
async fn an_import_within_a_component_inside_is_no_import() {
    // Refused for what it lacks, not for what a part of it takes from its neighbour.
    let bytes = component(
        r#"(component
            (component $inner (import "wasi:cli/stdin@0.2.0" (instance)))
            (instance $given)
            (instance (instantiate $inner (with "wasi:cli/stdin@0.2.0" (instance $given)))))"#,
    );
    let error = refusal(bytes).await;
    assert!(
        matches!(error.reason, LoadReason::MissingExport { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_no_component_is_told_what_it_is() {
    let module = refusal(Guest::new().build_core_module()).await;
    assert!(matches!(module.reason, LoadReason::CoreModule), "{module}");
    let text = refusal(b"#!/bin/sh\necho hello\n".to_vec()).await;
    assert!(matches!(text.reason, LoadReason::NotWasm), "{text}");
    let empty = refusal(Vec::new()).await;
    assert!(matches!(empty.reason, LoadReason::NotWasm), "{empty}");
}

#[tokio::test]
async fn a_file_cut_short_is_refused_at_any_length() {
    let whole = Guest::new().build();
    let runtime = Runtime::new(config()).unwrap();
    for length in (8..whole.len()).step_by(whole.len() / 20) {
        let cut = whole[..length].to_vec();
        assert!(runtime.load("test", cut).await.is_err(), "cut at {length}");
    }
    runtime.load("test", whole).await.unwrap();
}

#[tokio::test]
async fn a_missing_export_is_named() {
    for missing in ["manifest", "outbound", "inbound"] {
        let mut guest = Guest::new();
        guest.exports.retain(|name| *name != missing);
        let error = refusal(guest.build()).await;
        let name = format!("wharf:provider/{missing}@1.0.0");
        assert_eq!(error.slug(), "plugin-wrong-interface");
        assert!(error.to_string().contains(&name), "{error}");
    }
}

#[tokio::test]
async fn another_major_version_is_named() {
    let mut guest = Guest::new();
    guest.version = "2.0.0";
    let error = refusal(guest.build()).await;
    assert!(
        matches!(error.reason, LoadReason::ForeignVersion { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("@2.0.0"), "{error}");
}

#[tokio::test]
async fn functions_of_other_types_are_refused_at_load() {
    let bytes = component(
        r#"(component
            (core module $m (func (export "f")))
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance $manifest (export "describe" (func $f)))
            (instance $outbound (export "start" (func $f)) (export "resume" (func $f)))
            (instance $inbound (export "parse" (func $f)))
            (export "wharf:provider/manifest@1.0.0" (instance $manifest))
            (export "wharf:provider/outbound@1.0.0" (instance $outbound))
            (export "wharf:provider/inbound@1.0.0" (instance $inbound)))"#,
    );
    let error = refusal(bytes).await;
    assert!(matches!(error.reason, LoadReason::Link { .. }), "{error}");
}

#[tokio::test]
async fn sizes_over_the_limits_are_refused() {
    let small = RuntimeConfig {
        native: ClassLimits {
            component_bytes_max: 1000,
            ..ClassLimits::native()
        },
        ..config()
    };
    let error = load_with(small, Guest::new().build()).await.err().unwrap();
    assert!(
        matches!(error.reason, LoadReason::TooLarge { .. }),
        "{error}"
    );
    let mut guest = Guest::new();
    guest.pages = 600;
    let error = refusal(guest.build()).await;
    assert_eq!(error.slug(), "plugin-needs-too-much");
    assert!(error.to_string().contains("bytes of memory"), "{error}");
}

#[tokio::test]
async fn a_lying_description_is_refused_with_all_its_lies() {
    let mut guest = Guest::new();
    guest.id = "Not a domain";
    guest.sender_setting = "nowhere";
    guest.inputs.push(Input {
        name: "sender",
        secret: false,
    });
    guest.verification = Some((MAC, "absent_secret"));
    let error = refusal(guest.build()).await;
    assert_eq!(error.slug(), "plugin-invalid-descriptor");
    let text = error.to_string();
    for lie in [
        "reversed domain name",
        "`nowhere`",
        "`sender` twice",
        "`absent_secret`",
    ] {
        assert!(text.contains(lie), "{lie} is missing in: {text}");
    }
}

#[tokio::test]
async fn a_scheme_this_host_cannot_verify_is_refused_by_name() {
    let mut guest = Guest::new();
    guest.verification = Some((TOKEN, ""));
    let error = refusal(guest.build()).await;
    assert!(error.to_string().contains("verified by token"), "{error}");
}

#[tokio::test]
async fn a_mac_with_a_declared_secret_is_accepted() {
    let mut guest = Guest::new();
    guest.inputs.push(Input {
        name: "app_secret",
        secret: true,
    });
    guest.verification = Some((MAC, "app_secret"));
    let plugin = load(guest.build()).await.unwrap();
    assert_eq!(plugin.descriptor().webhooks[0].name, "main");
}

fn cached(dir: &Path, key: u8) -> RuntimeConfig {
    RuntimeConfig {
        cache_dir: Some(dir.to_owned()),
        cache_key: [key; 32],
        ..config()
    }
}

fn only_file(dir: &Path) -> PathBuf {
    let mut files = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let file = files.next().expect("one file in the cache");
    assert!(files.next().is_none(), "only one file in the cache");
    file
}

#[tokio::test]
async fn a_compiled_plugin_is_kept_used_again_and_never_taken_from_outside() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = Guest::new().build();
    load_with(cached(dir.path(), 1), bytes.clone())
        .await
        .unwrap();
    let file = only_file(dir.path());
    let written = fs::metadata(&file).unwrap();
    assert_eq!(written.mode() & 0o077, 0, "for the service user alone");
    let plugin = load_with(cached(dir.path(), 1), bytes).await.unwrap();
    plugin.start(&context(), &message()).await.unwrap();
    let after = fs::metadata(only_file(dir.path())).unwrap();
    assert_eq!(after.ino(), written.ino(), "it was read, not written again");
    // The file is a MAC of 32 bytes and then a `.cwasm`.
    let precompiled = fs::read(&file).unwrap().split_off(32);
    let error = refusal(precompiled).await;
    assert!(matches!(error.reason, LoadReason::Precompiled), "{error}");
}

#[tokio::test]
async fn one_flipped_bit_in_the_cache_means_compiling_again() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = Guest::new().build();
    load_with(cached(dir.path(), 1), bytes.clone())
        .await
        .unwrap();
    let file = only_file(dir.path());
    let genuine = fs::read(&file).unwrap();
    for at in [0, 31, 32, genuine.len() / 2, genuine.len() - 1] {
        let mut forged = genuine.clone();
        forged[at] ^= 1;
        fs::write(&file, &forged).unwrap();
        let plugin = load_with(cached(dir.path(), 1), bytes.clone())
            .await
            .unwrap();
        plugin.start(&context(), &message()).await.unwrap();
        assert_ne!(
            fs::read(&file).unwrap(),
            forged,
            "byte {at}: replaced by a genuine one"
        );
    }
    fs::write(&file, b"short").unwrap();
    load_with(cached(dir.path(), 1), bytes).await.unwrap();
    assert!(fs::read(&file).unwrap().len() > 1000);
}

#[tokio::test]
async fn a_cache_written_with_another_key_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = Guest::new().build();
    load_with(cached(dir.path(), 1), bytes.clone())
        .await
        .unwrap();
    let before = fs::metadata(only_file(dir.path())).unwrap().ino();
    load_with(cached(dir.path(), 2), bytes).await.unwrap();
    assert_ne!(fs::metadata(only_file(dir.path())).unwrap().ino(), before);
}

#[test]
fn a_cache_folder_others_can_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let error = Runtime::new(cached(dir.path(), 1)).err().unwrap();
    assert!(
        matches!(error, RuntimeError::CacheDirOpen { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("chmod 700"), "{error}");
}

#[test]
fn a_limit_of_zero_is_refused_at_the_start() {
    let config = RuntimeConfig {
        permits_max: 0,
        ..config()
    };
    let error = Runtime::new(config).err().unwrap();
    assert!(error.to_string().contains("permits_max"), "{error}");
}

#[tokio::test]
async fn the_same_bytes_are_described_once() {
    let runtime = Runtime::new(config()).unwrap();
    let bytes = Guest::new().build();
    let first = runtime.load("one", bytes.clone()).await.unwrap();
    let second = runtime.load("two", bytes).await.unwrap();
    assert!(Arc::ptr_eq(first.descriptor(), second.descriptor()));
    assert_eq!(
        first.counts().calls,
        2,
        "described twice for the first load"
    );
    assert_eq!((first.name(), second.name()), ("one", "two"));
    assert_eq!(first.digest(), second.digest());
}

#[tokio::test]
async fn a_registry_is_replaced_as_a_whole() {
    let runtime = Runtime::new(config()).unwrap();
    let bytes = Guest::new().build();
    let one = runtime.load("one", bytes.clone()).await.unwrap();
    let two = runtime.load("two", bytes).await.unwrap();
    let registry = Registry::new([two, one]);
    let names: Vec<_> = registry
        .all()
        .iter()
        .map(|plugin| plugin.name().to_owned())
        .collect();
    assert_eq!(names, ["one", "two"]);
    let held = registry.get("one").unwrap();
    registry.replace([]);
    assert!(registry.get("one").is_none() && registry.all().is_empty());
    held.start(&context(), &message()).await.unwrap();
}
