//! The channels that a message may fall back to, checked before anything is stored. One that could never
//! take the message is refused rather than skipped: who names it relies on it, and would learn only in
//! the outage that it was never there.

use std::sync::Arc;

use wharf_core::provider::Content;
use wharf_core::request::FieldError;
use wharf_core::{Code, MessageId, TenantId};

use super::Ready;
use super::look;
use crate::app::App;
use crate::http::Problem;

pub(super) async fn check(
    app: &Arc<App>,
    tenant: &TenantId,
    id: MessageId,
    ready: &Ready,
) -> Result<(), Problem> {
    let named = &ready.request.plan.fallback;
    if named.is_empty() {
        return Ok(());
    }
    if belongs_to_one_number(&ready.request.content) || ready.request.reply_to.is_some() {
        let detail = "what names an earlier message belongs to the number of that message";
        return Err(wrong("/fallback", "unsupported", detail.to_owned()));
    }
    for (i, other) in named.iter().enumerate() {
        let pointer = format!("/fallback/{i}");
        if *other == ready.channel.id {
            let detail = "this is the channel that the message goes through at first";
            return Err(wrong(&pointer, "duplicate", detail.to_owned()));
        }
        let Some(channel) = app.directory.channel(tenant, other).await? else {
            let detail = format!("the tenant has no channel {other}");
            return Err(wrong(&pointer, "invalid", detail));
        };
        let there = Ready {
            channel,
            to: ready.to.clone(),
            request: ready.request.clone(),
        };
        if let Err(problem) = look::look(app, id, &there, false).await {
            let why = problem.why().unwrap_or("its provider cannot take it");
            let detail = format!("channel {other} can never take this message: {why}");
            return Err(wrong(&pointer, "unsupported", detail));
        }
    }
    Ok(())
}

fn belongs_to_one_number(content: &Content) -> bool {
    matches!(content, Content::Reaction { .. } | Content::Read { .. })
}

fn wrong(pointer: &str, code: &'static str, detail: String) -> Problem {
    Problem::new(Code::InvalidRequest).errors(vec![FieldError::new(pointer, code, detail)])
}
