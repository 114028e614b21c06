-- What a tenant passes beside an outbound message, by the provider's names: a JSON object, null for none.
alter table message add column options text;
