-- Webhooks (H-05): a delivery is a row of the transaction that writes its event; couriers claim due
-- rows, send, and finish them. No message is needed: who asks the rows finds them (decision 17).

-- For every endpoint that hears of an event, a delivery.
create or replace function webhook_fan_out() returns trigger language plpgsql as $$
begin
    insert into webhook_delivery (webhook_id, event_id, fifo_key)
    select webhook.id, new.id, webhook_key(webhook, new)
    from webhook
    where account_id = new.account_id and mode = new.mode and deleted_at is null
      and webhook_wants(webhook, new);
    return null;
end $$;

create or replace function webhook_wants(p_place webhook, p_event event)
returns boolean language sql stable as $$
    select p_event.type like any (p_place.patterns) and (
        p_place.condition is null
        or coalesce(jsonb_path_match(event_payload(p_event), p_place.condition, '{}', true), false))
$$;

-- What keeps the order of an endpoint's events: null nothing does, `=` it is one for all, else one for
-- those of equal value at a path.
create or replace function webhook_key(p_place webhook, p_event event)
returns text language sql stable as $$
    select '=' || case when p_place.fifo = '' then '' else
        coalesce(event_payload(p_event) #>> string_to_array(p_place.fifo, '.'), '') end
    where p_place.fifo is not null
$$;

do $$ begin
    if not exists (select from pg_trigger where tgname = 'webhook_fan_out') then
        create trigger webhook_fan_out after insert on event for each row
        when (new.type <> 'webhook.ping') execute function webhook_fan_out();
    end if;
end $$;

-- Endpoints with something due, by id: a loose scan of the index, a probe for each that has anything
-- at all, however much that is. Whose account is suspended or ends is told of nothing meanwhile.
create or replace function webhooks_due(p_after uuid, p_moment timestamptz)
returns setof uuid language sql stable as $$
    with recursive place as (
        (select webhook_id, next_attempt_at from webhook_delivery
         where state = 'pending' and webhook_id > p_after
         order by webhook_id, next_attempt_at limit 1)
        union all
        select further.* from place, lateral (
            select webhook_id, next_attempt_at from webhook_delivery
            where state = 'pending' and webhook_id > place.webhook_id
            order by webhook_id, next_attempt_at limit 1) as further
    )
    select hearing.id from place, lateral (
        select id from webhook
        where id = webhook_id and is_enabled and deleted_at is null and open_until <= p_moment
          and (next_attempt_at <= p_moment or is_draining)
          and not exists (select from person where person.id = user_id
                          and person.account_id = webhook.account_id and status <> 'active')
          and not exists (select from organization where organization.id = webhook.account_id
                          and organization.deleted_at is not null)
        offset 0  -- one after the other and in their order, however large the tables are
    ) as hearing
$$;

-- How many may be sent to an endpoint now: one as a probe while it fails, else as many as its rate
-- and what is under way leave.
create or replace function webhook_room(p_place webhook, p_moment timestamptz)
returns integer language sql stable as $$
    select greatest(0, least(
        case when p_place.failures >= 5 then 1 else p_place.max_in_flight end - (
            select count(*) from webhook_delivery
            where webhook_id = p_place.id and state = 'delivering'),
        floor(least(1, extract(epoch from p_moment - p_place.free_at)) * p_place.rate_per_second)
    ))::integer
$$;

-- Of what waits with an order to keep, the first of each key, 500 keys at a time: those that may go
-- now, and the last key that was looked at. What a transaction may still come before does not go.
create or replace function webhook_heads(
    p_place webhook, p_moment timestamptz, out ids uuid[], out last text
) language sql stable as $$
    with recursive head as (
        (select id, fifo_key, state, next_attempt_at, written_by, 1 as place from webhook_delivery
         where webhook_id = p_place.id and fifo_key > p_place.fifo_from
           and state in ('pending', 'delivering')
         order by fifo_key, written_by, seq limit 1)
        union all
        select further.*, head.place + 1 from head, lateral (
            select id, fifo_key, state, next_attempt_at, written_by from webhook_delivery
            where webhook_id = p_place.id and fifo_key > head.fifo_key
              and state in ('pending', 'delivering')
            order by fifo_key, written_by, seq limit 1) as further
        where head.place < 500
    )
    select array_agg(id) filter (
               where state = 'pending' and next_attempt_at <= p_moment
                 and written_by < pg_snapshot_xmin(pg_current_snapshot())),
           case when count(*) = 500 then max(fifo_key) else '' end
    from head
$$;

-- What waits for a later try of an endpoint that has come back is due now, a thousand at a time.
create or replace function webhook_drain(p_place webhook, p_moment timestamptz)
returns boolean language plpgsql as $$
declare
    moved integer;
begin
    update webhook_delivery set next_attempt_at = p_moment
    where id = any(array(
        select id from webhook_delivery
        where webhook_id = p_place.id and state = 'pending' and next_attempt_at > p_moment
        order by next_attempt_at limit 1000 for update skip locked));
    get diagnostics moved = row_count;
    return moved = 1000;
end $$;

-- Claim at most so many deliveries, of endpoints after this one: each with its attempt, written
-- before the request is. An endpoint that somebody else claims from is passed over. What was asked for
-- by hand and was not tried yet goes before all else. What goes where is read in here: a statement
-- around this one would not see what came after it had begun.
create or replace function webhook_claim(
    p_after uuid, p_limit integer, p_lease double precision
) returns table (
    delivery_id uuid, attempt integer, cause text, url text, webhook_id uuid, headers bytea,
    transform jsonb, payload text, secrets bytea[]
) language plpgsql as $$
#variable_conflict use_column
declare
    moment constant timestamptz := clock_timestamp();
    candidate uuid;
    place webhook;
    room integer;
    heads record;
    picked uuid[];
    keys bytea[];
    left_over integer := p_limit;
begin
    for candidate in select * from webhooks_due(p_after, moment) loop
        exit when left_over <= 0;
        select * into place from webhook
        where id = candidate and is_enabled and deleted_at is null and open_until <= moment
        for no key update skip locked;
        continue when not found;
        room := least(webhook_room(place, moment), left_over);
        continue when room = 0;
        if place.is_draining then
            place.is_draining := webhook_drain(place, moment);
        end if;
        select * into heads from webhook_heads(place, moment);
        picked := array(
            select id from (
                select id from webhook_delivery
                where webhook_id = place.id and state = 'pending' and attempts = 0
                  and cause in ('ping', 'resend')
                order by seq limit room for update skip locked) as asked_for
            union all
            select id from (
                select id from webhook_delivery
                where webhook_id = place.id and state = 'pending' and next_attempt_at <= moment
                  and (fifo_key is null or id = any(heads.ids))
                  and not (attempts = 0 and cause in ('ping', 'resend'))
                order by next_attempt_at, seq limit room for update skip locked) as others
            limit room);
        update webhook
        set free_at = greatest(place.free_at, moment - interval '1 second')
                + make_interval(secs => cardinality(picked)::float8 / place.rate_per_second),
            is_draining = place.is_draining, fifo_from = heads.last
        where id = place.id;
        left_over := left_over - cardinality(picked);
        keys := array(
            select sealed from webhook_secret
            where webhook_id = place.id and (expires_at is null or expires_at > moment)
            order by created_at desc);
        return query
        with taken as (
            update webhook_delivery
            set state = 'delivering', attempts = attempts + 1,
                lease_until = moment + make_interval(secs => p_lease)
            where id = any(picked)
            returning id, seq, attempts, cause, coalesce(url, place.url) as url, event_id
        ), noted as (
            insert into webhook_attempt (delivery_id, number, url)
            select id, attempts, url from taken
        )
        select taken.id, taken.attempts, taken.cause, taken.url, place.id, place.headers, place.transform,
               event_payload(event)::text, keys
        from taken join event on event.id = event_id
        order by taken.seq;
    end loop;
end $$;

-- What couriers have lost is tried again at once; whether it arrived nobody knows. What takes every
-- courier down is given up after as many attempts as a schedule may have.
create or replace function webhook_rescue(p_limit integer) returns integer language plpgsql as $$
declare
    moment constant timestamptz := clock_timestamp();
    rescued integer;
begin
    with lost as (
        update webhook_delivery
        set state = case when attempts > 20 then 'exhausted' else 'pending' end,
            finished_at = case when attempts > 20 then moment end,
            lease_until = null, next_attempt_at = moment
        where id = any(array(
            select id from webhook_delivery where state = 'delivering' and lease_until < moment
            limit p_limit for update skip locked))
        returning id, attempts
    ), noted as (
        update webhook_attempt set outcome = 'lost', finished_at = moment
        from lost where delivery_id = lost.id and number = lost.attempts
    )
    select count(*) into rescued from lost;
    return rescued;
end $$;

-- The end of attempts, many at once: `p_ends` are the columns of each as JSON. `wait` is the pause
-- before the next one, null for the last; `pause` how long the endpoint asks to be left alone. What
-- went to another address says nothing of the endpoint.
create or replace function webhook_finish(p_ends jsonb) returns integer language plpgsql as $$
declare
    done record;
    finished integer := 0;
begin
    for done in
        select ending.*, delivery.webhook_id, delivery.url is null as is_at_home from jsonb_to_recordset(p_ends) as ending (
            delivery_id uuid, attempt integer, outcome text, status integer, failure text,
            wait double precision, pause double precision, request_headers jsonb, body text,
            response_headers jsonb, response_body text)
        join webhook_delivery delivery on delivery.id = delivery_id
        order by delivery.webhook_id, delivery_id
    loop
        update webhook_attempt
        set finished_at = clock_timestamp(), outcome = done.outcome, status = done.status,
            failure = done.failure, request_headers = done.request_headers, body = done.body,
            response_headers = done.response_headers, response_body = done.response_body
        where delivery_id = done.delivery_id and number = done.attempt;
        update webhook_delivery
        set state = case when done.outcome = 'delivered' then 'delivered'
                         when done.wait is null then 'exhausted' else 'pending' end,
            lease_until = null,
            next_attempt_at = clock_timestamp() + make_interval(secs => coalesce(done.wait, 0)),
            finished_at = case when done.outcome = 'delivered' or done.wait is null
                               then clock_timestamp() end
        where id = done.delivery_id and state = 'delivering' and attempts = done.attempt;
        if found then
            finished := finished + 1;
            if done.is_at_home then
                perform webhook_felt(
                    done.webhook_id, done.outcome = 'delivered', done.status, done.pause);
            end if;
        end if;
    end loop;
    return finished;
end $$;

-- What an attempt says of its endpoint: from the fifth failure in a row on it is left alone for a
-- while, twice as long each time up to a minute, and then tried with one. A success ends the failures,
-- and no pause: what is well was claimed before the endpoint asked for it.
create or replace function webhook_felt(
    p_webhook uuid, p_is_well boolean, p_status integer, p_pause double precision
) returns void language plpgsql as $$
declare
    moment constant timestamptz := clock_timestamp();
begin
    if p_is_well then
        update webhook
        set is_draining = is_draining or failures >= 5, failures = 0, failing_since = null,
            warned_at = null
        where id = p_webhook and failing_since is not null;
        return;
    end if;
    update webhook
    set failures = failures + 1, failing_since = coalesce(failing_since, moment),
        last_failed_at = moment,
        open_until = greatest(
            open_until,
            moment + make_interval(secs => p_pause),
            case when failures + 1 >= 5
                then moment + make_interval(secs => least(60, 2 ^ (failures - 3)))
            end)
    where id = p_webhook;
    if p_status = 410 then
        perform webhook_disable(p_webhook, 'gone');
    end if;
end $$;
