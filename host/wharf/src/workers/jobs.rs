//! Names and limits of the jobs, shared by those who push them and those who run them.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ulid::Ulid;
use wharf_config::Config;
use wharf_core::{ChannelId, IdSource, JobId, TenantId};
use wharf_queue::{NewJob, Priority, Queue};
use wharf_store::messages::Message;
use wharf_store::templates::TemplateAccount;

/// Queue `send`: one message.
pub const SEND: &str = "send";
/// Queue `webhook`: parse one stored call.
pub const PARSE: &str = "parse";
/// Queue `delivery`: one event to one endpoint.
pub const DELIVER: &str = "deliver";
/// Queue `maintenance`: play one step of a sandbox script.
pub const SANDBOX_STEP: &str = "sandbox-step";
/// Queue `maintenance`: delete what is past its keeping time.
pub const PURGE: &str = "purge";

/// Queue `media`: the medium of one message that came in.
pub const FETCH_MEDIA: &str = "fetch-media";
/// Queue `maintenance`: push what is due of a schedule, and the schedule's next round.
pub const UPKEEP_ROUND: &str = "upkeep-round";
/// Queue `maintenance`: list an account's templates.
pub const TEMPLATES_SYNC: &str = "templates-sync";
/// Queue `maintenance`: look at one channel.
pub const HEALTH_CHECK: &str = "health-check";
/// Queue `maintenance`: fetch what a channel missed.
pub const CATCH_UP: &str = "catch-up";
/// Queue `maintenance`: ask what became of a message.
pub const RECONCILE: &str = "reconcile";

/// Claims of one fetch before it counts as crashing its worker: its attempts are counted on the message's
/// row, and a tenant that has its share of workers sends its jobs back.
pub const FETCH_CLAIMS_MAX: u32 = 100_000;
/// The same for what is asked of providers on a schedule.
pub const UPKEEP_CLAIMS_MAX: u32 = 100_000;
/// Queue `maintenance`: one turn of an onboarding session.
pub const ONBOARDING_TURN: &str = "onboarding-turn";

/// Claims of one send job before it counts as crashing its worker. The attempts that a provider
/// sees are bounded by `send.attempts_max`; this one only ends a loop of crashes, so it is larger.
pub const SEND_CLAIMS_MAX: u32 = 100_000;
/// A stored call is parsed again until its items find their channel or seven days are over; the
/// waits grow to an hour, which makes fewer than 300.
pub const PARSE_ATTEMPTS_MAX: u32 = 400;
/// How long items whose route or message is unknown are tried again.
pub const UNROUTED_MS_MAX: i64 = 7 * 86_400_000;
/// How long a status whose message is not known is tried again: it may have overtaken the send's own
/// answer, by seconds; after an hour it is another tool's message on the same number.
pub const UNMATCHED_MS_MAX: i64 = 3_600_000;
pub const SANDBOX_ATTEMPTS_MAX: u32 = 20;
pub const PURGE_ATTEMPTS_MAX: u32 = 10;
/// Only a failing database or a crash repeats a turn; what a provider refuses is for a person.
pub const ONBOARDING_ATTEMPTS_MAX: u32 = 10;

/// Attempts of one delivery: the schedule's length, and a few claims more for crashes.
pub fn delivery_attempts_max(config: &Config) -> u32 {
    u32::try_from(config.delivery.schedule_s.len())
        .unwrap_or(u32::MAX)
        .saturating_add(100)
}

/// Jobs of an app belong to no tenant; its lane and its accounting go by this reserved name, which
/// no tenant can have since names start with a letter or digit only by choice of this one.
pub fn tenant_or_operator(tenant: Option<&TenantId>) -> TenantId {
    tenant.cloned().unwrap_or_else(|| {
        OPERATOR
            .parse()
            .expect("the operator's name is a valid one")
    })
}

/// Reserved: the configuration refuses a tenant of this name.
pub const OPERATOR: &str = "0-operator";

/// An id that is the same on every node for the same text: pushing twice is pushing once.
pub fn keyed_id(text: &str) -> JobId {
    struct Keyed<'a>(&'a str);
    impl IdSource for Keyed<'_> {
        fn ulid(&self) -> Ulid {
            let digest = Sha256::digest(self.0.as_bytes());
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&digest[..16]);
            Ulid::from_bytes(bytes)
        }
    }
    JobId::new(&Keyed(text))
}

/// The queue's class of a message's priority.
pub fn priority(of: wharf_core::request::Priority) -> Priority {
    match of {
        wharf_core::request::Priority::High => Priority::High,
        wharf_core::request::Priority::Normal => Priority::Normal,
        wharf_core::request::Priority::Low => Priority::Low,
    }
}

/// Which run of the job this is, for backoffs.
pub fn attempt_of(job: &wharf_queue::Job) -> u32 {
    u32::try_from(job.attempt).unwrap_or(u32::MAX)
}

/// Lists an account's templates, unless a listing that began at `since` or later is there. One of a key is
/// in the queue at a time.
pub fn templates_sync(
    tenant: &TenantId,
    channel: &ChannelId,
    of: &TemplateAccount,
    key: &str,
    (since, due_at): (i64, i64),
) -> NewJob {
    let TemplateAccount { plugin, account } = of;
    upkeep(
        TEMPLATES_SYNC,
        tenant,
        channel,
        &format!("{plugin}/{account}:{key}"),
        json!({ "channel": channel, "since": since, "due_at": due_at }),
        due_at,
    )
}

/// Looks at a channel, unless it was looked at at `since` or later.
pub fn health_check(
    tenant: &TenantId,
    channel: &ChannelId,
    key: &str,
    (since, due_at): (i64, i64),
) -> NewJob {
    upkeep(
        HEALTH_CHECK,
        tenant,
        channel,
        &format!("{channel}:{key}"),
        json!({ "channel": channel, "since": since, "due_at": due_at }),
        due_at,
    )
}

/// Fetches what a channel missed since then.
pub fn catch_up(tenant: &TenantId, channel: &ChannelId, since: i64, due_at: i64) -> NewJob {
    upkeep(
        CATCH_UP,
        tenant,
        channel,
        &format!("{channel}:{since}"),
        json!({ "channel": channel, "since": since, "due_at": due_at }),
        due_at,
    )
}

/// Asks what became of one try of a message.
pub fn reconcile(message: &Message, immediate: bool, since: i64, due_at: i64) -> NewJob {
    let id = message.id;
    upkeep(
        RECONCILE,
        &message.tenant,
        &message.channel,
        &format!("{id}:{}", message.try_number),
        json!({ "message": id, "try": message.try_number, "immediate": immediate, "since": since }),
        due_at,
    )
}

fn upkeep(
    kind: &'static str,
    tenant: &TenantId,
    channel: &ChannelId,
    key: &str,
    payload: Value,
    due_at: i64,
) -> NewJob {
    NewJob {
        id: keyed_id(&format!("{kind}:{tenant}/{key}")),
        queue: Queue::Maintenance,
        tenant: tenant.clone(),
        lane: upkeep_lane(tenant, channel),
        order_key: None,
        kind,
        payload,
        priority: Priority::Low,
        due_at,
        attempts_max: UPKEEP_CLAIMS_MAX,
    }
}

/// Apart from the channel's other lanes of that queue, such as the sandbox's scripts: it may be rested.
pub fn upkeep_lane(tenant: &TenantId, channel: &ChannelId) -> String {
    format!("{tenant}/{channel}/upkeep")
}

/// The key of jobs that somebody asked for, or that something was seen to need.
pub const ASKED: &str = "asked";
