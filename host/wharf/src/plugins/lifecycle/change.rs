//! One name's way from what is wanted to what is in service, or to a refusal that changes nothing.

use std::sync::Arc;

use wharf_runtime::{Plugin, Registry};

use super::{Lifecycle, Loader, off_thread};
use crate::app::App;
use crate::plugins::digest::Digest;
use crate::plugins::permissions::Permissions;
use crate::plugins::wanted::Wanted;
use crate::sync;

/// Why a version did not come into service.
pub(super) struct Refusal {
    pub(super) digest: Option<Digest>,
    pub(super) reason: String,
    /// The same files will be refused again; without it the next look tries anew.
    pub(super) lasting: bool,
}

/// A component that may come into service.
pub(super) struct Probed {
    pub(super) plugin: Arc<Plugin>,
    pub(super) permissions: Permissions,
}

impl Loader {
    /// Reads, admits, compiles and describes it, and holds it against what the operator approved.
    pub(super) async fn probe(&self, name: &str, wanted: &Wanted) -> Result<Probed, Refusal> {
        let unread = |reason| Refusal {
            digest: wanted.digest(),
            reason,
            lasting: false,
        };
        let bytes = match wanted {
            Wanted::Locked(entry) => self.stored(&entry.current.digest).await,
            Wanted::Dropped(file) => {
                let (folder, path) = (self.folder.clone(), file.path.clone());
                off_thread(move || folder.read(&path)).await
            }
        };
        let bytes = bytes.map_err(unread)?;
        let digest = Digest::of(&bytes);
        let refuse = |reason: String| Refusal {
            digest: Some(digest),
            reason,
            lasting: true,
        };
        let exports = wharf_runtime::exports(&bytes);
        let loaded = self.runtime.load(name, bytes).await;
        let plugin = loaded.map_err(|error| refuse(crate::http::Chain(&error).to_string()))?;
        let exports = exports.map_err(|reason| refuse(reason.to_string()))?;
        let permissions = Permissions::of(plugin.descriptor(), &exports);
        if let Wanted::Locked(entry) = wanted {
            let (id, found) = (&entry.id, &plugin.descriptor().id);
            if id != found {
                return Err(refuse(format!(
                    "the lock says it is {id}, it says {found}; `wharf plugin add` it again"
                )));
            }
            let more = permissions.beyond(&entry.approved.permissions);
            if !more.is_empty() {
                let more = more.join("; ");
                return Err(refuse(format!(
                    "it asks for more than was approved ({more}); `wharf plugin add` it again and approve it"
                )));
            }
        }
        Ok(Probed {
            plugin,
            permissions,
        })
    }
}

impl Lifecycle {
    /// Puts a version into service: after this call every new request meets it, and the one before is
    /// retired.
    pub(super) async fn swap(&self, app: &App, probed: &Probed) -> Result<(), Refusal> {
        let plugin = &probed.plugin;
        let name = plugin.name();
        let refuse = |reason: String, lasting: bool| Refusal {
            digest: Some(Digest::from_bytes(*plugin.digest())),
            reason,
            lasting,
        };
        let old = self.registry.get(name);
        if let Some(old) = &old {
            let (known, found) = (&old.descriptor().id, &plugin.descriptor().id);
            if known != found {
                return Err(refuse(
                    format!(
                        "{name} is the plugin {known}, and this is {found}; give it another name"
                    ),
                    true,
                ));
            }
        }
        let candidate = Arc::new(Registry::new([Arc::clone(plugin)]));
        let problems = sync::problems_of(&app.config, name, &candidate, old.as_deref());
        if !problems.is_empty() {
            let problems = problems.join("; ");
            return Err(refuse(
                format!("it does not fit the configuration: {problems}"),
                true,
            ));
        }
        // Addresses of new webhooks before the first call that asks for one.
        let needed = old
            .as_ref()
            .is_none_or(|old| sync::differs(old.descriptor(), plugin.descriptor()));
        if needed {
            let adopted = sync::adopt(app, &candidate, name).await;
            adopted.map_err(|error| refuse(crate::http::Chain(&error).to_string(), false))?;
        }
        self.registry.insert(Arc::clone(plugin));
        app.directory.forget_all();
        Ok(())
    }

    /// Takes a plugin out of service, unless something here is configured with it.
    pub(super) fn withdraw(&self, app: &App, name: &str) -> Result<(), String> {
        let users = sync::users_of(&app.config, name);
        if !users.is_empty() {
            return Err(format!(
                "its component is gone, but {} use it, so the loaded version stays in service; add it again, or take it out of the configuration and restart",
                users.join(", ")
            ));
        }
        self.registry.remove(name);
        app.directory.forget_all();
        Ok(())
    }
}
