//! Optional interfaces are found by name, each whole or not at all.

use wharf_core::provider::{MediaRequest, ProfileRequest, TemplatesRequest};
use wharf_runtime::{CallError, Interface, LoadReason};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

use super::super::guest::Guest;
use super::super::{context, load, message};
use super::{component, echo};

const WIT: &str = include_str!("../../../../wit/provider.wit");

/// A component of this world of the interface as it is changed here. None of its functions works.
fn made(wit: &str, exports: &[&str]) -> Vec<u8> {
    let exports: String = exports
        .iter()
        .map(|name| format!("export {name};\n"))
        .collect();
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str(
            "provider.wit",
            &format!("{wit}\nworld made {{ {exports} }}\n"),
        )
        .unwrap();
    let world = resolve.select_world(&[package], Some("made")).unwrap();
    let mut core = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default()
        .module(&core)
        .unwrap()
        .encode()
        .unwrap()
}

/// The part of the interface's text that declares `name`, changed.
fn changed(name: &str, from: &str, to: &str) -> String {
    let start = WIT.find(&format!("interface {name} {{")).unwrap();
    let end = start + WIT[start..].find("\n}\n").unwrap();
    let part = WIT[start..end].replace(from, to);
    assert_ne!(part, WIT[start..end], "{name} has no `{from}`");
    format!("{}{part}{}", &WIT[..start], &WIT[end..])
}

const REQUIRED: [&str; 3] = ["manifest", "outbound", "inbound"];

#[tokio::test]
async fn a_component_has_the_interfaces_it_exports() {
    let small = load(Guest::new().build()).await.unwrap();
    assert_eq!(small.interfaces(), []);
    assert!(!small.has(Interface::Media));

    let Some(full) = echo().await else { return };
    assert_eq!(full.interfaces(), Interface::ALL);
    assert!(Interface::ALL.into_iter().all(|one| full.has(one)));
}

#[tokio::test]
async fn a_call_of_an_absent_interface_names_it_and_counts_no_fault() {
    let plugin = load(Guest::new().build()).await.unwrap();
    let (context, message) = (context(), message());
    let calls = plugin.counts().calls;
    let media = MediaRequest::Delete("1".to_owned());
    let errors = [
        (
            Interface::Media,
            plugin.media_start(&context, &media).await.err(),
        ),
        (
            Interface::Onboarding,
            plugin.onboarding_start(&context, "f", &[]).await.err(),
        ),
        (
            Interface::Templates,
            plugin
                .templates_start(&context, &TemplatesRequest::List)
                .await
                .err(),
        ),
        (Interface::Health, plugin.health_start(&context).await.err()),
        (
            Interface::Reconcile,
            plugin.reconcile_start(&context, &message, 0).await.err(),
        ),
        (
            Interface::Reconcile,
            plugin.catch_up(&context, 0).await.err(),
        ),
        (
            Interface::Profile,
            plugin
                .profile_start(&context, &ProfileRequest::Get)
                .await
                .err(),
        ),
    ];
    for (expected, error) in errors {
        let error = error.unwrap();
        assert_eq!(error.slug(), "plugin-no-interface");
        assert!(!error.is_plugin_fault());
        match error {
            CallError::NoInterface { interface, .. } => assert_eq!(interface, expected),
            other => panic!("expected no interface, got {other}"),
        }
    }
    assert_eq!(plugin.counts().calls, calls, "no instance was made");
}

#[tokio::test]
async fn an_interface_without_one_of_its_functions_is_refused_by_name() {
    let lacking = [
        ("media", "resume"),
        ("onboarding", "answer"),
        ("templates", "start"),
        ("health", "resume"),
        ("reconcile", "catch-up"),
        ("profile", "start"),
        ("outbound", "resume"),
    ];
    for (interface, function) in lacking {
        let wit = changed(
            interface,
            &format!("    {function}: func("),
            &format!("    unknown-{function}: func("),
        );
        let mut exports = REQUIRED.to_vec();
        if !exports.contains(&interface) {
            exports.push(interface);
        }
        let error = load(made(&wit, &exports)).await.err().unwrap();
        assert_eq!(error.slug(), "plugin-wrong-interface");
        match &error.reason {
            LoadReason::MissingFunction {
                interface: named,
                function: lacks,
            } => {
                assert_eq!(*named, format!("wharf:provider/{interface}@1.0.0"));
                assert_eq!(*lacks, function);
            }
            other => panic!("{interface} without {function}: {other}"),
        }
    }
}

#[tokio::test]
async fn a_function_of_another_type_is_refused_by_name() {
    let mistyped = [
        (
            "media",
            "answer { fetched(media-ref)",
            "answer { fetched(string)",
            "start",
        ),
        ("onboarding", "ms: u32", "ms: u64", "start"),
        (
            "templates",
            "category: string,\n        status",
            "status",
            "start",
        ),
        ("health", "messages-per-second: option<u32>,", "", "start"),
        (
            "reconcile",
            "items: list<item>",
            "items: option<item>",
            "catch-up",
        ),
        (
            "profile",
            "request { get, set(json) }",
            "request { get }",
            "start",
        ),
        ("inbound", "next: option<u32>", "next: option<u64>", "parse"),
        ("manifest", "homepage: option<string>,", "", "describe"),
    ];
    for (interface, from, to, function) in mistyped {
        let mut exports = REQUIRED.to_vec();
        if !exports.contains(&interface) {
            exports.push(interface);
        }
        let bytes = made(&changed(interface, from, to), &exports);
        let error = load(bytes).await.err().unwrap();
        match &error.reason {
            LoadReason::WrongType {
                interface: named,
                function: mistyped,
                ..
            } => {
                assert_eq!(*named, format!("wharf:provider/{interface}@1.0.0"));
                assert_eq!(*mistyped, function);
            }
            other => panic!("{interface}: {other}"),
        }
    }
}

#[tokio::test]
async fn flows_without_the_interface_that_runs_them_are_refused() {
    use super::{describing, description};
    let Some(bytes) = component() else { return };
    // The same bytes under a name the host does not look for.
    let hidden = replaced(
        describing(bytes, &description()),
        b"wharf:provider/onboarding@1.0.0",
        b"wharf:provider/onboardinx@1.0.0",
    );
    let error = load(hidden).await.err().unwrap();
    let text = error.to_string();
    assert!(
        text.contains("the interface onboarding is not exported"),
        "{text}"
    );
}

fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<_> = bytes
        .windows(from.len())
        .enumerate()
        .filter_map(|(at, window)| (window == from).then_some(at))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}
