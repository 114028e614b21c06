//! Finds a compiler with a standard library for the plugins' target, or the means to build one.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::{cargo, output, run};

const TARGET: &str = "wasm32-unknown-unknown";
/// Parsers keep their nesting limits well below this, and every fresh instance starts smaller.
const STACK_BYTES: u32 = 65_536;
/// Free in the memory that an instance starts with. The least that the SDK's allocator asks for at once, so
/// that a small call never grows its memory.
const HEAP_BYTES: u32 = 65_536;
/// What Debian's rustc for web targets consists of; its versioned libraries are found by dependency.
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "rust-web-src", "libstd-rust-web-dev"];
const DEBIAN_LIBRARIES: [&str; 2] = ["libstd-rust-web-", "libllvm"];

/// A compiler with a standard library for the target, or the means to build one.
pub struct Toolchain {
    /// What cargo is told beyond its defaults.
    env: Vec<(&'static str, OsString)>,
    args: Vec<&'static str>,
}

impl Toolchain {
    /// The order is part of the project's promise: what is installed is used before anything is fetched.
    pub fn find() -> Result<Self> {
        let installed = rustc();
        if has_target(&installed) {
            return Ok(Self {
                env: Vec::new(),
                args: Vec::new(),
            });
        }
        if let Some(named) = std::env::var_os("WHARF_WASM_RUSTC").filter(|path| !path.is_empty()) {
            ensure!(
                has_target(&named),
                "WHARF_WASM_RUSTC={} has no standard library for {TARGET}: name a rustc that has it, or unset the variable",
                named.display()
            );
            return Ok(Self {
                env: vec![("RUSTC", named)],
                args: Vec::new(),
            });
        }
        let choice = std::env::var_os("WHARF_WASM_TOOLCHAIN").unwrap_or_default();
        match choice.to_str() {
            Some("debian") => debian(),
            Some("" | "rustup") => rustup(&installed),
            _ => bail!(
                "WHARF_WASM_TOOLCHAIN={}: use `rustup` or `debian`, or leave it unset",
                choice.display()
            ),
        }
    }

    /// Compiles one package to a core module and says where it is.
    pub fn compile(&self, manifest: &Path, build_dir: &Path, package: &str) -> Result<PathBuf> {
        let mut command = Command::new(cargo());
        command
            // `--crate-type` leaves out the rlib: beside one, cargo does no link-time optimisation.
            .args([
                "rustc",
                "--quiet",
                "--lib",
                "--release",
                "--crate-type=cdylib",
                "--target",
                TARGET,
            ])
            .args(["--package", package, "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(build_dir)
            .args(&self.args)
            // Flags and targets meant for the host's build must not reach the guests'.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("CARGO_BUILD_TARGET")
            .env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
                format!(
                    "-Clink-arg=-zstack-size={STACK_BYTES} -Clink-arg=--initial-heap={HEAP_BYTES}"
                ),
            )
            .envs(self.env.iter().map(|(key, value)| (key, value)));
        run(&mut command).with_context(|| format!("`{package}` does not build for {TARGET}"))?;
        Ok(build_dir
            .join(TARGET)
            .join("release")
            .join(format!("{}.wasm", package.replace('-', "_"))))
    }
}

/// `rustup target add`, for the toolchain in use.
fn rustup(installed: &OsStr) -> Result<Toolchain> {
    const ELSE: &str = "Install the target's standard library another way and name its compiler in \
        WHARF_WASM_RUSTC, or on Debian set WHARF_WASM_TOOLCHAIN=debian to use Debian's packages.";
    run(Command::new("rustup").args(["target", "add", TARGET])).with_context(|| {
        format!("plugins need the target {TARGET}, and rustup could not add it. {ELSE}")
    })?;
    ensure!(
        has_target(installed),
        "rustup added {TARGET}, but `{}` does not see it: is it another toolchain's? {ELSE}",
        installed.display()
    );
    Ok(Toolchain {
        env: Vec::new(),
        args: Vec::new(),
    })
}

/// Debian's compiler for web targets, unpacked into a cache folder, building `std` from its source.
fn debian() -> Result<Toolchain> {
    let home = debian_folder()?;
    let libraries = multiarch_folder(&home)?;
    let compiler = home.join("usr/bin/rustc");
    output(
        Command::new(&compiler)
            .arg("--version")
            .env("LD_LIBRARY_PATH", &libraries),
    )
    .with_context(|| {
        format!(
            "{} does not start; it needs libz3-4, libedit2 and libxml2: apt-get install them",
            compiler.display()
        )
    })?;
    Ok(Toolchain {
        env: vec![
            ("RUSTC", compiler.into()),
            ("LD_LIBRARY_PATH", libraries.into()),
            // `-Zbuild-std` is not stable; this compiler is not the one that builds the host.
            ("RUSTC_BOOTSTRAP", "1".into()),
            (
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
                rust_lld()?.into(),
            ),
        ],
        args: vec!["-Zbuild-std=std,panic_abort"],
    })
}

/// The folder with the unpacked packages. A marker tells a finished one; the lock keeps two builds from
/// unpacking at once.
fn debian_folder() -> Result<PathBuf> {
    let cache = cache_folder()?;
    fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let home = cache.join("wasm-toolchain-debian");
    let marker = home.join(".complete");
    let lock = cache.join("wasm-toolchain-debian.lock");
    let lock = File::create(&lock).with_context(|| format!("cannot create {}", lock.display()))?;
    lock.lock()
        .context("cannot lock the toolchain's cache folder")?;
    if marker.exists() {
        return Ok(home);
    }
    eprintln!(
        "unpacking Debian's compiler for {TARGET} into {}",
        home.display()
    );
    if home.exists() {
        fs::remove_dir_all(&home)
            .with_context(|| format!("cannot remove the unfinished {}", home.display()))?;
    }
    unpack_debian(&home).with_context(|| {
        format!("cannot unpack Debian's compiler for {TARGET}; it needs `apt-get`, `dpkg` and package sources that have {DEBIAN_PACKAGES:?}")
    })?;
    fs::write(&marker, "").with_context(|| format!("cannot write {}", marker.display()))?;
    Ok(home)
}

/// Downloads and unpacks the packages, and those of their dependencies that belong to the compiler.
fn unpack_debian(home: &Path) -> Result<()> {
    let download = home.join("download");
    fs::create_dir_all(download.join("lists/partial"))?;
    let mut seen: Vec<String> = Vec::new();
    let mut wanted: Vec<String> = DEBIAN_PACKAGES.map(str::to_owned).to_vec();
    while !wanted.is_empty() {
        apt_download(&download, &wanted)?;
        seen.append(&mut wanted);
        for archive in archives(&download)? {
            let depends = output(
                Command::new("dpkg-deb")
                    .arg("-f")
                    .arg(&archive)
                    .arg("Depends"),
            )?;
            for package in depends
                .split([',', '|'])
                .filter_map(|item| item.split_whitespace().next())
            {
                let ours = DEBIAN_LIBRARIES
                    .iter()
                    .any(|prefix| package.starts_with(prefix));
                if ours && !seen.iter().chain(&wanted).any(|known| known == package) {
                    wanted.push(package.to_owned());
                }
            }
            run(Command::new("dpkg").arg("-x").arg(&archive).arg(home))?;
            fs::remove_file(&archive)?;
        }
    }
    fs::remove_dir_all(&download)?;
    Ok(())
}

/// `apt-get download` into `folder`; where the system's package lists are missing or old, with lists of
/// our own, which needs no root.
fn apt_download(folder: &Path, packages: &[String]) -> Result<()> {
    let apt = || {
        let mut command = Command::new("apt-get");
        command
            .args(["-qq", "-o", "APT::Sandbox::User=root"])
            .current_dir(folder);
        command
    };
    if run(apt().arg("download").args(packages)).is_ok() {
        return Ok(());
    }
    let own_lists = |command: &mut Command| {
        command
            .arg("-o")
            .arg(format!(
                "Dir::State::Lists={}",
                folder.join("lists").display()
            ))
            .arg("-o")
            .arg(format!("Dir::Cache={}", folder.display()));
    };
    let mut update = apt();
    own_lists(&mut update);
    run(update.arg("update"))?;
    let mut again = apt();
    own_lists(&mut again);
    run(again.arg("download").args(packages))
}

fn archives(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            found.push(path);
        }
    }
    Ok(found)
}

fn multiarch_folder(home: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(home.join("usr/lib"))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with("-linux-gnu") {
            return Ok(path);
        }
    }
    bail!(
        "{} has no usr/lib/*-linux-gnu; remove the folder and try again",
        home.display()
    )
}

fn cache_folder() -> Result<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .context("set XDG_CACHE_HOME or HOME: the compiler's packages are unpacked there")?;
    Ok(cache.join("wharf"))
}

/// The linker inside the toolchain in use; Debian's compiler brings none for this target.
fn rust_lld() -> Result<PathBuf> {
    let version = output(Command::new(rustc()).arg("-vV"))?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("`rustc -vV` names no host")?;
    let sysroot = output(Command::new(rustc()).args(["--print", "sysroot"]))?;
    let linker = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(host)
        .join("bin/rust-lld");
    ensure!(
        linker.exists(),
        "no linker at {}: install the toolchain in use with rustup, which brings rust-lld",
        linker.display()
    );
    Ok(linker)
}

fn has_target(compiler: &OsStr) -> bool {
    let Ok(folder) =
        output(Command::new(compiler).args(["--print", "target-libdir", "--target", TARGET]))
    else {
        return false;
    };
    fs::read_dir(folder.trim()).is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
    })
}

fn rustc() -> OsString {
    std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}
