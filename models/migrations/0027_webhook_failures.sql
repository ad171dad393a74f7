-- When an attempt last failed at it: from `failing_since` until then it was tried (H-05).

alter table webhook add column last_failed_at timestamptz;

-- What somebody asks for by hand, which goes before all else (H-10).

create index webhook_delivery_asked_for on webhook_delivery (webhook_id, seq)
    where state = 'pending' and attempts = 0 and cause in ('ping', 'resend');
