//! The rules a plugin's description keeps. All that are broken are told at once, each with its place.
//!
//! These are rules of form and of reference. Whether the operator grants what is asked for is not
//! decided here.

mod flows;
pub(crate) mod names;
mod webhooks;

use std::collections::HashSet;

use wharf_core::provider::{Bucket, Descriptor, Endpoint, Input, InputKind};

use self::names::{
    is_dns_name, is_header_name, is_line, is_path_pattern, is_slug, is_version, matches_host,
};
use crate::interface::Interface;

const CAPABILITIES_MAX: usize = 128;
const INPUTS_MAX: usize = 64;
const CHOICES_MAX: usize = 64;
const ENDPOINTS_MAX: usize = 32;
const PATHS_MAX: usize = 128;
const AUDIENCE_MAX: usize = 16;
const WEBHOOKS_MAX: usize = 8;
const RATES_MAX: usize = 32;
const RESPONSE_HEADERS_MAX: usize = 32;
const ID_BYTES_MAX: usize = 128;
/// Names and titles.
const LINE_BYTES_MAX: usize = 200;
const HELP_BYTES_MAX: usize = 2000;
const PATTERN_BYTES_MAX: usize = 512;
/// More would only tell the same mistake again.
const PROBLEMS_MAX: usize = 50;

/// Collects what is wrong under the name of its place.
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, place: &str, what: impl std::fmt::Display) {
        if self.0.len() < PROBLEMS_MAX {
            // Both may hold the plugin's own text.
            let text = crate::log::escape(&format!("{place} {what}"), 300);
            self.0.push(text);
        }
    }

    fn require(&mut self, holds: bool, place: &str, what: &str) {
        if !holds {
            self.add(place, what);
        }
    }

    fn count(&mut self, place: &str, count: usize, max: usize) {
        if count > max {
            self.add(
                place,
                format_args!("has {count} entries, at most {max} are allowed"),
            );
        }
    }

    fn unique<'a>(&mut self, place: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = HashSet::new();
        for name in names {
            if !seen.insert(name) {
                self.add(place, format_args!("names `{name}` twice"));
            }
        }
    }
}

/// Empty when the description keeps every rule.
pub(crate) fn problems(descriptor: &Descriptor, interfaces: &[Interface]) -> Vec<String> {
    let mut problems = Problems(Vec::new());
    check_identity(&mut problems, descriptor);
    check_inputs(&mut problems, descriptor);
    check_endpoints(&mut problems, descriptor);
    webhooks::check(&mut problems, descriptor);
    check_settings(&mut problems, descriptor);
    check_rates(&mut problems, descriptor);
    flows::check(&mut problems, descriptor, interfaces);
    problems.0
}

fn check_identity(problems: &mut Problems, descriptor: &Descriptor) {
    problems.require(
        is_dns_name(&descriptor.id) && descriptor.id.len() <= ID_BYTES_MAX,
        "id",
        "must be a reversed domain name in lower case, like com.example.provider",
    );
    for (place, text) in [("name", &descriptor.name), ("vendor", &descriptor.vendor)] {
        problems.require(
            is_line(text, LINE_BYTES_MAX),
            place,
            "must be one line of 1 to 200 bytes",
        );
    }
    problems.require(
        is_version(&descriptor.version),
        "version",
        "must be a semantic version, like 1.4.0",
    );
    if let Some(homepage) = &descriptor.homepage {
        problems.require(
            homepage.starts_with("https://") && is_line(homepage, LINE_BYTES_MAX),
            "homepage",
            "must be an https URL",
        );
    }
    problems.count(
        "capabilities",
        descriptor.capabilities.len(),
        CAPABILITIES_MAX,
    );
    for capability in &descriptor.capabilities {
        let place = format!("capability `{}`", capability.name);
        problems.require(
            is_slug(&capability.name),
            &place,
            "must be a name of a-z, 0-9, `.`, `-` and `_`",
        );
    }
    let names = descriptor.capabilities.iter();
    problems.unique("capabilities", names.map(|entry| entry.name.as_str()));
    problems.count(
        "response-headers",
        descriptor.response_headers.len(),
        RESPONSE_HEADERS_MAX,
    );
    for header in &descriptor.response_headers {
        let place = format!("response-headers `{header}`");
        problems.require(is_header_name(header), &place, "is no header name");
        problems.require(
            !header.eq_ignore_ascii_case("set-cookie"),
            &place,
            "is never shown to a plugin",
        );
    }
}

fn check_inputs(problems: &mut Problems, descriptor: &Descriptor) {
    problems.count("inputs", descriptor.inputs.len(), INPUTS_MAX);
    let names = descriptor.inputs.iter();
    problems.unique("inputs", names.map(|input| input.name.as_str()));
    for input in &descriptor.inputs {
        let place = format!("input `{}`", input.name);
        check_input(problems, descriptor, &place, input);
    }
}

fn check_input(problems: &mut Problems, descriptor: &Descriptor, place: &str, input: &Input) {
    problems.require(
        is_slug(&input.name),
        place,
        "must be a name of a-z, 0-9, `.`, `-` and `_`",
    );
    problems.require(
        is_line(&input.title, LINE_BYTES_MAX),
        place,
        "needs a title of one line",
    );
    problems.require(
        input.help.len() <= HELP_BYTES_MAX,
        place,
        "has a help text of more than 2000 bytes",
    );
    problems.count(
        &format!("{place} choices"),
        input.choices.len(),
        CHOICES_MAX,
    );
    problems.require(
        (input.kind == InputKind::Choice) != input.choices.is_empty(),
        place,
        "must have choices when its kind is choice, and only then",
    );
    check_pattern(problems, place, &input.pattern);
    problems.count(
        &format!("{place} audience"),
        input.audience.len(),
        AUDIENCE_MAX,
    );
    problems.require(
        input.kind == InputKind::Secret || input.audience.is_empty(),
        place,
        "has an audience, which only a secret can have",
    );
    for host in &input.audience {
        let allowed = |endpoint: &Endpoint| matches_host(&endpoint.host, host);
        if !descriptor.endpoints.iter().any(allowed) {
            problems.add(
                place,
                format_args!("may be sent to {host}, which no endpoint allows"),
            );
        }
    }
}

fn check_pattern(problems: &mut Problems, place: &str, pattern: &str) {
    if pattern.len() > PATTERN_BYTES_MAX {
        problems.add(place, "has a pattern of more than 512 bytes");
        return;
    }
    if let Err(error) = regex_syntax::parse(pattern) {
        let reason = match &error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            _ => "it cannot be read".to_owned(),
        };
        problems.add(
            place,
            format_args!("has a pattern that is no RE2: {reason}"),
        );
    }
}

fn check_endpoints(problems: &mut Problems, descriptor: &Descriptor) {
    problems.count("endpoints", descriptor.endpoints.len(), ENDPOINTS_MAX);
    problems.require(
        !descriptor.endpoints.is_empty(),
        "endpoints",
        "must name at least one host, or no exchange is ever allowed",
    );
    for endpoint in &descriptor.endpoints {
        check_endpoint(problems, descriptor, endpoint);
    }
}

fn check_endpoint(problems: &mut Problems, descriptor: &Descriptor, endpoint: &Endpoint) {
    let place = format!("endpoint `{}`", endpoint.host);
    let wildcard = endpoint.host.strip_prefix("*.");
    problems.require(
        is_dns_name(wildcard.unwrap_or(&endpoint.host)),
        &place,
        "must be a host name in lower case with a dot, without port, or `*.` and a suffix",
    );
    problems.require(!endpoint.methods.is_empty(), &place, "allows no method");
    problems.require(!endpoint.paths.is_empty(), &place, "allows no path");
    problems.count(&format!("{place} paths"), endpoint.paths.len(), PATHS_MAX);
    for path in &endpoint.paths {
        if !is_path_pattern(path) {
            problems.add(
                &place,
                format_args!(
                    "has the path `{path}`; a path begins with `/`, has no `..`, `?`, `#` or `%`, and `{{name}}` is a whole segment"
                ),
            );
        }
    }
    if let Some(setting) = &endpoint.host_setting {
        problems.require(
            wildcard.is_some(),
            &place,
            "takes its host from a setting, so it must begin with `*.`",
        );
        check_setting(problems, descriptor, &place, setting);
    }
}

fn check_settings(problems: &mut Problems, descriptor: &Descriptor) {
    check_setting(
        problems,
        descriptor,
        "sender-setting",
        &descriptor.sender_setting,
    );
    if let Some(setting) = &descriptor.account_setting {
        check_setting(problems, descriptor, "account-setting", setting);
    }
}

fn check_setting(problems: &mut Problems, descriptor: &Descriptor, place: &str, name: &str) {
    let mut named = descriptor.inputs.iter().filter(|input| input.name == name);
    match named.next() {
        None => problems.add(
            place,
            format_args!("names the input `{name}`, which is not declared"),
        ),
        Some(input) => problems.require(
            input.kind != InputKind::Secret,
            place,
            "names a secret, and the host has to read it",
        ),
    }
}

fn check_rates(problems: &mut Problems, descriptor: &Descriptor) {
    problems.count("rates", descriptor.rates.len(), RATES_MAX);
    for (number, rate) in descriptor.rates.iter().enumerate() {
        let place = format!("rates[{number}]");
        problems.require(
            rate.tokens > 0 && rate.per_ms > 0,
            &place,
            "must grant at least one token in at least one millisecond",
        );
        if let Bucket::Named(name) = &rate.bucket {
            problems.require(is_slug(name), &place, "has a bucket with an unfit name");
        }
    }
}
