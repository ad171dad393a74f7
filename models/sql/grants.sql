-- What the running processes may do. The ledger is append-only for them; events, usage and what was
-- tried to log in are not theirs to change either. Sums of usage are changed by their functions alone.

grant usage on schema public to ilm_app;
grant select, insert, update, delete on all tables in schema public to ilm_app;
grant usage, select on all sequences in schema public to ilm_app;
grant execute on all functions in schema public to ilm_app;
revoke update, delete, truncate
    on ledger_entry, ledger_note, usage_line, usage_day, usage_rolled, statement, event,
       login_attempt, audit_entry
    from ilm_app;
revoke insert, update, delete on schema_migration from ilm_app;
