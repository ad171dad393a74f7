-- What a forgotten answer was asked and said is emptied after its retention time: when it was, and
-- an index that finds those whose time has come.

alter table forgotten_answer add column purged_at timestamptz;
create index forgotten_answer_kept on forgotten_answer (forgotten_at) where purged_at is null;
