-- Receivers' tools (H-10, H-11): deliveries made again, and what becomes of endpoints that fail.

-- Deliver events again that stand after one place in the order, up to another, and were written
-- between two moments: those an endpoint wants, each once for a job. To its own address only what
-- has not arrived there and is not on its way, unless it is a replay. Returns how many.
create or replace function webhook_again(
    p_job uuid, p_webhook uuid, p_cause text, p_url text, p_after text, p_after_seq bigint,
    p_upto text, p_upto_seq bigint, p_since timestamptz, p_until timestamptz
) returns integer language plpgsql as $$
declare
    made integer;
begin
    perform pg_advisory_xact_lock(hashtextextended('webhook again ' || p_webhook, 0));
    insert into webhook_delivery (webhook_id, event_id, cause, url, fifo_key, asked_by)
    select webhook.id, event.id, p_cause, p_url,
           coalesce(p_url, '') || webhook_key(webhook, event), p_job
    from webhook
    join event on event.account_id = webhook.account_id and event.mode = webhook.mode
    where webhook.id = p_webhook and deleted_at is null
      and (written_by, seq) > (p_after::xid8, p_after_seq)
      and (written_by, seq) <= (p_upto::xid8, p_upto_seq)
      and event.created_at >= p_since and event.created_at < p_until
      and event.type <> 'webhook.ping' and webhook_wants(webhook, event)
      and (p_cause = 'replay' or not exists (
          select from webhook_delivery known
          where known.event_id = event.id and known.webhook_id = webhook.id
            and known.url is null and known.state in ('pending', 'delivering', 'delivered')))
    order by written_by, seq
    on conflict (asked_by, event_id) where asked_by is not null do nothing;
    get diagnostics made = row_count;
    return made;
end $$;

-- Endpoints where nothing has arrived for so long are told of, and those that were tried for longer,
-- from their first failure to the last, are disabled; some at a time. Returns how many.
create or replace function webhooks_failing(
    p_warn interval, p_disable interval, p_most integer
) returns integer language plpgsql as $$
declare
    mine webhook;
    found_so_far integer := 0;
begin
    for mine in
        select * from webhook
        where is_enabled and deleted_at is null and (
            failing_since < now() - p_warn and warned_at is null
            or last_failed_at - failing_since > p_disable)
        order by failing_since limit p_most for no key update skip locked
    loop
        if mine.warned_at is null then
            update webhook set warned_at = now() where id = mine.id;
            perform webhook_told(mine, 'webhook.failing');
        end if;
        if mine.last_failed_at - mine.failing_since > p_disable then
            perform webhook_disable(mine.id, 'failing');
        end if;
        found_so_far := found_so_far + 1;
    end loop;
    return found_so_far;
end $$;

-- Disable an endpoint, and tell its account. What it was to be told is kept.
create or replace function webhook_disable(p_webhook uuid, p_reason text)
returns boolean language plpgsql as $$
declare
    mine webhook;
begin
    update webhook
    set is_enabled = false, disabled_at = now(), disabled_reason = p_reason, updated_at = now()
    where id = p_webhook and is_enabled and deleted_at is null
    returning * into mine;
    if not found then
        return false;
    end if;
    perform webhook_told(mine, 'webhook.disabled');
    return true;
end $$;

create or replace function webhook_told(p_mine webhook, p_type text) returns uuid
language sql as $$
    insert into event (id, account_id, mode, type, data)
    values (event_id(), p_mine.account_id, p_mine.mode, p_type, jsonb_build_object(
        'webhook', jsonb_strip_nulls(jsonb_build_object(
            'id', wire_id('wh', p_mine.id), 'url', p_mine.url,
            'enabled', p_mine.is_enabled, 'disabledReason', p_mine.disabled_reason,
            'failingSince', wire_time(p_mine.failing_since)))))
    returning id
$$;

-- What is left of endpoints that were deleted goes, deliveries first, some at a time. Returns how
-- many rows went.
create or replace function webhooks_purge(p_most integer) returns integer language plpgsql as $$
declare
    gone integer;
    ended integer := 0;
begin
    delete from webhook_delivery where id = any(array(
        select delivery.id from webhook, lateral (
            select id from webhook_delivery where webhook_id = webhook.id limit p_most
        ) as delivery
        where deleted_at is not null limit p_most));
    get diagnostics gone = row_count;
    if gone < p_most then
        delete from webhook where id = any(array(
            select id from webhook
            where deleted_at is not null
              and not exists (select from webhook_delivery where webhook_id = webhook.id)
            limit p_most - gone));
        get diagnostics ended = row_count;
    end if;
    return gone + ended;
end $$;

-- How many deliveries of an endpoint are due since before a moment though nothing holds them up: it
-- is enabled and not failing, neither its rate nor their order keeps them back. There should be none.
create or replace function webhook_overdue(p_place webhook, p_then timestamptz)
returns bigint language sql stable as $$
    select case when p_place.is_enabled and p_place.deleted_at is null and p_place.failures < 5
                 and p_place.open_until <= p_then and p_place.free_at <= p_then
    then (
        select count(*) from webhook_delivery
        where webhook_id = p_place.id and state = 'pending' and fifo_key is null
          and next_attempt_at <= p_then
    ) + coalesce((select cardinality(ids) from webhook_heads(p_place, p_then)), 0)
    else 0 end
$$;

-- The same of all endpoints.
create or replace function webhooks_overdue(p_then timestamptz)
returns bigint language sql stable as $$
    select coalesce(sum(webhook_overdue(webhook, p_then)), 0)::bigint
    from webhooks_due('00000000-0000-0000-0000-000000000000', p_then) as late
    join webhook on id = late
$$;
