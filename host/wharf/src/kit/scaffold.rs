//! A new plugin: the template under its own name, and the SDK beside it, both out of this program.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

/// The word that stands for the plugin's name in the template.
const PLACEHOLDER: &str = "acme";
const NAME_CHARS_MAX: usize = 40;
/// Names that are something else to cargo or to this repository, and those that would give the project's
/// type the name of another: of Rust's prelude, or of the SDK's.
const RESERVED: [&str; 46] = [
    "test", "sdk", "cases", "wharf", "core", "std", "alloc", "self", "super", "crate", "option",
    "some", "none", "ok", "err", "result", "error", "vec", "box", "string", "clone", "copy",
    "send", "sync", "drop", "fn", "from", "into", "default", "iterator", "provider", "message",
    "content", "address", "context", "exchange", "outcome", "party", "piece", "replay", "code",
    "retry", "event", "item", "page", "progress",
];
/// Where the SDK lies in a new project.
const VENDOR: &str = "vendor/wharf";

macro_rules! files {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../plugins/", $folder, "/", $path)))),*]
    };
}

type Files = &'static [(&'static str, &'static str)];

const TEMPLATE: Files = files!["template":
    "Cargo.toml",
    "README.md",
    "cases/defaults.json",
    "cases/sends-a-text.json",
    "cases/maps-a-refusal.json",
    "cases/asks-for-the-number.json",
    "cases/reads-a-webhook.json",
    "src/lib.rs",
    "src/descriptor.rs",
    "src/failure.rs",
    "src/send.rs",
    "src/webhook.rs",
    "tests/it.rs",
];
const SDK: Files = files!["sdk":
    "Cargo.toml",
    "build.rs",
    "src/adapter.rs",
    "src/describe.rs",
    "src/document.rs",
    "src/export.rs",
    "src/failure.rs",
    "src/fingerprint.rs",
    "src/flow.rs",
    "src/heap.rs",
    "src/lib.rs",
    "src/log.rs",
    "src/paging.rs",
    "src/provider.rs",
    "src/request.rs",
    "src/response.rs",
    "src/testing/golden.rs",
    "src/testing/mod.rs",
    "src/testing/outcomes.rs",
    "src/testing/read.rs",
    "src/testing/samples.rs",
    "src/testing/show.rs",
    "src/value.rs",
    "src/webhook.rs",
];
const CASES: Files = files!["cases":
    "Cargo.toml",
    "src/call.rs",
    "src/case.rs",
    "src/diff.rs",
    "src/lib.rs",
    "src/run.rs",
];
const WIT: &str = include_str!("../../../../wit/provider.wit");
const WORKSPACE: &str = include_str!("../../../../plugins/Cargo.toml");
/// The versions the SDK was tested with.
const LOCK: &str = include_str!("../../../../plugins/Cargo.lock");

/// The template is a member of a workspace here and stands alone there.
const ALONE: &str = r#"
# A workspace of its own; the SDK in `vendor` is another.
[workspace]
exclude = ["vendor"]

# Every call gets a fresh instance, so what counts is how little code and data an instance starts with.
[profile.release]
opt-level = "s"
lto = "fat"
codegen-units = 1
panic = "abort"
strip = "symbols"
"#;
const IGNORED: &str = "/target\n*.wasm\n";

/// Writes a new plugin called `name` into `folder`, which must not hold anything yet. `sdk` is a copy of the
/// SDK to use in place of the one in this program.
pub fn create(name: &str, folder: &Path, sdk: Option<&Path>) -> anyhow::Result<()> {
    check_name(name)?;
    let taken = folder.exists()
        && (!folder.is_dir()
            || std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()));
    ensure!(
        !taken,
        "{} exists and is not empty: choose another folder with --dir",
        folder.display()
    );
    let path = match sdk {
        None => {
            vendor(&folder.join(VENDOR))?;
            format!("{VENDOR}/sdk")
        }
        Some(sdk) => checked_sdk(sdk)?.display().to_string(),
    };
    for (file, content) in TEMPLATE {
        let mut content = named(content, name);
        if *file == "Cargo.toml" {
            content = manifest(&content, &path);
        }
        write(&folder.join(named(file, name)), &content)?;
    }
    write(&folder.join(".gitignore"), IGNORED)?;
    write(&folder.join("Cargo.lock"), LOCK)
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let first = name
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase());
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !first || !plain || name.ends_with('-') || name.contains("--") || name.len() > NAME_CHARS_MAX
    {
        bail!(
            "`{name}` cannot be a plugin's name: use lower-case letters, digits and single hyphens, a letter \
             first, at most {NAME_CHARS_MAX} characters, for example `acme` or `acme-eu`"
        );
    }
    ensure!(
        !RESERVED.contains(&name),
        "`{name}` is taken: choose the provider's own name"
    );
    Ok(())
}

fn checked_sdk(sdk: &Path) -> anyhow::Result<PathBuf> {
    let manifest = sdk.join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest)
        .with_context(|| format!("--sdk {}: there is no Cargo.toml", sdk.display()))?;
    ensure!(
        text.contains("name = \"wharf-plugin\""),
        "--sdk {}: its package is not `wharf-plugin`",
        sdk.display()
    );
    sdk.canonicalize()
        .with_context(|| format!("cannot read {}", sdk.display()))
}

/// The SDK as a workspace of its own, as it is in the repository.
fn vendor(folder: &Path) -> anyhow::Result<()> {
    for (part, files) in [("sdk", SDK), ("cases", CASES)] {
        for (file, content) in files {
            write(&folder.join(part).join(file), content)?;
        }
    }
    write(&folder.join("sdk/wit/provider.wit"), WIT)?;
    let workspace: Vec<_> = WORKSPACE
        .lines()
        .map(|line| match line.starts_with("members = ") {
            true => "members = [\"sdk\", \"cases\"]",
            false => line,
        })
        .collect();
    write(&folder.join("Cargo.toml"), &(workspace.join("\n") + "\n"))
}

fn manifest(content: &str, sdk: &str) -> String {
    let own: Vec<_> = content
        .lines()
        .filter(|line| !line.starts_with("# Only here:"))
        .collect();
    let path = format!("path = {}", serde_json::Value::from(sdk));
    let own = own.join("\n").replace("path = \"../sdk\"", &path);
    let own = own.replace("\n[package.metadata.wharf]\nship = false\n", "");
    format!("{}\n{ALONE}", own.trim_end())
}

/// The template's word in each of its spellings.
fn named(text: &str, name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(1.min(word.len()));
        first.to_ascii_uppercase() + rest
    });
    let camel: String = words.collect();
    text.replace(
        &format!("wharf_plugin_{PLACEHOLDER}"),
        &format!("wharf_plugin_{}", name.replace('-', "_")),
    )
    .replace("Acme", &camel)
    .replace(PLACEHOLDER, name)
}

fn write(file: &Path, content: &str) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    std::fs::write(file, content).with_context(|| format!("cannot write {}", file.display()))
}

/// The files that a new project is made of, by folder of `plugins/`, so that a test can hold them against
/// what is there.
pub fn embedded() -> [(&'static str, Vec<&'static str>); 3] {
    let names = |files: Files| files.iter().map(|(path, _)| *path).collect();
    [
        ("template", names(TEMPLATE)),
        ("sdk", names(SDK)),
        ("cases", names(CASES)),
    ]
}
