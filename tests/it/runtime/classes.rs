//! Limit classes: each limit met and just not met, and the remedy that names the key.

use std::collections::BTreeMap;

use wharf_runtime::{ClassLimits, LimitClass, LoadError, LoadReason, Runtime, RuntimeConfig};

use super::guest::Guest;
use super::{config, context, load, load_with, message};

const MIB: usize = 1024 * 1024;

fn as_interpreter() -> RuntimeConfig {
    RuntimeConfig {
        classes: BTreeMap::from([("test".to_owned(), LimitClass::Interpreter)]),
        ..config()
    }
}

async fn refusal(config: RuntimeConfig, bytes: Vec<u8>) -> LoadError {
    load_with(config, bytes).await.err().expect("it is refused")
}

/// What is refused names its key and, for a native plugin, the other class.
fn assert_remedy(error: &LoadError, class: &str, key: &str) {
    let text = error.to_string();
    assert!(text.contains(&format!("plugins.{class}.{key}")), "{text}");
    let hint = "plugins.class.test = \"interpreter\"";
    assert_eq!(text.contains(hint), class == "native", "{text}");
}

#[tokio::test]
async fn the_size_of_a_component_is_a_matter_of_its_class() {
    let bytes = Guest::new().build();
    let limited = |max| RuntimeConfig {
        native: ClassLimits {
            component_bytes_max: max,
            ..ClassLimits::native()
        },
        ..config()
    };
    load_with(limited(bytes.len()), bytes.clone())
        .await
        .unwrap();
    let error = refusal(limited(bytes.len() - 1), bytes.clone()).await;
    assert!(matches!(error.reason, LoadReason::TooLarge { .. }));
    assert_remedy(&error, "native", "component_bytes_max");
    let mut interpreted = limited(1);
    interpreted.classes = as_interpreter().classes;
    let plugin = load_with(interpreted, bytes).await.unwrap();
    assert_eq!(plugin.class(), LimitClass::Interpreter);
}

#[tokio::test]
async fn initial_memory_is_held_to_the_class() {
    let with_pages = |pages: u32| {
        let mut guest = Guest::new();
        guest.pages = pages;
        guest.build()
    };
    load(with_pages(512)).await.unwrap();
    let error = refusal(config(), with_pages(513)).await;
    assert_eq!(error.slug(), "plugin-needs-too-much");
    assert_remedy(&error, "native", "memory_bytes_max");
    load_with(as_interpreter(), with_pages(2048)).await.unwrap();
    let error = refusal(as_interpreter(), with_pages(2049)).await;
    assert_remedy(&error, "interpreter", "memory_bytes_max");
}

#[tokio::test]
async fn table_elements_are_held_to_the_class() {
    let with_table = |elements: u32| {
        let mut guest = Guest::new();
        guest.items = format!("(table {elements} funcref)");
        guest.build()
    };
    load(with_table(20_000)).await.unwrap();
    let error = refusal(config(), with_table(20_001)).await;
    assert_remedy(&error, "native", "table_elements_max");
    load_with(as_interpreter(), with_table(100_000))
        .await
        .unwrap();
    let error = refusal(as_interpreter(), with_table(100_001)).await;
    assert!(matches!(error.reason, LoadReason::Shape { .. }), "{error}");
    assert_eq!(error.slug(), "plugin-needs-too-much");
    assert!(error.to_string().contains("100001"), "{error}");
}

#[tokio::test]
async fn the_number_of_tables_is_held_to_the_class() {
    let with_tables = |count: usize| {
        let mut guest = Guest::new();
        guest.items = "(table 1 funcref)".repeat(count);
        guest.build()
    };
    // A component of this shape has one more, for its adapter.
    load(with_tables(15)).await.unwrap();
    let error = refusal(config(), with_tables(17)).await;
    assert_remedy(&error, "native", "tables_max");
    load_with(as_interpreter(), with_tables(17)).await.unwrap();
}

#[tokio::test]
async fn memory_of_a_call_is_held_to_the_class() {
    // Two MiB at the start; so many more pages.
    let growing = |pages: usize| {
        let mut guest = Guest::new();
        guest.start = format!(
            "(drop (memory.grow (i32.const {pages}))) {}",
            guest.start.clone()
        );
        guest.build()
    };
    let pages = (32 * MIB) / (64 * 1024) - 32;
    let plugin = load(growing(pages)).await.unwrap();
    plugin.start(&context(), &message()).await.unwrap();
    let plugin = load(growing(pages + 1)).await.unwrap();
    let error = plugin.start(&context(), &message()).await.unwrap_err();
    assert_eq!(error.slug(), "plugin-memory-limit");
    let plugin = load_with(as_interpreter(), growing(pages + 1))
        .await
        .unwrap();
    plugin.start(&context(), &message()).await.unwrap();
}

#[tokio::test]
async fn one_component_under_two_names_is_held_to_each_names_class() {
    let mut guest = Guest::new();
    guest.pages = 1024;
    let bytes = guest.build();
    let runtime = Runtime::new(as_interpreter()).unwrap();
    let loaded = runtime.load("test", bytes.clone()).await.unwrap();
    let error = runtime.load("other", bytes).await.err().unwrap();
    assert!(error.to_string().contains("plugins.native."), "{error}");
    loaded.start(&context(), &message()).await.unwrap();
}
