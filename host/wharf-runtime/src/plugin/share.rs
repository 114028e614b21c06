//! Which thread a call runs on.

use super::Plugin;
use crate::aside::Aside;

impl Plugin {
    /// There when a call of the plugin would take more of the processor than is its share.
    pub(super) fn aside(&self) -> Option<&Aside> {
        let now_ms = self.runtime.clock.now_ms();
        let is_burdensome = self.loaded.code.is_burdensome(now_ms);
        is_burdensome.then_some(&self.runtime.aside)
    }
}

/// `by_share!(self => plugin, [references] { call })`: makes the call where the caller is, or aside, with
/// copies of the references, when the plugin runs long or has used up its share.
macro_rules! by_share {
    ($this:expr => $plugin:ident, [$($reference:ident),*] $call:block) => {
        match $this.aside() {
            None => {
                let $plugin = $this;
                async { $call }.await
            }
            Some(aside) => {
                let owned = ($this.clone(), $($reference.to_owned()),*);
                let work = aside.run(async move {
                    let ($plugin, $($reference),*) = &owned;
                    async { $call }.await
                });
                // Not in the caller's own future, which would be as large for every call.
                Box::pin(work).await
            }
        }
    };
}
