//! What a webhook declares: nothing may come in that this host cannot verify.

use wharf_core::provider::{
    Challenge, Condition, Descriptor, InputKind, Level, Mac, Signed, Verification, WebhookSpec,
};

use super::names::{is_header_name, is_slug};
use super::{Problems, WEBHOOKS_MAX};

const CHECKS_MAX: usize = 16;
const HEADERS_MAX: usize = 32;
const SIGNED_MAX: usize = 16;
/// The body a plugin has to read in one call fits its memory with room for the result.
const BODY_BYTES_MAX: u32 = 4 * 1024 * 1024;
const ACK_BODY_BYTES_MAX: usize = 4 * 1024;
/// Never shown to a plugin, whatever it declares.
const HIDDEN_HEADERS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

pub(super) fn check(problems: &mut Problems, descriptor: &Descriptor) {
    problems.count("webhooks", descriptor.webhooks.len(), WEBHOOKS_MAX);
    let names = descriptor.webhooks.iter();
    problems.unique("webhooks", names.map(|webhook| webhook.name.as_str()));
    for webhook in &descriptor.webhooks {
        let place = format!("webhook `{}`", webhook.name);
        check_webhook(problems, &place, webhook);
        check_checks(problems, descriptor, &place, webhook);
        if let Some(challenge) = &webhook.challenge {
            check_challenge(problems, descriptor, &place, webhook.level, challenge);
        }
    }
}

fn check_webhook(problems: &mut Problems, place: &str, webhook: &WebhookSpec) {
    problems.require(
        is_slug(&webhook.name),
        place,
        "must have a name of a-z, 0-9, `.`, `-` and `_`",
    );
    problems.require(
        (200..300).contains(&webhook.ack_status),
        place,
        "must acknowledge with a status from 200 to 299",
    );
    problems.require(
        webhook.ack_body.len() <= ACK_BODY_BYTES_MAX,
        place,
        "has an acknowledgement of more than 4 KiB",
    );
    if let Some(content_type) = &webhook.ack_content_type {
        let fits =
            content_type.contains('/') && content_type.bytes().all(|b| matches!(b, 0x20..=0x7e));
        problems.require(fits, place, "acknowledges with an unfit content type");
    }
    problems.require(
        (1..=BODY_BYTES_MAX).contains(&webhook.max_body),
        place,
        "must take a body of 1 byte to 4 MiB (max-body)",
    );
    problems.count(
        &format!("{place} headers"),
        webhook.headers.len(),
        HEADERS_MAX,
    );
    for header in &webhook.headers {
        if !is_header_name(header) {
            problems.add(
                place,
                format_args!("asks for `{header}`, which is no header name"),
            );
        }
        if HIDDEN_HEADERS
            .iter()
            .any(|hidden| header.eq_ignore_ascii_case(hidden))
        {
            problems.add(
                place,
                format_args!("asks for `{header}`, which no plugin may see"),
            );
        }
    }
}

fn check_checks(
    problems: &mut Problems,
    descriptor: &Descriptor,
    place: &str,
    webhook: &WebhookSpec,
) {
    problems.count(&format!("{place} checks"), webhook.checks.len(), CHECKS_MAX);
    problems.require(
        !webhook.checks.is_empty(),
        place,
        "has no check; say path-token when only its address is secret",
    );
    let has_always = webhook
        .checks
        .iter()
        .any(|check| check.when == Condition::Always);
    for check in &webhook.checks {
        match &check.when {
            Condition::HeaderPresent(header) => {
                // The sender chooses its headers, so this alone would let it choose to be checked.
                problems.require(
                    has_always,
                    place,
                    "has a header-present check without an always check beside it",
                );
                problems.require(
                    is_header_name(header),
                    place,
                    "waits for an unfit header name",
                );
            }
            Condition::ContentType(content_type) => {
                problems.require(
                    !content_type.is_empty(),
                    place,
                    "waits for an empty content type",
                );
            }
            Condition::Always => {}
        }
        check_verification(problems, descriptor, place, webhook.level, &check.verify);
    }
}

fn check_verification(
    problems: &mut Problems,
    descriptor: &Descriptor,
    place: &str,
    level: Level,
    verification: &Verification,
) {
    match verification {
        Verification::Mac(mac) => {
            check_secret(problems, descriptor, place, level, &mac.key);
            check_mac(problems, place, mac);
        }
        Verification::Header(header, secret) => {
            problems.require(is_header_name(header), place, "checks an unfit header name");
            check_secret(problems, descriptor, place, level, secret);
        }
        Verification::Basic(user, password) => {
            check_secret(problems, descriptor, place, level, user);
            check_secret(problems, descriptor, place, level, password);
        }
        Verification::PathToken => {}
        Verification::Unsupported(scheme) => problems.add(
            place,
            format_args!("is verified by {scheme}, which this host does not do yet"),
        ),
    }
}

fn check_mac(problems: &mut Problems, place: &str, mac: &Mac) {
    problems.require(
        is_header_name(&mac.header),
        place,
        "has its MAC in an unfit header name",
    );
    problems.count(&format!("{place} mac"), mac.over.len(), SIGNED_MAX);
    // A MAC over constant text would be a password that anybody who saw one call can repeat.
    let covers_call = mac
        .over
        .iter()
        .any(|signed| !matches!(signed, Signed::Text(_)));
    problems.require(covers_call, place, "has a MAC over nothing of the call");
    problems.require(
        mac.separator.as_deref() != Some(""),
        place,
        "has an empty separator of signatures",
    );
    for signed in &mac.over {
        if let Signed::Header(header) = signed {
            problems.require(is_header_name(header), place, "signs an unfit header name");
        }
    }
    if let Some(freshness) = &mac.freshness {
        problems.require(
            is_header_name(&freshness.header),
            place,
            "has its time in an unfit header name",
        );
        problems.require(freshness.tolerance_s > 0, place, "tolerates no age at all");
    }
}

fn check_challenge(
    problems: &mut Problems,
    descriptor: &Descriptor,
    place: &str,
    level: Level,
    challenge: &Challenge,
) {
    check_secret(problems, descriptor, place, level, &challenge.token);
    problems.require(
        !challenge.token_param.is_empty() && !challenge.echo_param.is_empty(),
        place,
        "has a challenge without the names of its parameters",
    );
}

/// The secret is declared, is one, and is known wherever the webhook is.
fn check_secret(
    problems: &mut Problems,
    descriptor: &Descriptor,
    place: &str,
    level: Level,
    name: &str,
) {
    let mut named = descriptor.inputs.iter().filter(|input| input.name == name);
    match named.next() {
        None => problems.add(
            place,
            format_args!("uses the secret `{name}`, which is not declared"),
        ),
        Some(input) if input.kind != InputKind::Secret => {
            problems.add(
                place,
                format_args!("uses `{name}` as a secret, which it is not"),
            );
        }
        Some(input) if input.level > level => problems.add(
            place,
            format_args!(
                "uses the secret `{name}`, which belongs to a narrower level than the webhook"
            ),
        ),
        Some(_) => {}
    }
}
