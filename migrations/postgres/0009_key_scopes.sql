-- What a key may do, beside being its tenant's. `scopes` is a JSON list, as the API writes them; keys from before
-- may do everything. `channels` is a JSON list of ids, null for all. `last_used_at` is written now and then, not
-- with every request. `replaces` is the key that this one was made from.
alter table api_key add column scopes text not null default '["*"]';
alter table api_key add column channels text;
alter table api_key add column requests_per_minute bigint;
alter table api_key add column last_used_at bigint;
alter table api_key add column replaces text;
