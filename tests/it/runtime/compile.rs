//! Compilation in a process of its own, and the folder its results are kept in.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use wharf_runtime::{ClassLimits, CompilerCommand, LoadError, LoadReason, Runtime, RuntimeConfig};

use super::guest::Guest;
use super::{config, context, load_with, message};
use crate::harness::environment;

fn compiled_by(program: impl Into<PathBuf>, args: &[&str]) -> RuntimeConfig {
    RuntimeConfig {
        compiler: Some(CompilerCommand {
            program: program.into(),
            args: args.iter().map(OsString::from).collect(),
        }),
        ..config()
    }
}

/// The gateway's own program; `None` when nobody said where it is.
fn in_child() -> Option<RuntimeConfig> {
    Some(compiled_by(environment("WHARF_BIN")?, &["compile-plugin"]))
}

async fn refusal(config: RuntimeConfig) -> LoadError {
    let loaded = load_with(config, Guest::new().build()).await;
    loaded.err().expect("it is not compiled")
}

fn assert_limit(error: &LoadError, named: &str) {
    match &error.reason {
        LoadReason::CompileLimit { key, .. } => assert_eq!(key, named),
        other => panic!("expected {named} to be named, got {other}"),
    }
    assert_eq!(error.slug(), "plugin-not-compiled");
}

#[tokio::test]
async fn a_component_is_compiled_by_another_process() {
    let Some(config) = in_child() else {
        return;
    };
    let plugin = load_with(config, Guest::new().build()).await.unwrap();
    plugin.start(&context(), &message()).await.unwrap();
}

#[tokio::test]
async fn what_the_process_compiled_is_kept_for_the_next_start() {
    let Some(config) = in_child() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let first = RuntimeConfig {
        cache_dir: Some(dir.path().to_owned()),
        ..config
    };
    // The second start could not compile: its compiler is none.
    let second = RuntimeConfig {
        cache_dir: Some(dir.path().to_owned()),
        ..compiled_by("/nowhere", &[])
    };
    let bytes = Guest::new().build();
    load_with(first, bytes.clone()).await.unwrap();
    let plugin = load_with(second, bytes).await.unwrap();
    plugin.start(&context(), &message()).await.unwrap();
}

#[tokio::test]
async fn a_compiler_without_memory_is_told_by_the_limits_name() {
    let Some(config) = in_child() else {
        return;
    };
    let starved = RuntimeConfig {
        native: ClassLimits {
            compile_memory_bytes_max: 24 * 1024 * 1024,
            ..ClassLimits::native()
        },
        ..config
    };
    let error = refusal(starved).await;
    assert_limit(&error, "plugins.native.compile_memory_bytes_max");
}

#[tokio::test]
async fn a_compiler_that_burns_its_time_is_ended() {
    // A shell that takes the limit of the real one and then never comes to an end.
    let burning = RuntimeConfig {
        compile_cpu_s_max: 1,
        ..compiled_by(
            "/bin/sh",
            &["-c", "ulimit -S -t \"$2\"; while :; do :; done", "burn"],
        )
    };
    assert_limit(&refusal(burning).await, "plugins.compile_cpu_s_max");
}

#[tokio::test]
async fn a_compiler_that_hangs_is_ended_with_all_it_started() {
    let hanging = RuntimeConfig {
        compile_timeout_ms: 100,
        ..compiled_by("/bin/sh", &["-c", "sleep 600 & sleep 600", "hang"])
    };
    assert_limit(&refusal(hanging).await, "plugins.compile_timeout_ms");
}

#[tokio::test]
async fn last_words_of_a_compiler_are_quoted_safely_and_cut() {
    let script =
        "printf 'no\\033[2J\\r\\nway ' >&2; head -c 100000 /dev/zero | tr '\\0' z >&2; exit 3";
    let error = refusal(compiled_by("/bin/sh", &["-c", script, "talk"])).await;
    let text = error.to_string();
    assert!(text.contains(r"no\u{1b}[2J\r\nway zzz"), "{text}");
    assert!(text.len() < 1500, "{} bytes", text.len());
}

#[tokio::test]
async fn what_is_no_compiler_is_not_believed() {
    let liar = format!("printf 'wharfcw1{}code'", "0".repeat(32));
    let cases = [
        (vec!["-c", "exit 0", "x"], "said nothing"),
        (vec!["-c", "exit 7", "x"], "exit status: 7"),
        (vec!["-c", "kill -9 $$", "x"], "signal 9"),
        (
            vec![
                "-c",
                "echo hello from a program that compiles nothing at all",
                "x",
            ],
            "is none",
        ),
        (vec!["-c", liar.as_str(), "x"], "another version"),
    ];
    for (args, named) in cases {
        let error = refusal(compiled_by("/bin/sh", &args)).await;
        assert!(
            matches!(error.reason, LoadReason::Compiler { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(named), "{named}: {error}");
    }
    let error = refusal(compiled_by("/nowhere/compiler", &[])).await;
    assert!(error.to_string().contains("/nowhere/compiler"), "{error}");
}

#[tokio::test]
async fn the_compiler_gets_no_environment_of_ours() {
    let script = "env | cut -d= -f1 | sort | tr '\\n' ' ' >&2; exit 1";
    let error = refusal(compiled_by("/bin/sh", &["-c", script, "env"])).await;
    let text = error.to_string();
    for name in ["MALLOC_ARENA_MAX", "RAYON_NUM_THREADS"] {
        assert!(text.contains(name), "{text}");
    }
    // The shell itself adds PWD, SHLVL and _.
    for name in ["HOME", "PATH", "WHARF", "CARGO"] {
        assert!(!text.contains(name), "{text}");
    }
}

fn files(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_cache_is_tidied_down_to_its_size_and_what_is_used_stays() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = |bytes_max| {
        Runtime::new(RuntimeConfig {
            cache_dir: Some(dir.path().to_owned()),
            cache_bytes_max: bytes_max,
            ..config()
        })
        .unwrap()
    };
    let other = || {
        let mut guest = Guest::new();
        guest.id = "dev.wharf.other";
        guest.build()
    };
    {
        let roomy = runtime(u64::MAX);
        roomy.load("one", Guest::new().build()).await.unwrap();
        roomy.load("two", other()).await.unwrap();
        assert_eq!(roomy.purge_cache(&[]).unwrap().files, 0, "there is room");
    }
    fs::write(dir.path().join(".left-over"), b"of a crash").unwrap();
    let narrow = runtime(1);
    let plugin = narrow.load("one", Guest::new().build()).await.unwrap();
    let pinned = narrow.probe("two", other()).await.unwrap().digest;
    assert_eq!(files(dir.path()).len(), 3);
    assert_eq!(narrow.purge_cache(&[pinned]).unwrap().files, 1);
    assert_eq!(files(dir.path()).len(), 2, "what is named stays");
    assert_eq!(narrow.purge_cache(&[]).unwrap().files, 1);
    let left = files(dir.path());
    assert!(
        left[0].starts_with(&hex::encode(plugin.digest())),
        "{left:?}"
    );
}
