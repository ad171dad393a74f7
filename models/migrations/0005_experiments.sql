-- Experiments: two LLMs compared where Ilm chooses (E-05). At most one runs at a time; `share` percent
-- of the accounts are answered by `llm_b`.

create table experiment (
    name text primary key,
    llm_a text not null,
    llm_b text not null,
    share smallint not null check (share between 1 and 99),
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    check (llm_a <> llm_b)
);
create unique index experiment_running on experiment ((true)) where ended_at is null;

-- Which arm of which experiment a job's answer belongs to.

create table experiment_answer (
    job_id uuid primary key,
    experiment text not null references experiment on delete cascade,
    arm text not null check (arm in ('a', 'b'))
);
create index experiment_answer_arm on experiment_answer (experiment, arm);
