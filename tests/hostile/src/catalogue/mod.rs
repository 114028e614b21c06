//! The catalogue: what a plugin can try, and the named end that it meets.

mod burning;
mod describing;
mod exchanging;
mod files;
mod logging;
mod parsing;
mod returning;

use serde_json::{Value, json};

use crate::guest::Guest;

/// The host that guests may reach by `get` and `post` below `/v1/`.
pub const HOST: &str = "api.example.com";
/// A host that they may reach too, and the only one their secret `token` may go to.
pub const TRUSTED_HOST: &str = "id.example.com";
/// The setting `sender` of the channel that a guest is given: what its webhooks are routed by.
pub const SENDER: &str = "hostile";
/// Where a counterpart that plays [`HOST`] answers 302 to the metadata address of clouds; everywhere
/// else it answers 200 and `{}`.
pub const REDIRECTING: &str = "/v1/redirect";

/// One plugin that means harm.
pub struct Hostile {
    pub name: &'static str,
    /// What it tries.
    pub deed: &'static str,
    pub contained: Contained,
    /// Whether it presses on what tenants share (processors, memory, the disk, the log), and so on
    /// the latency of others. The rest is refused before it costs anything.
    pub strains: bool,
    make: fn() -> Vec<u8>,
}

/// Where it acts and how it ends. Codes are those that users and operators see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contained {
    /// It is never taken into service: the code of the refusal, and words that its text has.
    Refused {
        code: &'static str,
        says: &'static str,
    },
    /// It is loaded, and the message given to it fails with this code.
    Failed(&'static str),
    /// Its request went out and must not go out again: the message is unknown, with this code.
    Unknown(&'static str),
    /// The message counts as sent: what was wrong with the call was cut, escaped or not believed.
    Sent,
    /// The webhook given to it cannot be read, with this code.
    Unread(&'static str),
    /// The webhook counts as read: what was wrong has no effect on anybody else.
    Read,
}

impl Contained {
    /// Whether it harms by being called, and not by being loaded.
    pub fn is_in_service(self) -> bool {
        !matches!(self, Self::Refused { .. })
    }

    /// Whether its weapon is `parse`, so that it needs a webhook to act.
    pub fn is_by_webhook(self) -> bool {
        matches!(self, Self::Unread(_) | Self::Read)
    }
}

impl Hostile {
    /// The component, or what pretends to be one.
    pub fn component(&self) -> Vec<u8> {
        (self.make)()
    }

    fn refused(
        name: &'static str,
        deed: &'static str,
        (code, says): (&'static str, &'static str),
        make: fn() -> Vec<u8>,
    ) -> Self {
        let contained = Contained::Refused { code, says };
        Self::serving(name, deed, contained, make)
    }

    fn serving(
        name: &'static str,
        deed: &'static str,
        contained: Contained,
        make: fn() -> Vec<u8>,
    ) -> Self {
        Self {
            name,
            deed,
            contained,
            strains: false,
            make,
        }
    }

    fn straining(mut self) -> Self {
        self.strains = true;
        self
    }
}

/// Every entry, those that are never loaded first.
pub fn all() -> Vec<Hostile> {
    let parts = [
        files::entries(),
        describing::entries(),
        burning::entries(),
        returning::entries(),
        exchanging::entries(),
        logging::entries(),
        parsing::entries(),
    ];
    parts.into_iter().flatten().collect()
}

/// What a hostile plugin is compared with: the same description, and nothing harmful behind it.
pub fn harmless() -> Vec<u8> {
    guest().build()
}

const ENDLESS: &str = "(loop $again (br $again)) unreachable";

/// A guest that may reach both hosts, has a secret, and one webhook whose only check is its address.
fn guest() -> Guest {
    let mut guest = Guest::new();
    let endpoint =
        |host: &str| json!({ "host": host, "methods": ["get", "post"], "paths": ["/v1/"] });
    guest.descriptor["endpoints"] = json!([endpoint(HOST), endpoint(TRUSTED_HOST)]);
    guest.descriptor["inputs"] = json!([
        { "name": "sender", "kind": "text", "level": "channel", "title": "A number" },
        { "name": "token", "kind": "secret", "level": "channel", "title": "A secret", "audience": [TRUSTED_HOST] },
    ]);
    guest.descriptor["webhooks"] = json!([webhook(&json!([path_token()]))]);
    guest
}

fn webhook(checks: &Value) -> Value {
    json!({
        "name": "main", "level": "channel", "checks": checks, "ack": { "status": 200 },
        "max-body": 4 << 20,
    })
}

fn path_token() -> Value {
    json!({ "when": "always", "verify": "path-token" })
}

/// `ok(exchange(...))` of a GET that may be repeated, changed by what is given.
fn asking(request: &Value, more: &Value) -> Value {
    let mut exchange = json!({
        "label": "send", "replay": "safe", "sink": { "buffer": 1 << 16 },
        "request": { "method": "get", "url": format!("https://{HOST}/v1/send") },
    });
    merge(&mut exchange["request"], request);
    merge(&mut exchange, more);
    json!({ "ok": { "exchange": exchange } })
}

fn merge(into: &mut Value, from: &Value) {
    for (name, value) in from.as_object().into_iter().flatten() {
        into[name] = value.clone();
    }
}
