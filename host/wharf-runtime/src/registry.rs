//! The plugins in service by name, and the versions that work in flight still needs.
//!
//! Read on every request without a lock; a change replaces the whole picture. It must not know why a
//! version is kept: whoever swaps plugins says when one may go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::plugin::Plugin;

/// A call that began with one set of plugins ends with it: it holds its own [`Arc`].
#[derive(Default)]
pub struct Registry {
    plugins: ArcSwap<Plugins>,
    /// Held while the picture is changed, so that no change is lost.
    changing: Mutex<()>,
}

#[derive(Clone, Default)]
struct Plugins {
    in_service: HashMap<String, Arc<Plugin>>,
    /// Out of service, and still reachable by digest.
    retired: Vec<Arc<Plugin>>,
}

impl Registry {
    pub fn new(plugins: impl IntoIterator<Item = Arc<Plugin>>) -> Self {
        let registry = Self::default();
        registry.replace(plugins);
        registry
    }

    /// The plugin in service under a name.
    pub fn get(&self, name: &str) -> Option<Arc<Plugin>> {
        self.plugins.load().in_service.get(name).cloned()
    }

    /// The version of a plugin with this digest, in service or retired: for work that began with it.
    pub fn by_digest(&self, name: &str, digest: &[u8; 32]) -> Option<Arc<Plugin>> {
        let plugins = self.plugins.load();
        let in_service = plugins.in_service.get(name);
        in_service
            .into_iter()
            .chain(&plugins.retired)
            .find(|plugin| is(plugin, name, digest))
            .cloned()
    }

    /// All in service, sorted by name.
    pub fn all(&self) -> Vec<Arc<Plugin>> {
        let mut all: Vec<_> = self.plugins.load().in_service.values().cloned().collect();
        all.sort_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// The versions out of service that are still kept, oldest first.
    pub fn retired(&self) -> Vec<Arc<Plugin>> {
        self.plugins.load().retired.clone()
    }

    /// Takes a plugin into service under its name. The version that had the name retires and is
    /// returned; `None` when there was none or it is the same digest.
    pub fn insert(&self, plugin: Arc<Plugin>) -> Option<Arc<Plugin>> {
        self.change(|plugins| {
            let (name, digest) = (plugin.name().to_owned(), *plugin.digest());
            plugins.retired.retain(|old| !is(old, &name, &digest));
            let old = plugins.in_service.insert(name, plugin)?;
            plugins.retire(old, &digest)
        })
    }

    /// Takes a plugin out of service. It retires and is returned.
    pub fn remove(&self, name: &str) -> Option<Arc<Plugin>> {
        self.change(|plugins| {
            let old = plugins.in_service.remove(name)?;
            plugins.retired.push(Arc::clone(&old));
            Some(old)
        })
    }

    /// Lets go of a retired version: nothing finds it by its digest any more, and its code is freed
    /// when the last call of it ends. False when no such version is retired.
    pub fn release(&self, name: &str, digest: &[u8; 32]) -> bool {
        self.change(|plugins| {
            let before = plugins.retired.len();
            plugins.retired.retain(|old| !is(old, name, digest));
            plugins.retired.len() < before
        })
    }

    /// Keeps a version without taking it into service: what work in flight needs after a restart.
    pub fn retain(&self, plugin: Arc<Plugin>) {
        self.change(|plugins| {
            let (name, digest) = (plugin.name(), plugin.digest());
            let known = plugins.in_service.get(name).into_iter();
            if !known
                .chain(&plugins.retired)
                .any(|old| is(old, name, digest))
            {
                plugins.retired.push(plugin);
            }
        });
    }

    /// From here on these and no others, and nothing retired; of two with one name the later stays.
    pub fn replace(&self, plugins: impl IntoIterator<Item = Arc<Plugin>>) {
        let in_service = plugins
            .into_iter()
            .map(|plugin| (plugin.name().to_owned(), plugin))
            .collect();
        self.change(|plugins| {
            *plugins = Plugins {
                in_service,
                retired: Vec::new(),
            };
        });
    }

    fn change<T>(&self, work: impl FnOnce(&mut Plugins) -> T) -> T {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut plugins = Plugins::clone(&self.plugins.load());
        let result = work(&mut plugins);
        self.plugins.store(Arc::new(plugins));
        result
    }
}

impl Plugins {
    fn retire(&mut self, old: Arc<Plugin>, successor: &[u8; 32]) -> Option<Arc<Plugin>> {
        if old.digest() == successor {
            return None;
        }
        self.retired.push(Arc::clone(&old));
        Some(old)
    }
}

fn is(plugin: &Plugin, name: &str, digest: &[u8; 32]) -> bool {
    plugin.name() == name && plugin.digest() == digest
}
