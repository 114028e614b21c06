-- A flow that connects, mends or disconnects numbers, as far as it has come. What is secret of it (the
-- plugin's state, what was typed in, where a browser comes back to) is sealed.
create table onboarding (
    id          text primary key,
    tenant_id   text not null references tenant (id),
    plugin      text not null,
    flow        text not null,
    app_id      text,
    channel_id  text, -- the channel that is mended, or the name of the one to be made
    status      text not null, -- running | question | visit | waiting | failed | done | canceled | expired
    turn        bigint not null, -- grows with each answer and each end of a turn
    question    text, -- JSON
    findings    text not null, -- JSON
    error       text, -- JSON
    channels    text not null, -- JSON
    by_path     bigint not null, -- 1 when the browser's way back carries its token in the path
    return_hash text not null unique, -- SHA-256 of that token, hex
    saved       bytea, -- sealed, by the flow
    private     bytea not null, -- sealed
    due_at      bigint,
    created_at  bigint not null,
    updated_at  bigint not null,
    expires_at  bigint not null
);
create index onboarding_tenant on onboarding (tenant_id, id);
create index onboarding_expiry on onboarding (expires_at);

-- Of channels that a session made: the provider's name for the number, the session, and 1 for the one of
-- its channels whose webhooks' addresses the provider was told.
alter table channel add column title text;
alter table channel add column onboarding_id text;
alter table channel add column leads bigint not null default 0;
