//! The plugins as they ship, compiled once for all tests of this process.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::OnceCell;
use wharf_runtime::{ClassLimits, Plugin, Runtime, RuntimeConfig};

use super::environment;

pub(super) struct Shipped {
    pub(super) all: Vec<Arc<Plugin>>,
    /// Takes more plugins, made by the tests, with tighter limits.
    pub(super) runtime: Arc<Runtime>,
}

/// `None` when nobody said where they are, which `CI=true` does not forgive.
pub(super) async fn shipped() -> Option<&'static Shipped> {
    static SHIPPED: OnceCell<Shipped> = OnceCell::const_new();
    let dist = PathBuf::from(environment("WHARF_PLUGINS_DIST")?);
    Some(SHIPPED.get_or_init(|| load(dist)).await)
}

async fn load(dist: PathBuf) -> Shipped {
    let config = RuntimeConfig {
        // Tests run side by side on few cores: budgets of service would measure the machine.
        native: ClassLimits {
            describe_ms_max: 5_000,
            outbound_ms_max: 1_000,
            inbound_ms_max: 20_000,
            ..ClassLimits::native()
        },
        permit_wait_ms_max: 20_000,
        // A pool takes address space, and other tests have pools too.
        permits_max: 128,
        // Nobody else is to be protected here.
        long_call_rest_ticks: 1,
        ..RuntimeConfig::default()
    };
    // What harms uses its budgets up, and several of them are in line with each other.
    let guests = RuntimeConfig {
        native: ClassLimits {
            outbound_ms_max: 300,
            inbound_ms_max: 2_000,
            ..config.native.clone()
        },
        long_calls_max: 4,
        ..config.clone()
    };
    let runtime = Runtime::new(config).unwrap();
    let mut all = Vec::new();
    let entries =
        std::fs::read_dir(&dist).unwrap_or_else(|error| panic!("{}: {error}", dist.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "wasm"));
    files.sort();
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let bytes = std::fs::read(&path).unwrap();
        all.push(runtime.load(&name, bytes).await.unwrap());
    }
    Shipped {
        all,
        runtime: Runtime::new(guests).unwrap(),
    }
}

/// The component with a digest that no other has. Circuits and processor time are counted by digest, and all
/// gateways of this process share a runtime: faults of one test would stop the plugin in another.
pub(crate) fn with_own_digest(mut component: Vec<u8>) -> Vec<u8> {
    /// What every reader of a component skips.
    const CUSTOM_SECTION: u8 = 0;
    const NAME: &[u8] = b"copy";
    static COPIES: AtomicU64 = AtomicU64::new(0);
    let copy = COPIES.fetch_add(1, Ordering::Relaxed).to_le_bytes();
    let section = [&[u8::try_from(NAME.len()).unwrap()], NAME, &copy].concat();
    component.push(CUSTOM_SECTION);
    component.push(u8::try_from(section.len()).unwrap());
    component.extend(section);
    component
}
