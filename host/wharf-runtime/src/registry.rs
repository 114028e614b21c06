//! The plugins in service, by name. Read on every request, replaced as a whole.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::plugin::Plugin;

/// A call that began with one set of plugins ends with it: it holds its own [`Arc`].
#[derive(Default)]
pub struct Registry {
    plugins: ArcSwap<HashMap<String, Arc<Plugin>>>,
}

impl Registry {
    pub fn new(plugins: impl IntoIterator<Item = Arc<Plugin>>) -> Self {
        let registry = Self::default();
        registry.replace(plugins);
        registry
    }

    pub fn get(&self, name: &str) -> Option<Arc<Plugin>> {
        self.plugins.load().get(name).cloned()
    }

    /// All of them, sorted by name.
    pub fn all(&self) -> Vec<Arc<Plugin>> {
        let mut all: Vec<_> = self.plugins.load().values().cloned().collect();
        all.sort_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// From here on these and no others; of two with one name the later stays.
    pub fn replace(&self, plugins: impl IntoIterator<Item = Arc<Plugin>>) {
        let by_name = plugins
            .into_iter()
            .map(|plugin| (plugin.name().to_owned(), plugin))
            .collect();
        self.plugins.store(Arc::new(by_name));
    }
}
