"""Works: what is done under each name of `catalogue/schedules.toml`, and nothing else (STYLE)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jobs.backups import back_up
from jobs.chats.purging import purge
from jobs.erasure import purge_leavers
from jobs.events import forget_events
from jobs.login_upkeep import tidy_logins
from jobs.money_letters import send_notices, send_summaries
from jobs.months import open_months
from jobs.purchases import Purchases, settle_purchases
from jobs.queue import Queue
from jobs.schedules.overview import forget_runs
from jobs.schedules.pulse import Pulse
from jobs.signing_keys import rotated
from jobs.statement_papers import forget_papers
from jobs.statements import forget_days_of_usage, keep_statements
from jobs.sweeping import purge_books, purge_files, sweep, sweep_uploads
from jobs.usage_rollup import forget_detail, roll_up
from jobs.watch.watch import Watch
from jobs.webhooks.upkeep import look_after
from models.kernel.blobs import Blobs
from models.kernel.clock import Clock
from models.kernel.settings import Settings
from schedules.rounds import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What works act through."""

    settings: Settings
    clock: Clock
    queue: Queue
    blobs: Blobs
    watch: Watch
    purchases: Purchases


def all_of(step: Callable[[], int], words: str) -> Work:
    """Return a work that takes a step until there is nothing left for it, and counts."""

    def work(pulse: Pulse) -> str:
        total = 0
        while done := step():
            total += done
            pulse.check()
        return words.format(total)

    return work


def works(tools: Tools) -> Mapping[str, Work]:
    """Return what is done under each name."""
    settings, clock, blobs = tools.settings, tools.clock, tools.blobs
    return {
        "months": open_months,
        "chats": lambda pulse: f"purged {purge(settings.retention_days, pulse)} chats and answers",
        "leavers": lambda _: f"{purge_leavers(tools.queue, clock)} are due",
        "logins": lambda _: f"forgot {tidy_logins(clock)} rows",
        "signing_keys": lambda _: rotated(settings, clock),
        "alerts": lambda _: f"forgot {tools.watch.forget()} alerts",
        "runs": lambda pulse: forget_runs(settings.run_days, pulse),
        "books": lambda pulse: purge_books(settings.retention_days, blobs, clock, pulse),
        "files": lambda pulse: purge_files(settings.retention_days, blobs, clock, pulse),
        "expired": lambda pulse: sweep(clock, pulse),
        "events": all_of(lambda: forget_events(settings.events_days), "forgot {} events"),
        "uploads": lambda pulse: sweep_uploads(blobs, clock, pulse),
        "usage": lambda pulse: f"added up {roll_up(pulse)} days of accounts",
        "detail": all_of(lambda: forget_detail(settings), "forgot {} lines and holds"),
        "statements": all_of(keep_statements, "kept {} statements"),
        "sums": all_of(lambda: forget_days_of_usage(settings), "forgot {} sums of days"),
        "papers": lambda _: f"forgot {forget_papers(clock)} PDFs",
        "summaries": all_of(lambda: send_summaries(tools.queue), "asked for {} letters"),
        "notices": all_of(lambda: send_notices(tools.queue), "asked for {} letters"),
        "purchases": all_of(lambda: settle_purchases(tools.purchases), "asked about {}"),
        "webhooks": lambda pulse: look_after(tools.queue, pulse),
        "backup": lambda pulse: back_up(settings.backup_command, pulse),
    }
