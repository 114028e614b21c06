//! Taking many messages at once: each with its own answer, stored a hundred to a transaction.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use wharf_core::{Code, JobId, MessageId, TenantId};
use wharf_queue::NewJob;
use wharf_store::messages::{Message, NewOutbound};
use wharf_store::{StoreError, Tx, idempotency, messages};

use super::{Accepted, IdempotencyKey, Submission, known, new_key, prepare};
use crate::app::App;
use crate::http::Problem;

/// Messages of one transaction: enough to make its commit cheap, few enough that others' writes do not
/// wait for long.
const PER_TRANSACTION: usize = 100;
/// Messages looked at by their plugins at the same time. It is processor time, so a few are enough.
const LOOKS_AT_ONCE: usize = 8;

/// What becomes of each submission, in their order. One that is refused keeps no other from being
/// taken. When the store fails in the middle, what was stored is stored: with idempotency keys the whole
/// may be repeated.
pub(crate) async fn accept_all(
    app: &Arc<App>,
    tenant: &TenantId,
    submissions: Vec<Result<Submission, Problem>>,
) -> Vec<Result<Accepted, Problem>> {
    let ids = rising_ids(app, submissions.len());
    let prepared: Vec<_> = stream::iter(submissions.into_iter().zip(ids))
        .map(|(submission, id)| async move { look(app, tenant, submission?, id).await })
        .buffered(LOOKS_AT_ONCE)
        .collect()
        .await;
    let mut answers: Vec<Option<Result<Accepted, Problem>>> = Vec::with_capacity(prepared.len());
    let mut waiting = Vec::new();
    for (place, outcome) in prepared.into_iter().enumerate() {
        match outcome {
            Ok(Looked::New(taken)) => {
                answers.push(None);
                waiting.push((place, *taken));
            }
            Ok(Looked::Known(id)) => answers.push(Some(Ok(Accepted::Replayed(id)))),
            Err(problem) => answers.push(Some(Err(problem))),
        }
    }
    while !waiting.is_empty() {
        let rest = waiting.split_off(waiting.len().min(PER_TRANSACTION));
        for (place, answer) in store(app, tenant, waiting).await {
            answers[place] = Some(answer);
        }
        waiting = rest;
    }
    let unanswered = || Err(Problem::new(Code::Internal));
    answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(unanswered))
        .collect()
}

/// Ordered messages go in the order of their ids, so those of a batch rise with its places.
fn rising_ids(app: &App, count: usize) -> Vec<MessageId> {
    let mut ids: Vec<_> = (0..count).map(|_| MessageId::new(&*app.ids)).collect();
    ids.sort_unstable();
    ids
}

struct Taken {
    message: Message,
    job: (NewJob, String),
    key: Option<IdempotencyKey>,
}

enum Looked {
    New(Box<Taken>),
    Known(MessageId),
}

async fn look(
    app: &Arc<App>,
    tenant: &TenantId,
    submission: Submission,
    id: MessageId,
) -> Result<Looked, Problem> {
    if let Some(key) = &submission.idempotency
        && let Some(known) = known(app, tenant, key).await?
    {
        return Ok(Looked::Known(known));
    }
    let key = submission.idempotency;
    let (message, job) = prepare(app, tenant, submission.request, id, false).await?;
    Ok(Looked::New(Box::new(Taken { message, job, key })))
}

async fn store(
    app: &Arc<App>,
    tenant: &TenantId,
    taken: Vec<(usize, Taken)>,
) -> Vec<(usize, Result<Accepted, Problem>)> {
    let now = app.now_ms();
    let mut rows = Vec::with_capacity(taken.len());
    for (_, one) in &taken {
        let key = one.key.as_ref().map(|key| new_key(app, key, &one.message));
        rows.push((NewOutbound::from(&one.message), one.job.clone(), key));
    }
    let (owner, queues) = (tenant.clone(), app.queues.clone());
    let stored = app
        .db
        .try_write(move |tx| {
            Box::pin(async move {
                let mut jobs = Vec::with_capacity(rows.len());
                let mut is_new = Vec::with_capacity(rows.len());
                for (row, job, key) in rows {
                    let new = insert(tx, &owner, &row, key.as_ref()).await?;
                    if new {
                        jobs.push(job);
                    }
                    is_new.push(new);
                }
                if !jobs.is_empty() {
                    queues.push_paired(tx, &jobs, now).await?;
                }
                Ok(is_new)
            })
        })
        .await;
    let is_new = match stored {
        Ok(is_new) => is_new,
        Err(error) => {
            let problem = Problem::from(error);
            let refused = taken.into_iter();
            return refused
                .map(|(place, _)| (place, Err(problem.clone())))
                .collect();
        }
    };
    let mut answers = Vec::with_capacity(taken.len());
    for ((place, one), new) in taken.into_iter().zip(is_new) {
        let answer = match (new, &one.key) {
            (false, Some(key)) => lost_race(app, tenant, key).await,
            _ => Ok(Accepted::New(Box::new(one.message))),
        };
        answers.push((place, answer));
    }
    answers
}

/// False when somebody else took the key meanwhile; then nothing is stored for it.
async fn insert(
    tx: &mut Tx,
    tenant: &TenantId,
    row: &NewOutbound,
    key: Option<&idempotency::NewIdempotency>,
) -> Result<bool, StoreError> {
    if let Some(key) = key
        && !idempotency::insert(tx, tenant, key).await?
    {
        return Ok(false);
    }
    messages::insert_outbound(tx, tenant, row).await?;
    Ok(true)
}

/// The winner of a race for a key is committed by now, or stands in the same group commit.
async fn lost_race(
    app: &App,
    tenant: &TenantId,
    key: &IdempotencyKey,
) -> Result<Accepted, Problem> {
    known(app, tenant, key)
        .await?
        .map(Accepted::Replayed)
        .ok_or_else(|| Problem::new(Code::IdempotencyInProgress))
}

/// The job of a message has its ULID: whoever has the message finds the job.
pub(crate) fn job_of(message: MessageId) -> JobId {
    JobId::from_bare(&message.bare()).expect("an id's own text is one")
}
