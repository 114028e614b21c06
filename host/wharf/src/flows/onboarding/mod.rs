//! Onboarding: flows that go back and forth between the plugin, the provider and a person.
//!
//! A turn runs until the person is needed (a question, a visit, a wait) or the flow is done. What must
//! outlive the turn (the plugin's state, settings, secrets captured and minted so far) is handed out
//! sealed and bound to tenant, owner, version and flow: whoever keeps it cannot read or mix it.

mod answers;
mod guarded;
mod saved;
mod visit;

use std::sync::Arc;

use rand::Rng;
use secrecy::SecretString;
use url::Url;
use wharf_core::TenantId;
use wharf_core::provider::{
    Alphabet, Descriptor, Finding, Finished, FlowNext, FlowProgress, InputKind, Mint, Prompt,
    Question,
};
use wharf_egress::Secrets;
use wharf_runtime::{Interface, Plugin};
use wharf_store::Owner;

use super::FlowError;
use super::driver::{Driver, Limits, Progress};
use crate::app::App;
use crate::exchange::{Actor, Learned, Owners};
use crate::plugins::Digest;
use guarded::Guard;
use saved::{Awaited, Place, Saved};
pub use visit::Return;

/// Who runs a flow, and what they bring.
pub struct Party {
    /// None for the operator's own flows.
    pub tenant: Option<TenantId>,
    /// Who remembers what the flow's exchanges are answered with: the app, or the tenant's part of it.
    pub owner: Owner,
    /// The app's settings, or the channel's for a flow that mends one.
    pub settings: Vec<(String, String)>,
    pub secrets: Arc<dyn Secrets>,
    /// Public addresses of the owner's webhooks, by name.
    pub webhook_urls: std::collections::HashMap<String, String>,
    /// Where a browser comes back to; without it the flow cannot send one anywhere.
    pub return_url: Option<Return>,
}

/// What a turn came to.
pub struct Turn {
    /// Of this turn, in order.
    pub findings: Vec<Finding>,
    pub next: Next,
}

/// What the flow waits for. `saved` goes to [`answer`] unread.
pub enum Next {
    Ask {
        title: String,
        questions: Vec<Question>,
        saved: Vec<u8>,
    },
    /// Send the person's browser there. Of what it comes back with, the parameters in `returns` count.
    Visit {
        url: Url,
        returns: Vec<String>,
        saved: Vec<u8>,
        /// For [`Return::by_path`] from here on.
        by_path: bool,
    },
    /// Go on after this long, with no inputs.
    Wait {
        ms: u32,
        saved: Vec<u8>,
    },
    Done(Box<Onboarded>),
}

/// What a finished flow produced. The secrets are to be kept with the channels they belong to.
pub struct Onboarded {
    pub finished: Finished,
    /// Every setting that the flow set, the later over the earlier.
    pub settings: Vec<(String, String)>,
    /// Captured, minted and typed in; `name/slot` belongs to the channel of that slot, and a name
    /// without a slot to all of them. A flow's own inputs ended with it and are not among them.
    pub secrets: Vec<(String, Learned)>,
}

/// Begins a flow of the plugin's description. Of `inputs` the secret ones never reach the plugin.
pub async fn start(
    app: &App,
    plugin: &Plugin,
    party: Party,
    flow: &str,
    inputs: Vec<(String, String)>,
) -> Result<Turn, FlowError> {
    supported(plugin)?;
    let mut run = Run::new(app, plugin, party, flow)?;
    let inputs = answers::of_start(&run.actor, &run.descriptor, inputs)?;
    let given = inputs.iter().map(|(name, value)| (&**name, &**value));
    run.guard.learn(&run.descriptor, given);
    let context = run.actor.context(app);
    let progress = plugin.onboarding_start(&context, flow, &inputs).await?;
    run.turn(progress).await
}

/// Goes on with what the person answered, what the browser came back with, or nothing after a wait. The
/// version that began the flow ends it: its state is nobody else's to read. When that cannot be had any
/// more, the flow must begin anew ([`FlowError::VersionGone`]).
pub async fn answer(
    app: &App,
    plugin: &Plugin,
    party: Party,
    flow: &str,
    saved: &[u8],
    inputs: Vec<(String, Vec<String>)>,
) -> Result<Turn, FlowError> {
    let place = Place {
        tenant: party.tenant.as_ref(),
        owner: &party.owner,
        plugin: &plugin.descriptor().id,
        digest: saved::digest_of(saved)?,
        flow,
    };
    let saved = Saved::open(app, &place, saved)?;
    let earlier;
    let plugin = if place.digest.bytes() == plugin.digest() {
        plugin
    } else {
        earlier = app.lifecycle.pinned(plugin.name(), &place.digest).await;
        match &earlier {
            Ok(earlier) => &**earlier,
            Err(gone) => {
                return Err(FlowError::VersionGone {
                    reason: gone.to_string(),
                });
            }
        }
    };
    supported(plugin)?;
    let mut run = Run::new(app, plugin, party, flow)?;
    run.hold(saved.settings);
    run.guard = Guard::of(saved.answered);
    for secret in saved.secrets {
        let (name, learned) = secret.learned();
        run.actor.hold(&name, learned);
    }
    let inputs = answers::of(&run.actor, &run.descriptor, &saved.awaited, inputs)?;
    if let Awaited::Answers(questions) = &saved.awaited {
        run.guard.learn_answers(&run.descriptor, questions, &inputs);
    }
    let context = run.actor.context(app);
    let progress = plugin
        .onboarding_answer(&context, flow, &saved.state, &inputs)
        .await?;
    run.turn(progress).await
}

fn supported(plugin: &Plugin) -> Result<(), FlowError> {
    let interface = Interface::Onboarding;
    if plugin.has(interface) {
        return Ok(());
    }
    Err(FlowError::Unsupported {
        plugin: plugin.name().to_owned(),
        interface,
    })
}

struct Run<'a> {
    app: &'a App,
    plugin: &'a Plugin,
    flow: &'a str,
    actor: Actor,
    /// With the flow's own inputs among the others.
    descriptor: Arc<Descriptor>,
    guard: Guard,
    way_back: Option<Return>,
}

impl<'a> Run<'a> {
    fn new(
        app: &'a App,
        plugin: &'a Plugin,
        party: Party,
        flow: &'a str,
    ) -> Result<Self, FlowError> {
        let declared = plugin.descriptor();
        let Some(info) = declared.flow(flow) else {
            return Err(FlowError::FlowUnknown {
                plugin: plugin.name().to_owned(),
                flow: flow.to_owned(),
            });
        };
        let mut descriptor = Descriptor::clone(declared);
        descriptor.inputs.extend(info.inputs.iter().cloned());
        let descriptor = Arc::new(descriptor);
        let owners = Owners {
            app: party.owner.clone(),
            account: party.owner.clone(),
            channel: party.owner,
        };
        let mut actor =
            Actor::of_flow(party.tenant, Arc::clone(&descriptor), owners, party.secrets);
        actor.settings = party.settings;
        actor.webhook_urls = party.webhook_urls;
        actor.return_url = party.return_url.as_ref().map(Return::address);
        Ok(Self {
            app,
            plugin,
            flow,
            actor,
            descriptor,
            guard: Guard::default(),
            way_back: party.return_url,
        })
    }

    /// Runs until somebody is needed or the flow is done.
    async fn turn(mut self, first: FlowProgress) -> Result<Turn, FlowError> {
        let mut findings = Vec::new();
        let mut progress = first;
        let mut so_far = Progress::begin();
        loop {
            self.set(progress.settings)?;
            findings.extend(progress.findings);
            let limits = Limits::of_flow(self.app);
            let mut driver = Driver::resumed(self.app, self.plugin, &self.actor, limits, so_far);
            progress = match progress.next {
                FlowNext::Exchange(exchange) => {
                    let outcome = driver.exchange(&exchange).await?;
                    let context = driver.context();
                    self.plugin
                        .onboarding_resume(&context, self.flow, &exchange.state, &outcome)
                        .await?
                }
                FlowNext::Mint(mint) => {
                    driver.step()?;
                    self.actor.hold(&mint.secret, minted(&mint));
                    let context = driver.context();
                    self.plugin
                        .onboarding_answer(&context, self.flow, &mint.state, &[])
                        .await?
                }
                FlowNext::Ask(prompt) => return self.ask(findings, prompt),
                FlowNext::Visit(visit) => return self.visit(findings, visit),
                FlowNext::Wait(pause) => {
                    let saved = self.save(pause.state, Awaited::Nothing)?;
                    let next = Next::Wait {
                        ms: pause.ms,
                        saved,
                    };
                    return Ok(Turn { findings, next });
                }
                FlowNext::Done(finished) => return self.done(findings, finished),
            };
            so_far = driver.progress();
        }
    }

    fn ask(&self, findings: Vec<Finding>, prompt: Prompt) -> Result<Turn, FlowError> {
        let saved = self.save(prompt.state, Awaited::Answers(prompt.questions.clone()))?;
        let next = Next::Ask {
            title: prompt.title,
            questions: prompt.questions,
            saved,
        };
        Ok(Turn { findings, next })
    }

    fn done(self, findings: Vec<Finding>, finished: Finished) -> Result<Turn, FlowError> {
        let known = &self.actor.settings;
        self.guard
            .check_finished(&self.descriptor, known, &finished)?;
        let own = self.plugin.descriptor();
        let lasting = |name: &str| {
            let name = name.split_once('/').map_or(name, |(name, _)| name);
            own.input(name).is_some()
        };
        let mut secrets = self.actor.held();
        secrets.retain(|(name, _)| lasting(name));
        let onboarded = Onboarded {
            finished,
            settings: self.actor.settings,
            secrets,
        };
        Ok(Turn {
            findings,
            next: Next::Done(Box::new(onboarded)),
        })
    }

    /// What the plugin sets.
    fn set(&mut self, settings: Vec<(String, String)>) -> Result<(), FlowError> {
        let known = &self.actor.settings;
        self.guard.check(&self.descriptor, known, &settings)?;
        self.hold(settings);
        Ok(())
    }

    /// Later settings replace earlier ones of the same name.
    fn hold(&mut self, settings: Vec<(String, String)>) {
        for (name, value) in settings {
            self.actor.settings.retain(|(known, _)| *known != name);
            self.actor.settings.push((name, value));
        }
    }

    fn save(&self, state: Vec<u8>, awaited: Awaited) -> Result<Vec<u8>, FlowError> {
        let saved = Saved::new(
            state,
            awaited,
            self.actor.settings.clone(),
            self.guard.answered().to_vec(),
            self.actor.held(),
        );
        let place = Place {
            tenant: self.actor.tenant.as_ref(),
            // A flow's actor has one owner at all levels.
            owner: &self.actor.owners.channel,
            plugin: &self.plugin.descriptor().id,
            digest: Digest::from_bytes(*self.plugin.digest()),
            flow: self.flow,
        };
        saved.seal(self.app, &place)
    }
}

/// A secret nobody has seen. The alphabets are drawn from evenly.
fn minted(mint: &Mint) -> Learned {
    let letters: &[u8] = match mint.alphabet {
        Alphabet::Digits => b"0123456789",
        Alphabet::Hex => b"0123456789abcdef",
        Alphabet::Base64url => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    };
    let mut chance = rand::rng();
    let text: String = (0..mint.length)
        .map(|_| char::from(letters[chance.random_range(0..letters.len())]))
        .collect();
    Learned {
        value: SecretString::from(text),
        expires_at: None,
    }
}

/// True for what must not reach the plugin.
fn is_secret(descriptor: &Descriptor, name: &str) -> bool {
    let input = descriptor.input(name);
    input.is_some_and(|input| input.kind == InputKind::Secret)
}
