-- What was deleted is purged after its retention time; these find it.

create index chat_deleted on chat (deleted_at) where deleted_at is not null;
create index message_deleted on message (deleted_at) where deleted_at is not null;
