-- What the running processes may do. The ledger is append-only for them; events and usage are not
-- theirs to change either.

grant usage on schema public to ilm_app;
grant select, insert, update, delete on all tables in schema public to ilm_app;
grant usage, select on all sequences in schema public to ilm_app;
grant execute on all functions in schema public to ilm_app;
revoke update, delete, truncate on ledger_entry, usage_line, event from ilm_app;
revoke insert, update, delete on schema_migration from ilm_app;
