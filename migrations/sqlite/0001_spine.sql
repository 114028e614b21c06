-- Times are Unix milliseconds, ids bare ULIDs, documents JSON text. The same tables stand in
-- ../postgres/0001_spine.sql; only the column types, the
-- numbering of message_status and WITHOUT ROWID differ.

-- Who uses this deployment ------------------------------------------------------------------------

create table tenant (
    id         text primary key,
    name       text not null,
    origin     text not null, -- file | api
    created_at bigint not null,
    removed_at bigint
);

-- `hash` is SHA-256 of the whole key, hex. The key itself is shown once and never stored.
create table api_key (
    id         text primary key, -- the public part that stands in the key
    tenant_id  text not null references tenant (id),
    name       text not null,
    hash       text not null unique,
    origin     text not null,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint
);
create index api_key_tenant on api_key (tenant_id);

create table app (
    id         text primary key,
    plugin     text not null,
    settings   text not null,
    origin     text not null,
    created_at bigint not null,
    removed_at bigint
);

create table channel (
    tenant_id  text not null references tenant (id),
    id         text not null,
    plugin     text not null,
    app_id     text,
    sender     text not null, -- the provider's id of the number: routes and message.sender carry it
    account    text,
    settings   text not null,
    per_second bigint not null,
    origin     text not null,
    created_at bigint not null,
    removed_at bigint,
    primary key (tenant_id, id)
);
create index channel_sender on channel (plugin, sender);
create index channel_account on channel (plugin, account) where account is not null;

-- `owner` is app:ID, channel:TENANT/ID or endpoint:TENANT/ID; two slots live during a rotation.
create table credential (
    owner      text not null,
    name       text not null,
    slot       bigint not null,
    tenant_id  text, -- null for an app, which tenants share
    key_id     text not null,
    sealed     blob not null,
    updated_at bigint not null,
    primary key (owner, name, slot)
);

-- The unguessable path a provider calls: found by hash, shown to its owner from the sealed copy.
create table webhook_route (
    token_hash text primary key,
    owner      text not null,
    webhook    text not null,
    plugin     text not null,
    tenant_id  text,
    key_id     text not null,
    sealed     blob not null,
    created_at bigint not null,
    unique (owner, webhook)
);

-- Messages ----------------------------------------------------------------------------------------

create table message (
    id                  text primary key,
    tenant_id           text not null references tenant (id),
    channel_id          text not null,
    direction           text not null, -- outbound | inbound
    kind                text not null,
    contact             text not null, -- recipient of an outbound, sender of an inbound message: JSON
    content             text not null,
    details             text, -- inbound only: group, referral, the provider's time
    reference           text,
    reply_to            text,
    provider_message_id text,
    status              text, -- this and the next five: outbound only
    error               text,
    priority            bigint,
    policy              text, -- at_most_once | at_least_once
    try_number          bigint,
    expires_at          bigint,
    created_at          bigint not null,
    updated_at          bigint not null
);
create index message_tenant on message (tenant_id, created_at, id);
create index message_reference on message (tenant_id, reference) where reference is not null;
create index message_provider on message (tenant_id, channel_id, provider_message_id)
    where provider_message_id is not null;

-- One pass of a message through one channel. Opened when the first attempt begins.
create table message_try (
    message_id          text not null references message (id),
    number              bigint not null,
    tenant_id           text not null,
    channel_id          text not null,
    status              text not null,
    provider_message_id text,
    error               text,
    opened_at           bigint not null,
    updated_at          bigint not null,
    primary key (message_id, number)
) without rowid;
create index message_try_provider on message_try (tenant_id, channel_id, provider_message_id)
    where provider_message_id is not null;

create table attempt (
    message_id text not null references message (id),
    try_number bigint not null,
    number     bigint not null,
    tenant_id  text not null,
    started_at bigint not null,
    ended_at   bigint,
    outcome    text, -- accepted | retry | failed | unknown | interrupted
    error      text,
    retry_at   bigint,
    primary key (message_id, try_number, number)
) without rowid;

-- Written before the first byte leaves, completed before the plugin reads the answer.
create table exchange (
    message_id text not null references message (id),
    try_number bigint not null,
    attempt    bigint not null,
    seq        bigint not null,
    tenant_id  text not null,
    label      text not null,
    replay     text not null,
    state      blob, -- sealed; null when the plugin gave none
    request    text not null, -- redacted
    outcome    text, -- what the plugin may see; null while the answer is out
    started_at bigint not null,
    ended_at   bigint,
    primary key (message_id, try_number, attempt, seq)
) without rowid;

-- Each status as the provider reported it, in the order it arrived.
create table message_status (
    seq         integer primary key,
    message_id  text not null references message (id),
    try_number  bigint not null,
    tenant_id   text not null,
    status      text not null,
    at          bigint not null, -- the provider's time
    recorded_at bigint not null,
    detail      text not null
);
create index message_status_message on message_status (message_id, seq);

create table idempotency (
    tenant_id   text not null,
    key         text not null,
    fingerprint text not null,
    message_id  text not null,
    created_at  bigint not null,
    expires_at  bigint not null,
    primary key (tenant_id, key)
) without rowid;
create index idempotency_expiry on idempotency (expires_at);

-- Webhooks in, events out -------------------------------------------------------------------------

create table webhook (
    id          text primary key,
    owner       text not null,
    plugin      text not null,
    webhook     text not null,
    tenant_id   text,
    method      text not null,
    query       text not null,
    headers     text not null,
    body        blob not null,
    received_at bigint not null,
    parsed_at   bigint,
    items       bigint,
    error       text
);
-- Finds what waits (null) and what is old enough to go.
create index webhook_parsed on webhook (parsed_at);

-- Atoms whose effects are in: a repeated one is a no-op.
create table inbound_atom (
    plugin     text not null,
    route      text not null,
    dedupe_key text not null,
    tenant_id  text not null,
    seen_at    bigint not null,
    primary key (plugin, route, dedupe_key, tenant_id)
) without rowid;
create index inbound_atom_seen on inbound_atom (seen_at);

create table event (
    id         text primary key,
    tenant_id  text not null references tenant (id),
    type       text not null,
    channel_id text,
    message_id text,
    data       text not null,
    created_at bigint not null
);
create index event_tenant on event (tenant_id, id);
create index event_message on event (message_id) where message_id is not null;

create table endpoint (
    tenant_id  text not null references tenant (id),
    id         text not null,
    url        text not null,
    events     text not null, -- JSON list of types, empty for all
    timeout_ms bigint not null,
    state      text not null, -- enabled | disabled
    origin     text not null,
    created_at bigint not null,
    removed_at bigint,
    primary key (tenant_id, id)
);

create table delivery (
    id          text primary key,
    tenant_id   text not null,
    event_id    text not null references event (id),
    endpoint_id text not null,
    state       text not null, -- pending | delivered | failed
    attempts    bigint not null,
    next_at     bigint,
    created_at  bigint not null,
    ended_at    bigint
);
create index delivery_event on delivery (event_id);

create table delivery_attempt (
    delivery_id text not null references delivery (id),
    number      bigint not null,
    tenant_id   text not null,
    started_at  bigint not null,
    duration_ms bigint not null,
    status      bigint,
    error       text,
    body        text,
    primary key (delivery_id, number)
) without rowid;

-- Queues ------------------------------------------------------------------------------------------

-- state: 0 pending, 1 leased, 2 dead, 3 waiting behind an earlier job of its order key. priority: 0
-- high, 1 normal, 2 low; a lane's jobs go by due_at + 30 s * priority, which is priority with aging: a
-- job rises one class for each 30 s it waited. fence grows with each claim; attempt counts them.
create table job (
    id           text primary key,
    queue        text not null,
    tenant_id    text not null,
    lane         text not null,
    order_key    text,
    kind         text not null,
    payload      text not null,
    priority     bigint not null,
    due_at       bigint not null,
    state        bigint not null,
    fence        bigint not null,
    attempt      bigint not null,
    attempts_max bigint not null,
    lease_owner  text,
    lease_until  bigint,
    reason       text,
    created_at   bigint not null,
    dead_at      bigint
) without rowid;
create index job_pending on job (queue, lane, priority, due_at, id) where state = 0;
create index job_leased on job (queue, lease_until) where state = 1;
create index job_dead on job (id, queue, tenant_id) where state = 2;
create index job_order on job (queue, order_key, state, id) where order_key is not null;

-- ready_at: when the lane may next be served, which is the due time of its earliest pending job or
-- paced_until, whichever is later; null when nothing is pending. tat_us: GCRA's theoretical arrival
-- time. turn: grows with each service, so that the least recently served lane comes first.
create table lane (
    queue       text not null,
    lane        text not null,
    tenant_id   text not null,
    ready_at    bigint,
    paced_until bigint not null default 0,
    tat_us      bigint not null default 0,
    interval_us bigint not null default 0, -- 0: not paced
    burst       bigint not null default 1,
    deficit     bigint not null default 0,
    turn        bigint not null default 0,
    primary key (queue, lane)
) without rowid;
create index lane_ready on lane (queue, ready_at) where ready_at is not null;
