//! The optional interfaces, less onboarding.

use wharf_core::provider::{
    CatchUp, HealthReport, Json, MediaAnswer, PageStep, Reconciled, Step, TemplateEntry,
    TemplatesStep,
};

use super::exchange::check_exchange;
use super::inbound::{items, optional_line};
use super::outbound::check_accepted;
use super::{
    Checked, ID_BYTES_MAX, LINE_BYTES_MAX, Rules, at_ms, id, line, media_ref, optional_id, require,
    within,
};

/// Findings of one report.
const FINDINGS_MAX: usize = 64;
/// Templates of one page: as many as Meta gives at most.
const ENTRIES_MAX: usize = 1000;

pub(crate) fn media(step: &Step<MediaAnswer>, rules: &Rules<'_>) -> Checked {
    match step {
        Step::Exchange(exchange) => check_exchange(exchange, rules),
        Step::Done(MediaAnswer::Fetched(media)) => media_ref("answer.fetched", media),
        Step::Done(MediaAnswer::Uploaded(uploaded)) => id("answer.uploaded", uploaded),
        Step::Done(MediaAnswer::Deleted) => Ok(()),
    }
}

pub(crate) fn templates(step: &TemplatesStep, rules: &Rules<'_>) -> Checked {
    let entries = paged(step, rules)?;
    within("entries", entries.len(), 0, ENTRIES_MAX)?;
    for (number, entry) in entries.iter().enumerate() {
        check_entry(entry).map_err(|what| format!("entries[{number}]: {what}"))?;
    }
    Ok(())
}

fn check_entry(entry: &TemplateEntry) -> Checked {
    optional_id("id", entry.id.as_ref())?;
    line("name", &entry.name, ID_BYTES_MAX)?;
    line("language", &entry.language, LINE_BYTES_MAX)?;
    line("category", &entry.category, LINE_BYTES_MAX)?;
    line("status", &entry.status, LINE_BYTES_MAX)?;
    optional_line("quality", entry.quality.as_ref())
}

pub(crate) fn health(step: &Step<HealthReport>, rules: &Rules<'_>) -> Checked {
    let report = match step {
        Step::Exchange(exchange) => return check_exchange(exchange, rules),
        Step::Done(report) => report,
    };
    within("report.findings", report.findings.len(), 0, FINDINGS_MAX)?;
    for (number, finding) in report.findings.iter().enumerate() {
        require(
            !finding.title.trim().is_empty(),
            &format!("report.findings[{number}]"),
            "has no title",
        )?;
    }
    if let Some(expires) = report.token_expires_ms {
        at_ms("report.token-expires", expires)?;
    }
    optional_line("report.quality", report.quality.as_ref())?;
    optional_line("report.messaging-limit", report.messaging_limit.as_ref())?;
    require(
        report.messages_per_second != Some(0),
        "report.messages-per-second",
        "is 0; a number that may not send is blocked",
    )
}

pub(crate) fn profile(step: &Step<Json>, rules: &Rules<'_>) -> Checked {
    match step {
        Step::Exchange(exchange) => check_exchange(exchange, rules),
        Step::Done(document) => require(
            document.as_str().starts_with('{'),
            "profile",
            "is no JSON object",
        ),
    }
}

pub(crate) fn reconciled(step: &Step<Reconciled>, rules: &Rules<'_>) -> Checked {
    match step {
        Step::Exchange(exchange) => check_exchange(exchange, rules),
        Step::Done(Reconciled::Found(accepted)) => check_accepted(accepted),
        Step::Done(Reconciled::Absent | Reconciled::Undecided) => Ok(()),
    }
}

pub(crate) fn catch_up(step: &CatchUp, rules: &Rules<'_>) -> Checked {
    items("page.items", paged(step, rules)?, rules)
}

/// The page, after a look at the exchange.
fn paged<'a, T>(step: &'a PageStep<T>, rules: &Rules<'_>) -> Result<&'a [T], String> {
    match step {
        PageStep::Exchange(exchange) => check_exchange(exchange, rules).map(|()| &[][..]),
        PageStep::Page(page, next) => check_exchange(next, rules).map(|()| &page[..]),
        PageStep::Done(page) => Ok(page),
    }
}
