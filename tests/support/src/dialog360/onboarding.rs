//! The integrated onboarding: what the browser brings back, and the link that it was sent with.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};

use super::Shared;
use super::channel::Channel;
use crate::cloud::PhoneNumber;
use crate::cloud::number::Number;

/// How old a signed link may be. No figure is published; an hour is what a person needs at most.
const LINK_AGE_S_MAX: u64 = 60 * 60;

/// A client who connects numbers in 360dialog's window.
#[derive(Clone)]
pub struct Onboarding {
    pub(super) client_id: String,
    pub(super) numbers: Vec<PhoneNumber>,
    pub(super) revoked: Vec<String>,
    pub(super) allows_keys: bool,
    pub(super) is_running: bool,
    pub(super) state: Option<String>,
}

impl Onboarding {
    /// Numbers that run at once; their `token` does not matter.
    #[must_use]
    pub fn new(client_id: &str, numbers: Vec<PhoneNumber>) -> Self {
        Self {
            client_id: client_id.to_owned(),
            numbers,
            revoked: Vec::new(),
            allows_keys: true,
            is_running: true,
            state: None,
        }
    }

    /// What the link said as `state` comes back.
    #[must_use]
    pub fn with_state(mut self, state: &str) -> Self {
        self.state = Some(state.to_owned());
        self
    }

    /// The client did not tick the permission that lets the partner make keys.
    #[must_use]
    pub fn without_permission(mut self) -> Self {
        self.allows_keys = false;
        self
    }

    /// The channels take their time; `FakeDialog360::run_channel` ends it.
    #[must_use]
    pub fn not_running_yet(mut self) -> Self {
        self.is_running = false;
        self
    }

    /// A channel whose permission was taken back.
    #[must_use]
    pub fn revoking(mut self, channel_id: &str) -> Self {
        self.revoked.push(channel_id.to_owned());
        self
    }
}

/// Writes a client into the books; the query of the return. The brackets are literal.
pub(super) fn onboard(shared: &Shared, onboarding: &Onboarding) -> String {
    let mut ids = Vec::new();
    for number in &onboarding.numbers {
        let mut world = shared.platform.world();
        world.open_account(&number.account_id, true);
        world.numbers.retain(|known| known.base.id != number.id);
        world.numbers.push(Number::connected(number));
        drop(world);
        let mut channel = Channel::created(number, &onboarding.client_id);
        channel.allows_keys = onboarding.allows_keys;
        if onboarding.is_running {
            "running".clone_into(&mut channel.status);
        }
        ids.push(channel.id.clone());
        let mut books = shared.books();
        books.channels.retain(|known| known.id != channel.id);
        books.channels.push(channel);
    }
    let mut query = format!(
        "client={}&channels=[{}]",
        onboarding.client_id,
        ids.join(",")
    );
    if !onboarding.revoked.is_empty() {
        query.push_str(&format!("&revoked=[{}]", onboarding.revoked.join(",")));
    }
    if let Some(state) = &onboarding.state {
        let state: String = url::form_urlencoded::byte_serialize(state.as_bytes()).collect();
        query.push_str(&format!("&state={state}"));
    }
    query
}

/// Reads the link that a browser is sent with; the error says what 360dialog would not take.
pub(super) fn check_link(shared: &Shared, link: &str) -> Result<(), String> {
    let url = url::Url::parse(link).map_err(|error| format!("the link is no URL: {error}"))?;
    let partner = &shared.config.partner;
    let expected = format!("/onboarding/{}", partner.id);
    let older = format!("/dashboard/app/{}", partner.id);
    let is_ours = match url.host_str() {
        Some("app.360dialog.com") => url.path() == expected,
        Some("hub.360dialog.com") => url.path() == older,
        _ => false,
    };
    if url.scheme() != "https" || !is_ours {
        return Err(format!(
            "the link leads to no onboarding of partner {}",
            partner.id
        ));
    }
    const KNOWN: &[&str] = &[
        "email",
        "name",
        "number",
        "state",
        "redirect_url",
        "next",
        "plan_selection",
        "flow",
        "preverified_phone_number_id",
        "io_signature",
        "io_timestamp",
    ];
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if let Some((name, _)) = query.iter().find(|(name, _)| !KNOWN.contains(&&**name)) {
        return Err(format!("the onboarding has no parameter '{name}'"));
    }
    let of = |name: &str| {
        query
            .iter()
            .find(|pair| pair.0 == name)
            .map(|pair| &*pair.1)
    };
    match (of("io_signature"), of("io_timestamp")) {
        (None, None) => Ok(()),
        (Some(signature), Some(time)) => {
            let now_s = shared.platform.clock.now_s();
            let age = time
                .parse::<u64>()
                .map_err(|_| "io_timestamp is no number")?
                .abs_diff(now_s);
            if signature != sign_link(&partner.platform_secret, &partner.id, time) {
                return Err("io_signature is wrong".to_owned());
            }
            if age > LINK_AGE_S_MAX {
                return Err("io_timestamp is too old".to_owned());
            }
            Ok(())
        }
        _ => Err("io_signature and io_timestamp belong together".to_owned()),
    }
}

/// Hex HMAC-SHA512 of `{partner}|{seconds}`.
pub(super) fn sign_link(secret: &str, partner_id: &str, time: &str) -> String {
    let mut mac =
        Hmac::<Sha512>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{partner_id}|{time}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Value of `x-360dialog-signature`.
pub(super) fn sign_body(secret: &str, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
