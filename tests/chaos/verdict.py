"""The verdict: what clients were told and what the database saw, held against each other."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from models.kernel.database import Pool
from tests.chaos.audit import Finding, audit
from tests.chaos.jobs import Ask, Charge
from tests.chaos.load import Load

OVER: Final = "('succeeded', 'failed', 'cancelled')"
PRICED: Final = f"('{Charge.name}', '{Ask.name}')"
SHOWN: Final = 3

_STUCK: Final = f"select id, type, state, attempt, sends from job where state not in {OVER}"
_DOUBLED: Final = {
    "ends": "select job_id from chaos_end group by 1 having count(*) > 1",
    "claims of one attempt": """
        select job_id, attempt from chaos_claim group by 1, 2 having count(*) > 1
    """,
    "effects": "select job_id from chaos_effect group by 1 having count(*) > 1",
    "effects of jobs that did not succeed": """
        select effect.job_id from chaos_effect effect join job on job.id = effect.job_id
        where job.state <> 'succeeded'
    """,
    "usage lines": "select job_id from usage_line group by 1 having count(*) > 1",
    "charges": """
        select idem from ledger_entry where account = 'revenue' group by 1 having count(*) > 1
    """,
    "events": """
        select data -> 'job' ->> 'id' from event where type like 'job.%%' group by 1
        having count(*) > 1
    """,
    "jobs of one request": """
        select coalesce(input ->> 'mark', input ->> 'text', input #>> '{messages,0,content}')
        from job where type not in ('book.text', 'pages.generate') and queue <> 'mail'
        group by 1 having count(*) > 1
    """,
    "books of one upload": "select title from book group by 1 having count(*) > 1",
    "jobs of one book": "select subject_id, type from job where subject_id is not null"
    " group by 1, 2 having count(*) > 1",
    "pages": "select book_id, number from chaos_redrawn",
}
_ZOMBIES: Final = {
    "writes": "select what, job_id, attempt, row_attempt, row_state from chaos_zombie",
    "results": f"""
        select id, attempt, result from job where type in {PRICED} and state = 'succeeded'
        and (result ->> 'attempt')::integer <> attempt
    """,
    "claims after the end": """
        select id from job join chaos_claim claim on claim.job_id = job.id
        where claim.at > job.finished_at
    """,
}
_MISSING: Final = {
    "charges": f"""
        select id from job left join credit_hold hold on hold.job_id = job.id
        where type in {PRICED} and job.state = 'succeeded'
          and hold.settled_nano is distinct from (input ->> 'tokens')::bigint * 7
    """,
    "effects": f"""
        select id from job where type in {PRICED} and state = 'succeeded'
        and not exists (select from chaos_effect where job_id = id)
    """,
    "page images": """
        select book.id, book.pages_status, count(page.number) filter (where sizes ? 'ultra')
        from book left join page on page.book_id = book.id group by book.id
        having book.pages_status = 'completed'
            and count(page.number) filter (where sizes ? 'ultra') <> book.page_count
    """,
}
_RESCUES: Final = """
select extract(epoch from claim.at - expiry.lease_until)::float
from chaos_expiry expiry
join chaos_claim claim on claim.job_id = expiry.job_id and claim.attempt = expiry.attempt + 1
order by 1
"""
_ENDS: Final = """
select state || coalesce(' ' || error_code, ''), count(*) from job group by 1 order by 2 desc
"""
_FACTS: Final = "select count(*), coalesce(max(attempt), 0), coalesce(max(lost), 0) from job"
_ACCOUNTS: Final = "select count(distinct account_id), count(distinct type) from job"


@dataclass(slots=True)
class Verdict:
    """The counts that must be 0, and the figures beside them."""

    jobs: int = 0
    faults: dict[str, list[Any]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled, stuck or broken."""
        return not any(self.faults.values())

    @property
    def text(self) -> str:
        """The verdict, a line a count."""
        lines = [f"{name:<32} {value}" for name, value in self.figures.items()]
        for name, found in self.faults.items():
            shown = "; ".join(str(each) for each in found[:SHOWN])
            lines.append(f"{name:<32} {len(found)}{f'   {shown}' if found else ''}")
        return "\n".join(lines)


def judge(pool: Pool, load: Load, kills: Counter[str], left: Sequence[int]) -> Verdict:
    """Hold everything against everything, once all has come to rest."""
    verdict, ledger = Verdict(), load.ledger
    _tell(verdict, pool, load, kills)
    known = {row[0] for row in pool.rows("select id from job")}
    books = {f"book_{row[0].hex}" for row in pool.rows("select id from book")}
    lost: list[Any] = [job_id for job_id in ledger.jobs if job_id not in known]
    verdict.faults["lost"] = lost + [book for book in ledger.books if book not in books]
    verdict.faults["stuck"] = list(pool.rows(_STUCK))
    for group, questions in (
        ("doubled", _DOUBLED), ("zombie-accepted", _ZOMBIES), ("missing", _MISSING),
    ):  # fmt: skip
        for name, sql in questions.items():
            verdict.faults[f"{group}: {name}"] = list(pool.rows(sql, ()))
    findings: list[Finding] = audit(pool)
    for finding in findings:
        verdict.faults[finding.invariant] = finding.breaches
    verdict.faults["garbled streams"] = list(load.watchers.seen.garbled)
    verdict.faults["processes left"] = list(left)
    return verdict


def _tell(verdict: Verdict, pool: Pool, load: Load, kills: Counter[str]) -> None:
    ledger, seen = load.ledger, load.watchers.seen
    ((jobs, attempt, lost),) = pool.rows(_FACTS)
    verdict.jobs = jobs
    ((accounts, kinds),) = pool.rows(_ACCOUNTS)
    rescues = [row[0] for row in pool.rows(_RESCUES)]
    verdict.figures |= {
        "accepted": f"{jobs} jobs of {kinds} types and {accounts} accounts,"
        f" {ledger.count} by an answer, {len(ledger.books)} books",
        "clients": f"{ledger.repeated} repeated, {ledger.refused} refused,"
        f" {ledger.unanswered} unanswered, {ledger.cancels} cancels",
        "streams": f"{seen.finished} watched to the end, {seen.cuts} times cut and resumed,"
        f" {seen.restarts} restarts",
        "ends": ", ".join(f"{count} {state}" for state, count in pool.rows(_ENDS)),
        "harm": ", ".join(f"{times} {kind}" for kind, times in sorted(kills.items())),
        "rescues": _spread(rescues),
        "most attempts": f"{attempt}, most workers lost {lost}",
    }


def _spread(seconds: list[float]) -> str:
    """Return p50, p99 and the longest time from the end of a lease to the next claim."""
    if not seconds:
        return "none"
    p50, p99 = seconds[len(seconds) // 2], seconds[min(len(seconds) * 99 // 100, len(seconds) - 1)]
    return f"{len(seconds)}, p50 {p50:.1f} s, p99 {p99:.1f} s, longest {seconds[-1]:.1f} s"
