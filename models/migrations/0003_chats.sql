-- Chats. `head_id` is the leaf of the branch that is shown; a deleted chat is hidden until its
-- purge.

create table chat (
    id uuid primary key,
    account_id uuid not null,
    person_id uuid not null references person,
    mode text not null check (mode in ('live', 'test')),
    title text not null default '',
    title_by text not null default 'nobody' check (title_by in ('nobody', 'machine', 'person')),
    book_id uuid references book on delete set null,
    llm text,
    system_prompt text,
    settings jsonb not null default '{}',
    folder text,
    tags text[] not null default '{}',
    head_id uuid,
    message_count integer not null default 0 check (message_count >= 0),
    context_tokens integer not null default 0 check (context_tokens >= 0),
    context_window integer not null default 0 check (context_window >= 0),
    summary text,
    archived_at timestamptz,
    deleted_at timestamptz,
    last_activity_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index chat_owned on chat (account_id, person_id, mode, last_activity_at desc)
    where deleted_at is null;

-- Messages: a tree, since an edit or a new answer begins a branch and changes nothing there is.
-- `place` is their order in time. The answer that a job writes has the job's id.

create table message (
    id uuid primary key,
    place bigint generated always as identity,
    chat_id uuid not null references chat on delete cascade,
    parent_id uuid references message on delete cascade,
    role text not null check (role in ('user', 'assistant', 'system', 'tool')),
    content text not null default '',
    citations jsonb not null default '[]',
    tool_calls jsonb not null default '[]',
    tool_call_id text,
    llm text,
    vendor text,
    status text not null default 'complete'
        check (status in ('pending', 'complete', 'partial', 'failed')),
    finish_reason text
        check (finish_reason in ('stop', 'length', 'content_filter', 'tool_calls', 'cancelled')),
    error_code text,
    tokens_in integer not null default 0 check (tokens_in >= 0),
    tokens_out integer not null default 0 check (tokens_out >= 0),
    cost_nano bigint not null default 0 check (cost_nano >= 0),
    estimated boolean not null default false,
    cached boolean not null default false,
    warnings jsonb not null default '[]',
    job_id uuid unique check (job_id = id),
    created_at timestamptz not null default now(),
    edited_at timestamptz,
    finished_at timestamptz,
    deleted_at timestamptz
);
create index message_of_chat on message (chat_id, place);
create index message_children on message (parent_id);

create table message_feedback (
    message_id uuid not null references message on delete cascade,
    person_id uuid not null references person,
    rating smallint not null check (rating in (-1, 1)),
    comment text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (message_id, person_id)
);

-- However an answer's job ends, its message is not pending any more: in the same transaction, also
-- where no attempt is there to say so (cancelled in the queue, overdue, poisonous).

create function chat_answer_ended() returns trigger language plpgsql as $$
begin
    update message
    set status = case
            when new.state = 'cancelled' or content <> '' then 'partial' else 'failed'
        end,
        finish_reason = case new.state when 'cancelled' then 'cancelled' end,
        error_code = new.error_code, finished_at = new.finished_at
    where id = new.id and status = 'pending';
    return null;
end $$;

create trigger chat_answer_ended after update of state on job for each row
    when (new.type = 'chat.answer' and new.state in ('failed', 'cancelled'))
    execute function chat_answer_ended();

create table prompt (
    id uuid primary key,
    account_id uuid not null,
    person_id uuid not null references person,
    mode text not null check (mode in ('live', 'test')),
    title text not null,
    description text not null default '',
    template text not null,
    tags text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index prompt_owned on prompt (account_id, person_id, mode, id desc);

-- Answers that may be given again to the same account for the same question (M-43).

create table cached_answer (
    account_id uuid not null,
    mode text not null check (mode in ('live', 'test')),
    key bytea not null,
    answer jsonb not null,
    created_at timestamptz not null default now(),
    primary key (account_id, mode, key)
);
create index cached_answer_age on cached_answer (account_id, created_at);
