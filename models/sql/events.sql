-- Events (H-02, H-03): how they are written on the wire, what tells of people and of answers, and how
-- they are forgotten. Everything else is told by the functions that change it.

-- The id of an event: a UUIDv7 (RFC 9562 §5.7), so that one that is gone still says how old it is.
create or replace function event_id() returns uuid language sql volatile as $$
    select encode(
        set_bit(set_bit(
            overlay(
                uuid_send(gen_random_uuid())
                placing substring(
                    int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                from 1 for 6),
            52, 1), 53, 1),
        'hex')::uuid
$$;

-- A moment as the wire has it: RFC 3339 in UTC, with milliseconds. `models/kernel/clock.py` does it too.
create or replace function wire_time(p_moment timestamptz) returns text language sql stable as $$
    select to_char(
        date_trunc('milliseconds', p_moment at time zone 'UTC'), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

create or replace function wire_id(p_kind text, p_id uuid) returns text language sql immutable as $$
    select p_kind || '_' || replace(p_id::text, '-', '')
$$;

-- What is told of an event to whoever reads or receives it (H-03): here, and nowhere else.
create or replace function event_payload(p_event event) returns jsonb language sql stable as $$
    select jsonb_build_object(
        'id', wire_id('evt', p_event.id), 'type', p_event.type,
        'timestamp', wire_time(p_event.created_at), 'data', p_event.data)
$$;

-- A person as events tell of them. The role is the one held, which a paid tier raises (X-3).
create or replace function person_told(p_person person) returns jsonb language sql stable as $$
    select jsonb_build_object(
        'id', wire_id('user', p_person.id), 'email', p_person.email, 'name', p_person.name,
        'role', case
            when p_person.role not in ('user', 'premium') then p_person.role
            when p_person.tier = 'free' then 'user' else 'premium' end,
        'tier', p_person.tier, 'status', p_person.status,
        'emailVerified', p_person.email_verified_at is not null,
        'hasAvatar', p_person.avatar is not null,
        'createdAt', wire_time(p_person.created_at))
$$;

create or replace function person_registered() returns trigger language plpgsql as $$
begin
    insert into event (id, account_id, mode, type, data, once)
    values (event_id(), new.account_id, 'live', 'user.registered',
            jsonb_build_object('user', person_told(new)), 'registered:' || new.id);
    return null;
end $$;

-- Told with the names of what is another now. What is not told of a person, a password among it,
-- is no news; nor is what their purge leaves of them.
create or replace function person_updated() returns trigger language plpgsql as $$
declare
    before constant jsonb := person_told(old);
    after constant jsonb := person_told(new);
    changed text[] := array(
        select name from jsonb_object_keys(after) as name
        where name <> 'hasAvatar' and after -> name is distinct from before -> name order by name);
begin
    if new.avatar is distinct from old.avatar then
        changed := array_prepend('avatar', changed);
    end if;
    if changed <> '{}' then
        insert into event (id, account_id, mode, type, data)
        values (event_id(), new.account_id, 'live', 'user.updated',
                jsonb_build_object('user', after, 'changed', changed));
    end if;
    return null;
end $$;

-- An answer of a chat has ended, whole or cut short, however its job did.
create or replace function answer_told() returns trigger language plpgsql as $$
begin
    insert into event (id, account_id, mode, type, data, once)
    select event_id(), chat.account_id, chat.mode, 'ai.session.completed', jsonb_build_object(
        'session', jsonb_build_object(
            'id', wire_id('chat', chat.id), 'userId', wire_id('user', chat.person_id),
            'bookId', wire_id('book', chat.book_id)),
        'message', jsonb_build_object(
            'id', wire_id('msg', new.id), 'jobId', wire_id('job', new.job_id),
            'status', new.status, 'finishReason', new.finish_reason, 'model', new.llm,
            'vendor', new.vendor, 'cached', new.cached, 'estimated', new.estimated,
            'usage', jsonb_build_object(
                'promptTokens', new.tokens_in, 'completionTokens', new.tokens_out,
                'totalTokens', new.tokens_in + new.tokens_out,
                'costNanoUsd', new.cost_nano::text))),
        'answer:' || new.id
    from chat where chat.id = new.chat_id
    on conflict (once) do nothing;
    return null;
end $$;

do $$ begin
    if not exists (select from pg_trigger where tgname = 'person_registered') then
        create trigger person_registered after insert on person
        for each row execute function person_registered();
        create trigger person_updated
        after update of email, name, role, tier, status, email_verified_at, avatar on person
        for each row when (new.purged_at is null) execute function person_updated();
        create trigger answer_told after update of status on message
        for each row when (old.status = 'pending' and new.status in ('complete', 'partial'))
        execute function answer_told();
    end if;
end $$;

-- Forget events that are older than so many days, and what hangs on them; some at a time. Returns
-- how many went.
create or replace function events_forget(p_days integer, p_most integer) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    removed integer;
begin
    if p_days < 30 then
        raise exception 'events are kept for 30 days at least' using errcode = 'ILM00';
    end if;
    delete from event where id = any(array(
        select id from event where created_at < now() - make_interval(days => p_days)
        order by created_at limit p_most for update skip locked));
    get diagnostics removed = row_count;
    return removed;
end $$;
revoke execute on function events_forget from public;

-- A dump that was restored in another server tells of transactions that are still to come there. What
-- they wrote, chats among it, then belongs to this one, or nobody would be told of it.
do $$
declare
    to_come constant xid8 := pg_snapshot_xmax(pg_current_snapshot());
begin
    if (select written_by from event order by created_at desc limit 1) >= to_come then
        update event set written_by = pg_current_xact_id() where written_by >= to_come;
        update chat set changed_in = pg_current_xact_id() where changed_in >= to_come;
    end if;
end $$;
