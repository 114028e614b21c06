//! Each entry alone with the plugin host and the egress policy: the reason by its type, and an honest
//! plugin of the same host right after.

use std::sync::Arc;

use secrecy::SecretString;
use wharf_core::provider::{HttpResponse, Outcome, Progress};
use wharf_egress::{Egress, EgressConfig, Grant, NoMedia, Secrets};
use wharf_hostile::{Contained, Guest, Hostile, REDIRECTING};
use wharf_runtime::{CallError, ClassLimits, Plugin, Runtime, RuntimeConfig};

use crate::runtime::{config, context, message, webhook};

/// How one entry ended, in the words of the catalogue.
type End = Result<(), String>;

/// The host with its limits, an honest plugin in it, and the policy of what leaves.
struct Stage {
    runtime: Arc<Runtime>,
    /// The same with all the time in the world, for what must come to its end on a busy machine.
    patient: Arc<Runtime>,
    honest: Arc<Plugin>,
    egress: Arc<Egress>,
}

struct NoSecret;

impl Secrets for NoSecret {
    fn get(&self, _name: &str) -> Option<SecretString> {
        None
    }
}

impl Stage {
    async fn new() -> Self {
        let runtime = Runtime::new(config()).unwrap();
        let patient = RuntimeConfig {
            native: ClassLimits {
                outbound_ms_max: 60_000,
                inbound_ms_max: 60_000,
                ..ClassLimits::native()
            },
            ..config()
        };
        Self {
            honest: runtime.load("honest", Guest::new().build()).await.unwrap(),
            patient: Runtime::new(patient).unwrap(),
            egress: Egress::new(EgressConfig::default()).unwrap(),
            runtime,
        }
    }

    async fn check(&self, hostile: &Hostile) -> End {
        let ends_by_itself = matches!(
            hostile.contained,
            Contained::Sent | Contained::Read | Contained::Unread("plugin-output-limit")
        );
        let runtime = match ends_by_itself {
            true => &self.patient,
            false => &self.runtime,
        };
        let loaded = runtime.load(hostile.name, hostile.component()).await;
        let plugin = match (hostile.contained, loaded) {
            (Contained::Refused { code, says }, Err(error)) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let text = format!("{error}: {}", cause.unwrap_or_default());
                return match error.slug() == code && text.contains(says) {
                    true => Ok(()),
                    false => Err(format!("{}: {text}", error.slug())),
                };
            }
            (_, Err(error)) => return Err(format!("it was not loaded: {error}")),
            (Contained::Refused { .. }, Ok(_)) => return Err("it was loaded".to_owned()),
            (_, Ok(plugin)) => plugin,
        };
        let end = match hostile.contained.is_by_webhook() {
            true => read(&plugin).await,
            false => self.send(&plugin).await,
        };
        let wanted = match hostile.contained {
            Contained::Failed(code) | Contained::Unknown(code) | Contained::Unread(code) => code,
            Contained::Sent | Contained::Read | Contained::Refused { .. } => "",
        };
        match end.as_ref().err().map_or("", String::as_str) {
            code if code == wanted => Ok(()),
            other => Err(format!("it ended with {other:?}")),
        }
    }

    /// What an attempt of the gateway does, with an answer of 200 to everything that may leave.
    async fn send(&self, plugin: &Plugin) -> Result<(), String> {
        /// As `send.exchanges_max`.
        const EXCHANGES_MAX: usize = 6;
        let (context, message) = (context(), message());
        let mut step = plugin.start(&context, &message).await;
        for _ in 0..EXCHANGES_MAX {
            let exchange = match step {
                Ok(Progress::Exchange(exchange)) => exchange,
                Ok(Progress::Done(_)) => return Ok(()),
                Err(error) => return Err(error.slug().to_owned()),
            };
            let grant = Grant {
                descriptor: plugin.descriptor(),
                settings: &[],
                secrets: &NoSecret,
                webhook_url: &|_| None,
                media: Arc::new(NoMedia),
                return_url: None,
            };
            let prepared = self.egress.prepare(&exchange, &grant);
            prepared.map_err(|denied| denied.slug().to_owned())?;
            let status = match exchange.request.url.contains(REDIRECTING) {
                true => 302,
                false => 200,
            };
            let answer = Outcome::Response(HttpResponse {
                status,
                headers: Vec::new(),
                body: b"{}".to_vec(),
            });
            step = plugin
                .resume(&context, &message, &exchange.state, &answer)
                .await;
        }
        Err("plugin-exchanges-limit".to_owned())
    }

    async fn still_serves(&self) {
        let done = self.honest.start(&context(), &message()).await.unwrap();
        assert!(matches!(done, Progress::Done(_)), "{done:?}");
    }
}

/// Page by page, as far as the gateway goes.
async fn read(plugin: &Plugin) -> Result<(), String> {
    const PAGES_MAX: usize = 100;
    let mut skip = 0;
    for _ in 0..PAGES_MAX {
        let parsed = plugin.parse(&context(), &webhook(b"{}"), skip).await;
        let parsed = parsed.map_err(|error: CallError| error.slug().to_owned())?;
        match parsed.next {
            Some(next) => skip = next,
            None => break,
        }
    }
    Ok(())
}

#[tokio::test]
async fn each_is_contained_by_its_named_reason_and_the_host_serves_on() {
    let stage = Stage::new().await;
    let mut wrong = Vec::new();
    for hostile in wharf_hostile::all() {
        if let Err(end) = stage.check(&hostile).await {
            wrong.push(format!(
                "{}: {end}, not {:?}",
                hostile.name, hostile.contained
            ));
        }
        stage.still_serves().await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(stage.honest.counts().faults, 0);
}

/// What is described once is what is served: no later call is asked again what the plugin may do.
#[tokio::test]
async fn a_plugin_that_describes_itself_anew_is_held_to_its_first_words() {
    let stage = Stage::new().await;
    let mut all = wharf_hostile::all().into_iter();
    let fickle = all
        .find(|hostile| hostile.name == "fickle-describe")
        .unwrap();
    let first = stage.runtime.load("one", fickle.component()).await.unwrap();
    first.start(&context(), &message()).await.unwrap();
    let second = stage.runtime.load("two", fickle.component()).await.unwrap();
    drop(Arc::clone(&second));
    let other = Runtime::new(config()).unwrap();
    let third = other.load("three", fickle.component()).await.unwrap();
    for plugin in [&first, &second, &third] {
        assert_eq!(plugin.descriptor().endpoints[0].host, wharf_hostile::HOST);
    }
}
