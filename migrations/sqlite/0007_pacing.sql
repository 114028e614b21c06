-- What paces beyond a lane, when a message is to go out, and where else it may go. The same changes
-- stand in ../postgres/0007_pacing.sql; only WITHOUT ROWID differs.

-- The recipient that a job counts against: a lane may limit what each of its recipients gets.
alter table job add column pair_key text;
-- With the key in it, a claim still reads no row before it leases it.
drop index job_pending;
create index job_pending on job (queue, lane, priority, due_at, id, pair_key) where state = 0;

-- pair_interval_us, pair_burst: the rate of each recipient, 0 for none. own_*: the rate that was
-- configured or declared; said_*: the provider's own word, null until it gave one. interval_us and
-- burst are what follows from them.
alter table lane add column pair_interval_us bigint not null default 0;
alter table lane add column pair_burst bigint not null default 1;
alter table lane add column own_interval_us bigint not null default 0;
alter table lane add column own_burst bigint not null default 1;
alter table lane add column own_is_ceiling bigint not null default 0;
alter table lane add column said_interval_us bigint;
alter table lane add column said_burst bigint;
update lane set own_interval_us = interval_us, own_burst = burst;

-- What a lane's recipients, and the provider's named limits, have used up: GCRA's theoretical arrival
-- time. A row in the past says nothing and is removed.
create table bucket (
    queue  text not null,
    lane   text not null,
    key    text not null,
    tat_us bigint not null,
    primary key (queue, lane, key)
) without rowid;

-- Not before this time; null for at once.
alter table message add column send_at bigint;
-- Channels to go through when the ones before certainly sent nothing: a JSON list, null for none.
alter table message add column fallback text;
