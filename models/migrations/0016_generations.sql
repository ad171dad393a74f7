-- How often the books of an account, or those that everybody sees, have changed: what was kept of an
-- older generation holds no more (G-22). Counted when the change commits, so that nobody waits for
-- another while they hold locks.

create sequence generation_number;
create table generation (
    subject uuid not null,
    scope text not null,
    number bigint not null default nextval('generation_number'),
    primary key (subject, scope)
);

create function generation_next(p_subject uuid, p_scope text) returns void language sql as $$
    insert into generation (subject, scope) values (p_subject, p_scope)
    on conflict (subject, scope) do update set number = nextval('generation_number')
$$;

create function book_changed() returns trigger language plpgsql as $$
declare
    account uuid := coalesce(new.account_id, old.account_id);
begin
    perform generation_next(account, 'books');
    if 'public' in (new.visibility, old.visibility) then
        perform generation_next('00000000-0000-0000-0000-000000000000', 'books');
    end if;
    return null;
end $$;

create constraint trigger book_changed after insert or update or delete on book
    deferrable initially deferred for each row execute function book_changed();
