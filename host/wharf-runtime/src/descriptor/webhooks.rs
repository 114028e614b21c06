//! What a webhook declares, beside its checks: its name, its answer, what it may take and show.

use wharf_core::provider::{Challenge, Descriptor, WebhookSpec};

use super::checks::{self, Place};
use super::names::{is_content_type, is_header_name, is_param, is_slug};
use super::{Problems, WEBHOOKS_MAX};

const HEADERS_MAX: usize = 32;
const REQUIRED_MAX: usize = 8;
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
        let name = format!("webhook `{}`", webhook.name);
        check_webhook(problems, &name, webhook);
        let mut place = Place {
            problems: &mut *problems,
            descriptor,
            webhook,
            name: &name,
        };
        checks::check(&mut place);
        if let Some(challenge) = &webhook.challenge {
            check_challenge(&mut place, challenge);
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
    // RFC 9110, 15.3.5 and 15.3.6: these have no body, and a server that sent one would confuse the
    // provider's next request.
    problems.require(
        !matches!(webhook.ack_status, 204 | 205) || webhook.ack_body.is_empty(),
        place,
        "acknowledges with a status that has no body, and with a body",
    );
    if let Some(content_type) = &webhook.ack_content_type {
        problems.require(
            is_content_type(content_type),
            place,
            "acknowledges with an unfit content type; write one like text/xml",
        );
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

fn check_challenge(place: &mut Place<'_>, challenge: &Challenge) {
    place.secret(&challenge.token);
    place.require(
        is_param(&challenge.token_param) && is_param(&challenge.echo_param),
        "has a challenge without fit names of its parameters",
    );
    place.require(
        challenge.token_param != challenge.echo_param,
        "has a challenge that would echo its own token",
    );
    place.problems.count(
        &format!("{} challenge", place.name),
        challenge.require.len(),
        REQUIRED_MAX,
    );
    let fits = |(name, value): &(String, String)| {
        is_param(name)
            && value.len() <= VALUE_BYTES_MAX
            && *name != challenge.token_param
            && *name != challenge.echo_param
    };
    place.require(
        challenge.require.iter().all(fits),
        "has a challenge that requires a parameter with an unfit name or value",
    );
}

const VALUE_BYTES_MAX: usize = 256;
