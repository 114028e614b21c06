//! Swapping one plugin for another: what is in service, what retires, and what work in flight finds.

use std::sync::Arc;

use wharf_runtime::{LimitClass, Plugin, Registry, Runtime};

use super::guest::Guest;
use super::{config, context, message};

async fn two_versions() -> (Arc<Plugin>, Arc<Plugin>) {
    let runtime = Runtime::new(config()).unwrap();
    let mut newer = Guest::new();
    newer.id = "dev.wharf.newer";
    let old = runtime.load("one", Guest::new().build()).await.unwrap();
    let new = runtime.load("one", newer.build()).await.unwrap();
    (old, new)
}

#[tokio::test]
async fn a_swapped_version_retires_and_is_found_by_its_digest_until_released() {
    let (old, new) = two_versions().await;
    let registry = Registry::new([Arc::clone(&old)]);
    let replaced = registry.insert(Arc::clone(&new)).expect("one was replaced");
    assert!(Arc::ptr_eq(&replaced, &old));
    assert!(Arc::ptr_eq(&registry.get("one").unwrap(), &new));
    for version in [&old, &new] {
        let found = registry.by_digest("one", version.digest()).unwrap();
        assert!(Arc::ptr_eq(&found, version));
        found.start(&context(), &message()).await.unwrap();
    }
    assert!(registry.by_digest("two", old.digest()).is_none());
    assert_eq!(registry.retired().len(), 1);
    assert!(registry.release("one", old.digest()));
    assert!(!registry.release("one", old.digest()), "it is gone already");
    assert!(!registry.release("one", new.digest()), "it is in service");
    assert!(registry.by_digest("one", old.digest()).is_none());
}

#[tokio::test]
async fn rolling_back_takes_the_retired_version_into_service_again() {
    let (old, new) = two_versions().await;
    let registry = Registry::new([Arc::clone(&old)]);
    registry.insert(Arc::clone(&new));
    registry.insert(Arc::clone(&old));
    assert!(Arc::ptr_eq(&registry.get("one").unwrap(), &old));
    let retired: Vec<_> = registry.retired().iter().map(|p| *p.digest()).collect();
    assert_eq!(retired, [*new.digest()]);
    assert!(
        registry.insert(Arc::clone(&old)).is_none(),
        "the same again"
    );
    assert_eq!(registry.retired().len(), 1);
}

#[tokio::test]
async fn a_removed_plugin_is_out_of_service_and_still_there_for_its_work() {
    let (old, new) = two_versions().await;
    let registry = Registry::new([Arc::clone(&old)]);
    assert!(registry.remove("two").is_none());
    registry.remove("one").unwrap();
    assert!(registry.get("one").is_none() && registry.all().is_empty());
    assert!(registry.by_digest("one", old.digest()).is_some());
    registry.retain(Arc::clone(&new));
    registry.retain(Arc::clone(&new));
    assert_eq!(registry.retired().len(), 2);
    assert!(registry.get("one").is_none(), "kept, not in service");
}

#[tokio::test]
async fn a_probe_tells_what_a_component_is_and_keeps_nothing() {
    let runtime = Runtime::new(config()).unwrap();
    let bytes = Guest::new().build();
    let probe = runtime.probe("one", bytes.clone()).await.unwrap();
    assert_eq!(probe.class, LimitClass::Native);
    assert_eq!(probe.component_bytes, bytes.len());
    assert_eq!(probe.descriptor.id, "dev.wharf.test");
    let plugin = runtime.load("one", bytes).await.unwrap();
    assert_eq!(*plugin.digest(), probe.digest);
    assert_eq!(plugin.counts().calls, 2, "described anew");
    let refused = runtime.probe("one", b"nothing".to_vec()).await;
    assert_eq!(refused.unwrap_err().slug(), "plugin-not-a-component");
}
