"""The scheduler process: what it is to do is done from its start on."""

import sys
from datetime import timedelta
from pathlib import Path

from jobs.queues import pause
from jobs.watch.lead import KEY
from models import schedules as runs
from models.accounts import Person
from models.alerts import Alert
from models.chats import Chat
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from models.schedules import ScheduledRun
from tests import chat_factories
from tests.making import person
from tests.processes import Processes, until
from tests.schedules.conftest import NOON, Believe


def test_a_scheduler_purges_what_was_deleted_longer_ago_than_the_setting_says(
    settings: Settings, database: Pool, tmp_path: Path
) -> None:
    now = SystemClock().now()
    old, fresh = (chat_factories.chat(deleted_at=now - timedelta(days=days)) for days in (8, 6))

    with Processes(settings, tmp_path, ILM_RETENTION_DAYS="7") as processes:
        processes.scheduler()
        until(lambda: Chat.select().count() == 1, "nothing is purged")

    assert Chat.get_or_none(Chat.id == fresh.id) is not None
    assert Chat.get_or_none(Chat.id == old.id) is None


def test_a_scheduler_watches(settings: Settings, database: Pool, tmp_path: Path) -> None:
    cache = open_cache(settings)
    cache.delete(KEY)
    pause("pages")

    with Processes(settings, tmp_path) as processes:
        processes.scheduler()
        until(lambda: Alert.get_or_none(Alert.subject == "pages"), "nothing is suspected")

    assert cache.get(KEY) is not None
    cache.close()


def test_who_has_left_long_enough_ago_is_purged_by_a_worker(
    settings: Settings, database: Pool, tmp_path: Path
) -> None:
    gone = person(status="deleted", purge_at=SystemClock().now() - timedelta(minutes=1))
    going = person(status="deleted", purge_at=SystemClock().now() + timedelta(days=1))

    with Processes(settings, tmp_path) as processes:
        processes.worker("default")
        processes.scheduler()
        until(lambda: Person.by_id(gone.id).purged_at is not None, "nobody is purged")

    assert Person.by_id(going.id).purged_at is None


def test_a_run_by_hand_is_carried_out_beside_the_calendar(
    settings: Settings, database: Pool, believe: Believe, tmp_path: Path
) -> None:
    believe(NOON)
    slot = runs.ask("logins", new_id())

    with Processes(settings, tmp_path) as processes:
        processes.scheduler()
        ended = ScheduledRun.select().where(ScheduledRun.outcome == "succeeded")
        mine = ended.where(ScheduledRun.name == "logins").order_by(ScheduledRun.slot)
        until(lambda: mine.count() == 2, "it is not run by hand and by the calendar")

    assert [run.source for run in mine] == ["calendar", "by hand"]
    assert mine[1].slot == slot


def test_a_scheduler_that_is_told_to_stop_leaves_no_run_open(
    settings: Settings, database: Pool, tmp_path: Path
) -> None:
    code = "import signal; signal.pause()"
    command = f"{sys.executable} -c '{code}'"
    with Processes(settings, tmp_path, ILM_BACKUP_COMMAND=command) as processes:
        processes.scheduler()
        open_ = ScheduledRun.listed("backup").where(ScheduledRun.lease_until.is_null(False))
        until(open_.exists, "no backup is begun")

    run = ScheduledRun.listed("backup").get()
    assert (run.status, run.attempts) == ("waiting", 0)
