//! What a running gateway is told by signals: SIGTERM or Ctrl-C to end, SIGHUP to look at plugins anew.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::App;

/// Listened to before the gateway starts: whoever reads in the log that it serves may signal at once, and a
/// signal nobody listens to kills the process.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// To be called within a runtime.
    pub(super) fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// What the start gave, or nothing where the end was asked for first. A start that is dropped halfway is
    /// as one that was killed: the next one takes over.
    pub(super) async fn unless_told_to_stop<T>(
        &mut self,
        start: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<Option<T>> {
        tokio::select! {
            started = start => started.map(Some),
            () = self.told() => {
                tracing::info!("told to stop before it served");
                Ok(None)
            }
        }
    }

    /// SIGHUP, also one that came during the start: plugins are looked at now, and refused ones get another
    /// chance. The rest of the configuration is read at the start only. Returns with the first signal to
    /// end; a second one ends the process at once.
    pub(super) async fn until_told_to_stop(mut self, app: &Arc<App>) {
        let lifecycle = Arc::clone(&app.lifecycle);
        let mut hangup = self.hangup;
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                tracing::info!("plugins are looked at anew");
                lifecycle.reload();
            }
        });
        either(&mut self.terminate, &mut self.interrupt).await;
        tracing::info!("stopping; a second signal ends at once");
        tokio::spawn(async move {
            either(&mut self.terminate, &mut self.interrupt).await;
            std::process::exit(1);
        });
    }

    async fn told(&mut self) {
        either(&mut self.terminate, &mut self.interrupt).await;
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
