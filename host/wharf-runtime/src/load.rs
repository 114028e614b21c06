//! The way a component takes into a [`Plugin`]: admitted, compiled or found compiled, linked, described.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, Weak};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wharf_core::provider::Descriptor;

use crate::admission::{self, Applicant};
use crate::cache::Purged;
use crate::call::{Call, Code};
use crate::compile;
use crate::config::LimitClass;
use crate::descriptor;
use crate::engine::Runtime;
use crate::error::{LoadError, LoadReason};
use crate::identity::Identity;
use crate::limits::Export;
use crate::plugin::{Loaded, Plugin};
use crate::v1;

/// What a component would be, if it were taken into service.
#[derive(Clone, Debug)]
pub struct Probe {
    /// SHA-256 of the component.
    pub digest: [u8; 32],
    pub class: LimitClass,
    pub component_bytes: usize,
    pub descriptor: Arc<Descriptor>,
}

/// What is known of some bytes before they are compiled.
enum Found {
    Loaded(Arc<Loaded>),
    Compiled([u8; 32], Component),
    Admitted([u8; 32], Vec<u8>),
}

impl Runtime {
    /// Admits, compiles and describes a component. Nothing of it runs before all checks on its bytes
    /// have passed, and then only `describe`, under its limits. It is in nobody's service until it is
    /// put into a [`crate::Registry`].
    pub async fn load(
        self: &Arc<Self>,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Arc<Plugin>, LoadError> {
        match self.take_in(name, bytes).await {
            Ok(loaded) => Ok(Arc::new(Plugin::new(Arc::clone(self), name, loaded))),
            Err(reason) => Err(LoadError {
                plugin: name.to_owned(),
                reason,
            }),
        }
    }

    /// As [`Runtime::load`], and lets go of it again. The code stays in the compile cache, so that
    /// loading it afterwards is quick.
    pub async fn probe(self: &Arc<Self>, name: &str, bytes: Vec<u8>) -> Result<Probe, LoadError> {
        let component_bytes = bytes.len();
        let plugin = self.load(name, bytes).await?;
        Ok(Probe {
            digest: *plugin.digest(),
            class: plugin.class(),
            component_bytes,
            descriptor: Arc::clone(plugin.descriptor()),
        })
    }

    /// Removes compiled plugins that nobody uses until the cache is within `cache_bytes_max`, oldest
    /// first. In use is what is loaded, and what `also` names: the digests that a lock file lists.
    pub fn purge_cache(&self, also: &[[u8; 32]]) -> std::io::Result<Purged> {
        let Some(cache) = &self.cache else {
            return Ok(Purged::default());
        };
        let mut in_use: HashSet<_> = also.iter().copied().collect();
        {
            let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            let alive = loaded.iter().filter(|(_, code)| code.strong_count() > 0);
            in_use.extend(alive.map(|(digest, _)| *digest));
        }
        cache.purge(&in_use, self.config.cache_bytes_max)
    }

    async fn take_in(
        self: &Arc<Self>,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Arc<Loaded>, LoadReason> {
        let class = self.config.class_of(name);
        let (digest, component) = match self.find(name, class, bytes).await? {
            Found::Loaded(loaded) => {
                // Another name's class may allow more than this one's.
                self.applicant(name, class)
                    .check_resources(loaded.code.component())?;
                return Ok(loaded);
            }
            Found::Compiled(digest, component) => (digest, component),
            Found::Admitted(digest, bytes) => (digest, self.compile(class, digest, bytes).await?),
        };
        self.applicant(name, class).check_resources(&component)?;
        let code = self.link(digest, &component)?;
        let descriptor = self.describe(name, class, &code).await?;
        let problems = descriptor::problems(&descriptor);
        if !problems.is_empty() {
            return Err(LoadReason::Descriptor { problems });
        }
        let loaded = Arc::new(Loaded::new(code, descriptor));
        self.remember(digest, &loaded);
        Ok(loaded)
    }

    fn applicant<'a>(&'a self, plugin: &'a str, class: LimitClass) -> Applicant<'a> {
        Applicant {
            plugin,
            class,
            limits: self.config.limits_of(class),
        }
    }

    /// Hashing, validating and reading code take up to a second, so they leave the executor's threads.
    async fn find(
        self: &Arc<Self>,
        name: &str,
        class: LimitClass,
        bytes: Vec<u8>,
    ) -> Result<Found, LoadReason> {
        self.applicant(name, class).check_size(bytes.len())?;
        let runtime = Arc::clone(self);
        blocking(move || {
            let digest: [u8; 32] = Sha256::digest(&bytes).into();
            if let Some(loaded) = runtime.recall(&digest) {
                return Ok(Found::Loaded(loaded));
            }
            if let Some(component) = runtime.cached(&digest) {
                return Ok(Found::Compiled(digest, component));
            }
            admission::check_bytes(&bytes)?;
            Ok(Found::Admitted(digest, bytes))
        })
        .await
    }

    async fn compile(
        self: &Arc<Self>,
        class: LimitClass,
        digest: [u8; 32],
        bytes: Vec<u8>,
    ) -> Result<Component, LoadReason> {
        let _turn = self.compiles.acquire().await.expect("it is never closed");
        let runtime = Arc::clone(self);
        blocking(move || {
            // The same bytes may have been compiled under another name while this waited.
            if let Some(component) = runtime.cached(&digest) {
                return Ok(component);
            }
            let cache = runtime.cache.as_ref();
            compile::compile(
                &runtime.engine,
                &runtime.config,
                class,
                cache,
                &digest,
                &bytes,
            )
        })
        .await
    }

    fn cached(&self, digest: &[u8; 32]) -> Option<Component> {
        compile::from_cache(&self.engine, self.cache.as_ref()?, digest)
    }

    fn link(&self, digest: [u8; 32], component: &Component) -> Result<Code, LoadReason> {
        let pre = self
            .linker
            .instantiate_pre(component)
            .map_err(|source| LoadReason::Link { source })?;
        let exports = v1::Exports::find(component)?;
        Ok(Code::new(digest, pre, exports, &self.config))
    }

    /// Twice, on two fresh instances: what a plugin may reach and how its webhooks are verified must
    /// not depend on when it is asked.
    async fn describe(
        &self,
        name: &str,
        class: LimitClass,
        code: &Code,
    ) -> Result<Descriptor, LoadReason> {
        let identity = Arc::new(Identity::new(name, "unknown", &code.digest, class));
        let ask = || async {
            let call = Call::new(self, code, &identity, Export::Describe);
            v1::describe(&call).await
        };
        let first = ask().await?;
        if ask().await? != first {
            return Err(LoadReason::Unsteady);
        }
        Ok(first)
    }

    fn recall(&self, digest: &[u8; 32]) -> Option<Arc<Loaded>> {
        let known = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(digest).and_then(Weak::upgrade)
    }

    fn remember(&self, digest: [u8; 32], loaded: &Arc<Loaded>) {
        let mut known = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, loaded| loaded.strong_count() > 0);
        known.insert(digest, Arc::downgrade(loaded));
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadReason> + Send + 'static,
) -> Result<T, LoadReason> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(panic) => Err(LoadReason::Compile {
            source: wasmtime::Error::msg(format!("the compiler gave up: {panic}")),
        }),
    }
}
