//! How a webhook's calls are to be proven: nothing may come in that this host cannot verify, and no
//! check may look stronger than it is.

use wharf_core::provider::{
    BodyDigest, Condition, Descriptor, Freshness, InputKind, Mac, PublicKey, Signed, Token,
    Verification, WebhookSpec,
};

use super::Problems;
use super::names::{is_content_type, is_header_name, is_line, is_param};

const CHECKS_MAX: usize = 16;
const SIGNED_MAX: usize = 16;
/// Prefixes, separators, issuers, claims and texts that are signed.
const TEXT_BYTES_MAX: usize = 256;
/// A longer window is none: what was overheard yesterday must not work today.
const TOLERANCE_S_MAX: u32 = 24 * 60 * 60;

/// One webhook of a description, and where its problems go.
pub(super) struct Place<'a> {
    pub(super) problems: &'a mut Problems,
    pub(super) descriptor: &'a Descriptor,
    pub(super) webhook: &'a WebhookSpec,
    pub(super) name: &'a str,
}

pub(super) fn check(place: &mut Place<'_>) {
    let webhook = place.webhook;
    place.count("checks", webhook.checks.len(), CHECKS_MAX);
    place.require(
        !webhook.checks.is_empty(),
        "has no check; say path-token when only its address is secret",
    );
    for check in &webhook.checks {
        check_condition(place, &check.when);
        match &check.verify {
            Verification::Mac(mac) => check_mac(place, mac),
            Verification::PublicKey(key) => check_public_key(place, key),
            Verification::Token(token) => check_token(place, token),
            Verification::BodyDigest(digest) => check_body_digest(place, &check.when, digest),
            Verification::Header(header, secret) => {
                place.require(is_header_name(header), "checks an unfit header name");
                place.secret(secret);
            }
            Verification::Basic(user, password) => {
                place.secret(user);
                place.secret(password);
            }
            Verification::PathToken => {}
        }
    }
}

fn check_condition(place: &mut Place<'_>, when: &Condition) {
    match when {
        Condition::HeaderPresent(header) => {
            let checks = &place.webhook.checks;
            let has_always = checks.iter().any(|check| check.when == Condition::Always);
            // The sender chooses its headers, so this alone would let it choose to be checked.
            place.require(
                has_always,
                "has a header-present check without an always check beside it",
            );
            place.require(is_header_name(header), "waits for an unfit header name");
        }
        Condition::ContentType(content_type) => place.require(
            is_content_type(content_type) && !content_type.contains(';'),
            "waits for an unfit content type; write one without parameters, like application/json",
        ),
        Condition::Always => {}
    }
}

fn check_mac(place: &mut Place<'_>, mac: &Mac) {
    place.secret(&mac.key);
    place.require(
        is_header_name(&mac.header),
        "has its MAC in an unfit header name",
    );
    place.require(
        mac.separator.as_deref() != Some(""),
        "has an empty separator of signatures",
    );
    let texts = [Some(&mac.prefix), mac.separator.as_ref()];
    place.short(&texts);
    check_signed(place, "MAC", &mac.over, mac.freshness.as_ref());
}

fn check_public_key(place: &mut Place<'_>, key: &PublicKey) {
    place.setting(&key.key_setting);
    place.require(
        is_header_name(&key.header),
        "has its signature in an unfit header name",
    );
    check_signed(place, "signature", &key.over, key.freshness.as_ref());
}

fn check_signed(place: &mut Place<'_>, what: &str, over: &[Signed], freshness: Option<&Freshness>) {
    place.count(what, over.len(), SIGNED_MAX);
    // Over constant text it would be a password that anybody who saw one call can repeat.
    let covers_call = over.iter().any(|part| !matches!(part, Signed::Text(_)));
    place.require(
        covers_call,
        &format!("has a {what} over nothing of the call"),
    );
    for part in over {
        match part {
            Signed::Header(header) => {
                place.require(is_header_name(header), "signs an unfit header name");
            }
            Signed::Text(text) => place.short(&[Some(text)]),
            Signed::Body | Signed::Url | Signed::FormSorted => {}
        }
    }
    let Some(freshness) = freshness else {
        return;
    };
    place.require(
        is_header_name(&freshness.header),
        "has its time in an unfit header name",
    );
    place.require(
        (1..=TOLERANCE_S_MAX).contains(&freshness.tolerance_s),
        "must tolerate an age of 1 second to one day",
    );
    let is_time = |part: &Signed| matches!(part, Signed::Header(name) if name.eq_ignore_ascii_case(&freshness.header));
    // Whoever repeats a call would write a new time into it.
    place.require(
        over.iter().any(is_time),
        &format!("has a time that its {what} does not cover; add its header to what is signed"),
    );
}

fn check_token(place: &mut Place<'_>, token: &Token) {
    place.secret(&token.key);
    place.require(
        is_header_name(&token.header),
        "has its token in an unfit header name",
    );
    let texts = [&token.issuer, &token.body_hash_claim, &token.url_hash_claim];
    let fits = |text: &String| is_line(text, TEXT_BYTES_MAX);
    place.require(
        texts.iter().all(|text| text.as_ref().is_none_or(fits)),
        "has a token with an empty or long issuer or claim name",
    );
    place.short(&[Some(&token.prefix)]);
}

/// Anybody can compute a digest: it proves the body only where something else proves the URL.
fn check_body_digest(place: &mut Place<'_>, when: &Condition, digest: &BodyDigest) {
    place.require(
        is_param(&digest.param),
        "has its body digest in a parameter with an unfit name",
    );
    let proves_url = |verify: &Verification| match verify {
        Verification::Mac(mac) => mac.over.contains(&Signed::Url),
        Verification::PublicKey(key) => key.over.contains(&Signed::Url),
        Verification::Token(token) => token.url_hash_claim.is_some(),
        _ => false,
    };
    let mut checks = place.webhook.checks.iter();
    let is_proven = checks.any(|check| {
        (check.when == Condition::Always || check.when == *when) && proves_url(&check.verify)
    });
    place.require(
        is_proven,
        "has a body digest without a check over the url under the same condition",
    );
}

impl Place<'_> {
    pub(super) fn require(&mut self, holds: bool, what: &str) {
        self.problems.require(holds, self.name, what);
    }

    fn count(&mut self, what: &str, count: usize, max: usize) {
        self.problems
            .count(&format!("{} {what}", self.name), count, max);
    }

    fn short(&mut self, texts: &[Option<&String>]) {
        let fits = |text: &String| text.len() <= TEXT_BYTES_MAX;
        self.require(
            texts.iter().flatten().all(|text| fits(text)),
            "has a prefix, separator or text of more than 256 bytes",
        );
    }

    /// It is declared, is a secret, and is known wherever the webhook is.
    pub(super) fn secret(&mut self, name: &str) {
        self.input(name, true);
    }

    fn setting(&mut self, name: &str) {
        self.input(name, false);
    }

    fn input(&mut self, name: &str, is_secret: bool) {
        let what = if is_secret { "secret" } else { "setting" };
        let mut named = self
            .descriptor
            .inputs
            .iter()
            .filter(|input| input.name == name);
        let complaint = match named.next() {
            None => format!("uses the {what} `{name}`, which is not declared"),
            Some(input) if (input.kind == InputKind::Secret) != is_secret => {
                format!("uses `{name}` as a {what}, which it is not")
            }
            Some(input) if input.level > self.webhook.level => format!(
                "uses the {what} `{name}`, which belongs to a narrower level than the webhook"
            ),
            Some(_) => return,
        };
        self.problems.add(self.name, complaint);
    }
}
