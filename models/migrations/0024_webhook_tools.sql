-- The job that had an event delivered again: it does so once, however often it is begun (H-11).

alter table webhook_delivery add column asked_by uuid;
create unique index webhook_delivery_asked on webhook_delivery (asked_by, event_id)
    where asked_by is not null;

-- When its owner was last written to, for that it fails or was disabled.

alter table webhook add column letter_at timestamptz;
create index webhook_deleted on webhook (deleted_at) where deleted_at is not null;
