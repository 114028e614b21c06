//! The interfaces `health`, `reconcile` and `profile`.

use wharf_core::provider::{
    CatchUp, HealthFinding, HealthReport, HealthVerdict, Json, PageStep, ProfileRequest,
    Reconciled, Step,
};

use super::super::bindings::exports::wharf::provider::{health, profile, reconcile};
use super::exchange::{accepted, boxed};
use super::{inbound, json, list};
use crate::output::shown;

pub(in super::super) fn health_from_guest(progress: health::Progress) -> Step<HealthReport> {
    match progress {
        health::Progress::Exchange(exchange) => Step::Exchange(boxed(exchange)),
        health::Progress::Done(report) => Step::Done(HealthReport {
            verdict: health_verdict(report.verdict),
            findings: list(report.findings, |finding| HealthFinding {
                verdict: health_verdict(finding.verdict),
                title: shown(&finding.title),
                detail: shown(&finding.detail),
                remedy: finding.remedy.as_deref().map(shown),
            }),
            token_expires_ms: report.token_expires,
            quality: report.quality,
            messaging_limit: report.messaging_limit,
            messages_per_second: report.messages_per_second,
        }),
    }
}

fn health_verdict(verdict: health::Verdict) -> HealthVerdict {
    match verdict {
        health::Verdict::Ok => HealthVerdict::Ok,
        health::Verdict::Degraded => HealthVerdict::Degraded,
        health::Verdict::Blocked => HealthVerdict::Blocked,
        health::Verdict::Unknown => HealthVerdict::Unknown,
    }
}

pub(in super::super) fn reconciled_from_guest(progress: reconcile::Progress) -> Step<Reconciled> {
    match progress {
        reconcile::Progress::Exchange(exchange) => Step::Exchange(boxed(exchange)),
        reconcile::Progress::Done(verdict) => Step::Done(match verdict {
            reconcile::Verdict::Found(found) => Reconciled::Found(accepted(found)),
            reconcile::Verdict::Absent => Reconciled::Absent,
            reconcile::Verdict::Undecided => Reconciled::Undecided,
        }),
    }
}

pub(in super::super) fn catch_up_from_guest(
    progress: reconcile::CatchUpProgress,
) -> Result<CatchUp, String> {
    Ok(match progress {
        reconcile::CatchUpProgress::Exchange(exchange) => PageStep::Exchange(boxed(exchange)),
        reconcile::CatchUpProgress::Page(page) => {
            let items = inbound::items(page.items)?;
            match page.next {
                Some(next) => PageStep::Page(items, boxed(next)),
                None => PageStep::Done(items),
            }
        }
    })
}

pub(in super::super) fn profile_to_guest(request: &ProfileRequest) -> profile::Request<'_> {
    match request {
        ProfileRequest::Get => profile::Request::Get,
        ProfileRequest::Set(document) => profile::Request::Set(document.as_str()),
    }
}

pub(in super::super) fn profile_from_guest(
    progress: profile::Progress,
) -> Result<Step<Json>, String> {
    Ok(match progress {
        profile::Progress::Exchange(exchange) => Step::Exchange(boxed(exchange)),
        profile::Progress::Done(document) => Step::Done(json("profile", document)?),
    })
}
