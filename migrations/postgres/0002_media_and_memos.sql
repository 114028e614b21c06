-- What an exchange needs beyond the network: stored media, remembered answers, captured secrets.
-- The same tables stand in ../sqlite/0002_media_and_memos.sql; only the column types and WITHOUT
-- ROWID differ.

-- An object whose bytes lie under media.dir. The row is written after its file is complete and
-- deleted before it, so a row without a file does not come about.
create table media (
    id           text primary key, -- the handle without its prefix
    tenant_id    text not null,
    content_type text not null,
    size         bigint not null, -- bytes
    sha256       text not null, -- hex
    filename     text,
    origin       text not null, -- provider | tenant
    location     text not null, -- below media.dir
    created_at   bigint not null,
    expires_at   bigint not null
);
create index media_expiry on media (expires_at);
create index media_tenant on media (tenant_id, expires_at);

-- What a tenant's objects take, kept beside them so that a limit costs no scan.
create table media_usage (
    tenant_id text primary key,
    bytes     bigint not null
);

-- An answer that stands for later equal exchanges. owner is written as a credential's; it names its
-- tenant, and where tenants share an app, each has its own answers.
create table memo (
    owner      text not null,
    plugin     text not null, -- the plugin's own id, the same for each of its versions
    key        text not null,
    tenant_id  text,
    media_id   text, -- the stored object that the answer names
    key_id     text not null,
    sealed     bytea not null,
    created_at bigint not null,
    expires_at bigint not null,
    primary key (owner, plugin, key)
);
create index memo_expiry on memo (expires_at);

-- Set for captured secrets that end; null for those that hold until they are replaced. Owners are
-- from here on also account:TENANT/PLUGIN/ID and account:TENANT/app:ID.
alter table credential add column expires_at bigint;

-- 1: not sent, an earlier exchange's answer stood for it.
alter table exchange add column from_memo bigint not null default 0;
