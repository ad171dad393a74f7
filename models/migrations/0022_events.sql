-- The order in which an account's events are told: that of their transactions, and of one
-- transaction the order in which it wrote them. `seq` alone would not do: who takes a number first
-- may commit last.

alter table event add column seq bigint generated always as identity;
create index event_told on event (account_id, mode, written_by, seq);
create index event_of_age on event (created_at);
drop index event_account;
