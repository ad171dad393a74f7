-- Administrators may set the limit of whoever is not known, too (L-11).

alter table rate_limit drop constraint rate_limit_kind_check;
alter table rate_limit add constraint rate_limit_kind_check check (kind in (
    'user', 'user-ai', 'key', 'tier', 'tier-ai', 'route', 'anonymous', 'address', 'global'
));
