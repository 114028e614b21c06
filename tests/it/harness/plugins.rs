//! The plugins as they ship, compiled once for all tests of this process.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::OnceCell;
use wharf_runtime::{ClassLimits, Plugin, Runtime, RuntimeConfig};

use super::environment;

pub(super) struct Shipped {
    pub(super) all: Vec<Arc<Plugin>>,
    /// Takes more plugins, with the same limits.
    pub(super) runtime: Arc<Runtime>,
}

/// `None` when nobody said where they are, which `CI=true` does not forgive.
pub(super) async fn shipped() -> Option<&'static Shipped> {
    static SHIPPED: OnceCell<Shipped> = OnceCell::const_new();
    let dist = PathBuf::from(environment("WHARF_PLUGINS_DIST")?);
    Some(SHIPPED.get_or_init(|| load(dist)).await)
}

async fn load(dist: PathBuf) -> Shipped {
    let runtime = Runtime::new(RuntimeConfig {
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
        ..RuntimeConfig::default()
    })
    .unwrap();
    let mut all = Vec::new();
    for name in ["graph", "sandbox"] {
        let path = dist.join(format!("{name}.wasm"));
        let bytes =
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        all.push(runtime.load(name, bytes).await.unwrap());
    }
    Shipped { all, runtime }
}
