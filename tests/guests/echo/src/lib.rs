//! A provider that tests hold like a mirror to the host.
//!
//! It exports the whole interface. Called with a setting `answer`, a function returns what that JSON
//! says; called without, it returns an exchange whose body is its arguments as JSON. `describe` returns
//! the description that stands in the component's data, where a test writes another over it. The JSON has
//! the names that the generated Rust types have.

use serde::Serialize;
use serde::de::DeserializeOwned;

wit_bindgen::generate!({
    path: "../../../wit",
    world: "provider-full",
    additional_derives: [serde::Serialize, serde::Deserialize],
});

use exports::wharf::provider::{
    health, inbound, manifest, media, onboarding, outbound, profile, reconcile, templates,
};
use wharf::provider::errors::{Code, Error, Retry};
use wharf::provider::messages::Message;
use wharf::provider::types::{
    Body, Context, Exchange, HttpMethod, HttpRequest, Outcome, Query, Replay, Sink,
};

/// JSON, padded with spaces.
static DESCRIPTION: [u8; 16_384] = padded(include_bytes!("description.json"));

const fn padded<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut bytes = [b' '; N];
    let mut at = 0;
    while at < text.len() {
        bytes[at] = text[at];
        at += 1;
    }
    bytes
}

struct Echo;

export!(Echo);

/// What the test wants returned, else `echo` of the arguments.
fn answer<T: DeserializeOwned>(context: &Context, echo: impl FnOnce() -> T) -> Result<T, Error> {
    let wanted = context.settings.iter().find(|(name, _)| name == "answer");
    let Some((_, wanted)) = wanted else {
        return Ok(echo());
    };
    serde_json::from_str(wanted).unwrap_or_else(|error| {
        Err(Error {
            code: Code::Misconfigured,
            retry: Retry::Never,
            provider_code: None,
            trace_id: None,
            detail: format!("the test's answer is no answer: {error}"),
            remedy: None,
            pace: Vec::new(),
        })
    })
}

fn text(arguments: impl Serialize) -> String {
    serde_json::to_string(&arguments).expect("the interface's types are JSON")
}

fn exchange(arguments: impl Serialize) -> Exchange {
    Exchange {
        label: "echo".to_owned(),
        request: HttpRequest {
            method: HttpMethod::Post,
            url: "https://api.example.com/v1/echo".to_owned(),
            query: Query::Fields(Vec::new()),
            headers: Vec::new(),
            body: Body::Bytes(("application/json".to_owned(), text(arguments).into_bytes())),
            timeout_ms: None,
        },
        replay: Replay::Safe,
        sink: Sink::Buffer(1024),
        capture: Vec::new(),
        memo: None,
        bucket: None,
        delay_ms: 0,
        state: Vec::new(),
    }
}

impl manifest::Guest for Echo {
    fn describe() -> manifest::Descriptor {
        // Through a volatile read, or the compiler would know the description it was built with.
        let bytes = unsafe { std::ptr::read_volatile(&raw const DESCRIPTION) };
        serde_json::from_slice(&bytes).expect("the description is JSON of its type")
    }
}

impl outbound::Guest for Echo {
    fn start(ctx: Context, message: Message) -> Result<outbound::Progress, Error> {
        answer(&ctx, || {
            outbound::Progress::Exchange(exchange((&ctx, message)))
        })
    }

    fn resume(
        ctx: Context,
        message: Message,
        state: Vec<u8>,
        outcome: Outcome,
    ) -> Result<outbound::Progress, Error> {
        answer(&ctx, || {
            outbound::Progress::Exchange(exchange((&ctx, message, state, outcome)))
        })
    }
}

impl inbound::Guest for Echo {
    fn parse(ctx: Context, webhook: inbound::Webhook, skip: u32) -> Result<inbound::Parsed, Error> {
        answer(&ctx, || inbound::Parsed {
            items: vec![inbound::Item {
                route: inbound::Route::App,
                pointer: None,
                dedupe_key: "echo".to_owned(),
                event: inbound::Event::Other(text((&ctx, webhook, skip))),
            }],
            next: None,
        })
    }
}

impl media::Guest for Echo {
    fn start(ctx: Context, request: media::Request) -> Result<media::Progress, Error> {
        answer(&ctx, || {
            media::Progress::Exchange(exchange((&ctx, request)))
        })
    }

    fn resume(
        ctx: Context,
        request: media::Request,
        state: Vec<u8>,
        outcome: Outcome,
    ) -> Result<media::Progress, Error> {
        answer(&ctx, || {
            media::Progress::Exchange(exchange((&ctx, request, state, outcome)))
        })
    }
}

impl templates::Guest for Echo {
    fn start(ctx: Context, request: templates::Request) -> Result<templates::Progress, Error> {
        answer(&ctx, || {
            templates::Progress::Exchange(exchange((&ctx, request)))
        })
    }

    fn resume(
        ctx: Context,
        request: templates::Request,
        state: Vec<u8>,
        outcome: Outcome,
    ) -> Result<templates::Progress, Error> {
        answer(&ctx, || {
            templates::Progress::Exchange(exchange((&ctx, request, state, outcome)))
        })
    }
}

impl health::Guest for Echo {
    fn start(ctx: Context) -> Result<health::Progress, Error> {
        answer(&ctx, || health::Progress::Exchange(exchange((&ctx,))))
    }

    fn resume(ctx: Context, state: Vec<u8>, outcome: Outcome) -> Result<health::Progress, Error> {
        answer(&ctx, || {
            health::Progress::Exchange(exchange((&ctx, state, outcome)))
        })
    }
}

impl reconcile::Guest for Echo {
    fn start(ctx: Context, message: Message, sent_at: u64) -> Result<reconcile::Progress, Error> {
        answer(&ctx, || {
            reconcile::Progress::Exchange(exchange((&ctx, message, sent_at)))
        })
    }

    fn resume(
        ctx: Context,
        message: Message,
        sent_at: u64,
        state: Vec<u8>,
        outcome: Outcome,
    ) -> Result<reconcile::Progress, Error> {
        answer(&ctx, || {
            reconcile::Progress::Exchange(exchange((&ctx, message, sent_at, state, outcome)))
        })
    }

    fn catch_up(ctx: Context, since: u64) -> Result<reconcile::CatchUpProgress, Error> {
        answer(&ctx, || {
            reconcile::CatchUpProgress::Exchange(exchange((&ctx, since)))
        })
    }

    fn catch_up_resume(
        ctx: Context,
        since: u64,
        state: Vec<u8>,
        outcome: Outcome,
    ) -> Result<reconcile::CatchUpProgress, Error> {
        answer(&ctx, || {
            reconcile::CatchUpProgress::Exchange(exchange((&ctx, since, state, outcome)))
        })
    }
}

impl profile::Guest for Echo {
    fn start(ctx: Context, request: profile::Request) -> Result<profile::Progress, Error> {
        answer(&ctx, || {
            profile::Progress::Exchange(exchange((&ctx, request)))
        })
    }

    fn resume(
        ctx: Context,
        request: profile::Request,
        state: Vec<u8>,
        outcome: Outcome,
    ) -> Result<profile::Progress, Error> {
        answer(&ctx, || {
            profile::Progress::Exchange(exchange((&ctx, request, state, outcome)))
        })
    }
}

fn flow(next: Exchange) -> onboarding::Progress {
    onboarding::Progress {
        settings: Vec::new(),
        findings: Vec::new(),
        next: onboarding::Next::Exchange(next),
    }
}

impl onboarding::Guest for Echo {
    fn start(
        ctx: Context,
        id: String,
        inputs: Vec<(String, String)>,
    ) -> Result<onboarding::Progress, Error> {
        answer(&ctx, || flow(exchange((&ctx, id, inputs))))
    }

    fn resume(
        ctx: Context,
        id: String,
        state: Vec<u8>,
        outcome: Outcome,
    ) -> Result<onboarding::Progress, Error> {
        answer(&ctx, || flow(exchange((&ctx, id, state, outcome))))
    }

    fn answer(
        ctx: Context,
        id: String,
        state: Vec<u8>,
        inputs: Vec<(String, Vec<String>)>,
    ) -> Result<onboarding::Progress, Error> {
        answer(&ctx, || flow(exchange((&ctx, id, state, inputs))))
    }
}
