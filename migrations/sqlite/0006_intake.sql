-- What the gateway fetches from providers by itself: media of messages that came in, templates, the state
-- of channels, what was missed. The same tables stand in ../postgres/0006_intake.sql; only WITHOUT ROWID
-- differs.

-- The medium of a message that came in. No row: nobody asked for it.
create table inbound_media (
    message_id text primary key,
    tenant_id  text not null,
    state      text not null, -- waiting | stored | failed | skipped
    media_id   text, -- the stored object; its own row may end before this one
    attempts   bigint not null,
    next_at    bigint, -- of the next attempt, while it waits
    error      text, -- of the last attempt: JSON
    created_at bigint not null,
    updated_at bigint not null
) without rowid;
create index inbound_media_tenant on inbound_media (tenant_id, message_id);

-- One language of a template, of one account at a provider. ident: the provider's id, or name and language.
create table template (
    id          text primary key,
    tenant_id   text not null,
    plugin      text not null,
    account     text not null, -- the provider's id, or channel:ID where the channel has none
    ident       text not null,
    provider_id text,
    name        text not null,
    language    text not null,
    category    text not null,
    status      text not null,
    quality     text,
    reason      text,
    definition  text not null, -- components, JSON
    seen_at     bigint not null, -- the beginning of the last listing that had it
    created_at  bigint not null,
    updated_at  bigint not null,
    unique (tenant_id, plugin, account, ident)
);
create index template_name on template (tenant_id, plugin, account, name);

-- When the templates of an account were listed last, and how that went.
create table template_sync (
    tenant_id text not null,
    plugin    text not null,
    account   text not null,
    synced_at bigint, -- the beginning of the last complete listing
    failed_at bigint, -- null after a success
    error     text,
    primary key (tenant_id, plugin, account)
) without rowid;

-- What the provider says of a channel, by the last check and the webhooks since.
create table channel_health (
    tenant_id  text not null,
    channel_id text not null,
    report     text not null, -- JSON
    checked_at bigint, -- null: known by webhooks only
    changed_at bigint not null,
    failed_at  bigint, -- of a check that brought no answer; null after a success
    error      text,
    primary key (tenant_id, channel_id)
) without rowid;

-- When some process of the gateway last said that it is up.
create table heartbeat (
    name text primary key,
    at   bigint not null
);

-- The last time that a channel's provider was asked for what was missed.
create table catch_up (
    tenant_id  text not null,
    channel_id text not null,
    since      bigint not null,
    state      text not null, -- waiting | done | failed
    items      bigint not null,
    error      text,
    updated_at bigint not null,
    primary key (tenant_id, channel_id)
) without rowid;
