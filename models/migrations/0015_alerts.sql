-- What the watch has found to be wrong, since when, and who was told (I-08).

create table alert (
    id uuid primary key,
    name text not null,
    subject text not null,
    severity text not null,
    words text not null,
    seen_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    began_at timestamptz,
    ended_at timestamptz,
    told text not null default '',
    told_at timestamptz,
    telling_until timestamptz,
    acknowledged_by uuid,
    acknowledged_at timestamptz
);
create unique index alert_open on alert (name, subject) where ended_at is null;
create index alert_ended on alert (ended_at) where ended_at is not null;
