//! What is known of a channel's health: by checks, and by what its provider reports in between.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_core::provider::{ChannelUpdate, ErrorClass, HealthReport, HealthVerdict, PlatformError};
use wharf_core::{ChannelId, EventType};
use wharf_store::channel_health::{self, HealthRow};
use wharf_store::channels::ChannelRow;
use wharf_store::{StoreError, Tx};

use super::Line;
use crate::announce::{Announcer, Fact};
use crate::app::App;
use crate::clock::rfc3339;
use crate::flows::{self, FlowError};

const DAY_MS: i64 = 86_400_000;
/// Findings that are kept: as many as a plugin may give, and what webhooks told since.
const FINDINGS_MAX: usize = 80;

/// Asks the provider and keeps what it says. A change is told.
pub(crate) async fn check(app: &Arc<App>, line: &Line) -> Result<HealthRow, FlowError> {
    let checked = flows::health(app, &line.plugin, &line.actor).await;
    let now = app.now_ms();
    let report = match checked {
        Ok(report) => report_of(&report, now, app.config.upkeep.token_warn_days),
        // Refused credentials are an answer.
        Err(FlowError::Provider(error)) if is_about_the_account(error.class) => refused(&error),
        Err(FlowError::Store(error)) => return Err(FlowError::Store(error)),
        Err(error) => {
            failed(app, line, &error, now).await?;
            return Err(error);
        }
    };
    let announcer = Announcer::of(app, &line.channel.tenant).await?;
    let channel = line.channel.id.clone();
    let kept = app.db.write(move |tx| {
        Box::pin(async move { keep(tx, &announcer, &channel, report, now).await })
    });
    Ok(kept.await?)
}

async fn keep(
    tx: &mut Tx,
    announcer: &Announcer,
    channel: &ChannelId,
    report: Value,
    now: i64,
) -> Result<HealthRow, StoreError> {
    let tenant = &announcer.tenant;
    let before = channel_health::get(tx, tenant, channel).await?;
    let is_news = is_news(before.as_ref().map(|row| &row.report), &report);
    let row = HealthRow {
        changed_at: match &before {
            Some(before) if !is_news => before.changed_at,
            _ => now,
        },
        report,
        checked_at: Some(now),
        failed_at: None,
        error: None,
    };
    channel_health::put(tx, tenant, channel, &row).await?;
    if is_news {
        let mut data = row.report.clone();
        data["channel"] = json!(channel);
        data["previous_verdict"] = before.map_or(Value::Null, |row| row.report["verdict"].clone());
        data["title"] = json!("The channel's check came to another result");
        data["checked_at"] = json!(rfc3339(now));
        let fact = Fact {
            kind: EventType::ChannelHealth,
            channel: Some(channel.clone()),
            message: None,
            data,
        };
        announcer.announce(tx, fact, now).await?;
    }
    Ok(row)
}

async fn failed(app: &App, line: &Line, error: &FlowError, now: i64) -> Result<(), StoreError> {
    let (tenant, channel) = (line.channel.tenant.clone(), line.channel.id.clone());
    let reason = error.to_string();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let before = channel_health::get(tx, &tenant, &channel).await?;
                let row = HealthRow {
                    failed_at: Some(now),
                    error: Some(reason),
                    ..before.unwrap_or_else(|| nothing(now))
                };
                channel_health::put(tx, &tenant, &channel, &row).await
            })
        })
        .await
}

/// What the provider reports by itself, over what is known.
pub(crate) async fn learn(
    tx: &mut Tx,
    channel: &ChannelRow,
    update: &ChannelUpdate,
    now: i64,
) -> Result<(), StoreError> {
    let (tenant, id) = (&channel.tenant, &channel.id);
    let before = channel_health::get(tx, tenant, id).await?;
    let mut row = before.unwrap_or_else(|| nothing(now));
    row.report = merged(&row.report, update);
    row.changed_at = now;
    channel_health::put(tx, tenant, id, &row).await
}

fn nothing(now: i64) -> HealthRow {
    HealthRow {
        report: json!({
            "verdict": "unknown", "findings": [], "token_expires_at": null, "quality": null,
            "messaging_limit": null, "messages_per_second": null,
        }),
        checked_at: None,
        changed_at: now,
        failed_at: None,
        error: None,
    }
}

fn is_about_the_account(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::AuthFailed | ErrorClass::AccountRestricted | ErrorClass::PaymentRequired
    )
}

/// The plugin's report with the host's own look at the token.
fn report_of(report: &HealthReport, now: i64, warn_days: u32) -> Value {
    let mut findings: Vec<Value> = report.findings.iter().map(|it| json!(it)).collect();
    let mut verdict = report.verdict;
    let expires_at = report
        .token_expires_ms
        .and_then(|at| i64::try_from(at).ok());
    if let Some(at) = expires_at.filter(|at| *at <= now + i64::from(warn_days) * DAY_MS) {
        let (of_token, title) = match at <= now {
            true => (HealthVerdict::Blocked, "The token has ended"),
            false => (HealthVerdict::Degraded, "The token ends soon"),
        };
        findings.push(json!({
            "verdict": of_token,
            "title": title,
            "detail": format!("It ends at {}.", rfc3339(at)),
            "remedy": "Connect the channel anew, or put a new token into its configuration, before that.",
        }));
        verdict = worse(verdict, of_token);
    }
    json!({
        "verdict": verdict,
        "findings": findings,
        "token_expires_at": expires_at.map(rfc3339),
        "quality": report.quality,
        "messaging_limit": report.messaging_limit,
        "messages_per_second": report.messages_per_second,
    })
}

fn worse(one: HealthVerdict, other: HealthVerdict) -> HealthVerdict {
    let rank = |verdict| match verdict {
        HealthVerdict::Ok => 0,
        HealthVerdict::Unknown => 1,
        HealthVerdict::Degraded => 2,
        HealthVerdict::Blocked => 3,
    };
    if rank(one) >= rank(other) { one } else { other }
}

fn refused(error: &PlatformError) -> Value {
    json!({
        "verdict": "blocked",
        "findings": [{
            "verdict": "blocked",
            "title": "The provider refuses the channel",
            "detail": error.to_string(),
            "remedy": error.remedy.as_deref().unwrap_or("Check the channel's credentials and the account at the provider."),
        }],
        "token_expires_at": null,
        "quality": null,
        "messaging_limit": null,
        "messages_per_second": null,
    })
}

/// Whether somebody should hear of it. The first look is news when something is wrong; what a finding says
/// in detail may change with each look and is none.
fn is_news(before: Option<&Value>, after: &Value) -> bool {
    let essence = |report: &Value| {
        let titles = report["findings"].as_array().map(|findings| {
            let mut titles: Vec<_> = findings.iter().map(|it| it["title"].to_string()).collect();
            titles.sort();
            titles
        });
        let of = |name: &str| report[name].clone();
        (
            [
                of("verdict"),
                of("quality"),
                of("messaging_limit"),
                of("messages_per_second"),
            ],
            titles,
        )
    };
    match before {
        Some(before) => essence(before) != essence(after),
        None => after["verdict"] != "ok",
    }
}

fn merged(before: &Value, update: &ChannelUpdate) -> Value {
    let mut report = before.clone();
    if let Some(verdict) = update.verdict {
        report["verdict"] = json!(verdict);
    }
    if let Some(quality) = &update.quality {
        report["quality"] = json!(quality);
    }
    if let Some(limit) = &update.messaging_limit {
        report["messaging_limit"] = json!(limit);
    }
    if let Some(rate) = update.messages_per_second {
        report["messages_per_second"] = json!(rate);
    }
    if let Some(findings) = report["findings"].as_array_mut() {
        findings.retain(|known| known["title"] != update.title.as_str());
        findings.insert(
            0,
            json!({
                "verdict": update.verdict.map_or(json!("unknown"), |verdict| json!(verdict)),
                "title": update.title,
                "detail": update.detail.as_str(),
                "remedy": null,
            }),
        );
        findings.truncate(FINDINGS_MAX);
    }
    report
}

/// A channel's health as the API shows it.
pub(crate) fn view_of(channel: &ChannelId, row: Option<&HealthRow>) -> Value {
    let unknown = nothing(0);
    let row_or = row.unwrap_or(&unknown);
    let mut shown = row_or.report.clone();
    shown["channel"] = json!(channel);
    shown["checked_at"] = json!(row_or.checked_at.map(rfc3339));
    shown["changed_at"] = json!(row.map(|row| rfc3339(row.changed_at)));
    shown["check_failed"] = match (row_or.failed_at, &row_or.error) {
        (Some(at), error) => json!({ "at": rfc3339(at), "detail": error }),
        (None, _) => Value::Null,
    };
    shown
}

#[cfg(test)]
mod tests {
    use wharf_core::provider::{ChannelVerdict, HealthFinding, Json};

    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    fn report(token_expires_ms: Option<i64>) -> HealthReport {
        HealthReport {
            verdict: HealthVerdict::Ok,
            findings: vec![HealthFinding {
                verdict: HealthVerdict::Ok,
                title: "Good".to_owned(),
                detail: "as it should be".to_owned(),
                remedy: None,
            }],
            token_expires_ms: token_expires_ms.map(i64::cast_unsigned),
            quality: Some("GREEN".to_owned()),
            messaging_limit: Some("TIER_1K".to_owned()),
            messages_per_second: Some(80),
        }
    }

    #[test]
    fn a_token_that_ends_soon_is_a_finding_with_a_remedy() {
        for (at, days, verdict, findings) in [
            (None, 14, "ok", 1),
            (Some(NOW + 15 * DAY_MS), 14, "ok", 1),
            (Some(NOW + 13 * DAY_MS), 14, "degraded", 2),
            (Some(NOW - 1), 0, "blocked", 2),
        ] {
            let shown = report_of(&report(at), NOW, days);
            assert_eq!(shown["verdict"], verdict, "{shown}");
            let all = shown["findings"].as_array().unwrap();
            assert_eq!(all.len(), findings, "{shown}");
            if findings == 2 {
                assert!(all[1]["remedy"].is_string(), "{shown}");
            }
        }
    }

    #[test]
    fn news_is_a_change_of_state_and_not_of_words() {
        let good = report_of(&report(None), NOW, 14);
        assert!(!is_news(None, &good));
        assert!(!is_news(Some(&good), &good));
        let mut worded = good.clone();
        worded["findings"][0]["detail"] = json!("as it was");
        assert!(!is_news(Some(&good), &worded));
        for (name, value) in [
            ("verdict", json!("degraded")),
            ("quality", json!("RED")),
            ("messages_per_second", json!(20)),
            ("findings", json!([])),
        ] {
            let mut other = good.clone();
            other[name] = value;
            assert!(is_news(Some(&good), &other), "{name}");
            assert!(name != "verdict" || is_news(None, &other));
        }
    }

    #[test]
    fn a_report_in_between_changes_what_it_names() {
        let before = report_of(&report(None), NOW, 14);
        let update = ChannelUpdate {
            verdict: Some(ChannelVerdict::Degraded),
            quality: Some("RED".to_owned()),
            messages_per_second: None,
            messaging_limit: None,
            title: "Quality fell".to_owned(),
            detail: Json::from(json!({ "event": "FLAGGED" })),
        };
        let after = merged(&before, &update);
        assert_eq!(after["verdict"], "degraded");
        assert_eq!(after["quality"], "RED");
        assert_eq!(after["messaging_limit"], "TIER_1K");
        assert_eq!(after["findings"][0]["title"], "Quality fell");
        // Told twice, it is still one finding.
        let again = merged(&after, &update);
        assert_eq!(again["findings"].as_array().unwrap().len(), 2);
    }
}
