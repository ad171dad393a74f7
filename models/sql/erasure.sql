-- What running processes may not delete themselves, of somebody whose time is over: what happened
-- to their account, and their tries to log in; so many rows at a time. The ledger, usage and the
-- record of what was done to people stay. Returns how many rows went; none of anybody else's do.
create or replace function person_forget(p_person uuid, p_most integer) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    leaver person;
    events integer;
    attempts integer;
begin
    select * into leaver from person
    where id = p_person and status = 'deleted' and purge_at <= now() and purged_at is null;
    if not found then
        return 0;
    end if;
    delete from event where ctid in
        (select ctid from event where account_id = leaver.account_id limit p_most);
    get diagnostics events = row_count;
    delete from login_attempt where ctid in
        (select ctid from login_attempt
         where user_id = leaver.id or email = leaver.email limit p_most);
    get diagnostics attempts = row_count;
    return events + attempts;
end $$;
revoke execute on function person_forget from public;
