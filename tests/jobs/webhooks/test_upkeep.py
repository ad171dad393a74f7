"""Upkeep of endpoints: told of, disabled, written to once each time, and purged (H-05)."""

from datetime import timedelta
from typing import Any

import pytest

from jobs.mail import Mail
from jobs.queue import Queue
from jobs.webhooks import letters, upkeep
from jobs.webhooks.letters import SendWebhookLetter, ask_letters, send_webhook_letter
from jobs.webhooks.upkeep import heed_failing, look_after, purge_webhooks
from models import webhooks
from models.accounts import Person
from models.jobs import JobRow
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.webhooks import NOBODY, End, Webhook, WebhookAttempt, WebhookDelivery, claim, finish
from tests import factories
from tests.fakes.run import FakeRun
from tests.making import person
from tests.webhook_factories import (
    happens,
    webhook,
    webhook_attempt,
    webhook_delivery,
)

pytestmark = pytest.mark.usefixtures("database")

NOW = SystemClock().now()
DAY = timedelta(days=1)
HERE = "https://ilm.example"


class FakePulse:
    """A run of a schedule that nobody stops."""

    def check(self) -> None:
        """Go on."""


class FakeOffice:
    """Keeps what is posted."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    def post(self, mail: Mail) -> None:
        self.mails.append(mail)


def theirs(who: Person, **more: Any) -> Webhook:
    return webhook(who.account_id, user_id=who.id, **more)


def told(database: Pool) -> list[str]:
    return [kind for (kind,) in database.rows(
        "select type from event where type like 'webhook.%%' order by seq"
    )]  # fmt: skip


def asked() -> list[JobRow]:
    return list(JobRow.select().where(JobRow.type == SendWebhookLetter.name).order_by(JobRow.id))


def carried_out() -> list[Mail]:
    """Send every letter that was asked for."""
    office = FakeOffice()
    for row in asked():
        send_webhook_letter(SendWebhookLetter.from_input(row.input), office, HERE, FakeRun())
    return office.mails


def test_what_has_failed_for_a_day_is_told_of_once(database: Pool) -> None:
    row = webhook(failing_since=NOW - DAY - timedelta(minutes=1))
    webhook(failing_since=NOW - DAY / 2)
    webhook(failing_since=NOW - 9 * DAY, is_enabled=False)
    webhook(failing_since=NOW - 9 * DAY, deleted_at=NOW)
    webhook()

    assert (heed_failing(), heed_failing()) == (1, 0)

    assert told(database) == ["webhook.failing"]
    assert Webhook.get_by_id(row.id).is_enabled


def test_what_has_failed_for_five_days_is_disabled_and_kept_for(database: Pool) -> None:
    since = NOW - 5 * DAY - timedelta(minutes=1)
    row = webhook(failing_since=since, last_failed_at=NOW, warned_at=NOW - 4 * DAY)

    assert (heed_failing(), heed_failing()) == (1, 0)

    fresh = Webhook.get_by_id(row.id)
    assert (fresh.is_enabled, fresh.disabled_reason) == (False, "failing")
    assert told(database) == ["webhook.disabled"]
    happens(row.account_id)
    assert WebhookDelivery.select().where(WebhookDelivery.state == "pending").count() == 2


def test_who_was_tried_for_less_than_five_days_is_told_of_and_not_disabled(
    database: Pool,
) -> None:
    since = NOW - 9 * DAY
    row = webhook(failing_since=since, last_failed_at=since + timedelta(hours=76))

    assert (heed_failing(), heed_failing()) == (1, 0)

    assert told(database) == ["webhook.failing"]
    assert Webhook.get_by_id(row.id).is_enabled


def test_the_next_failure_after_five_days_disables_it(database: Pool) -> None:
    row = webhook(failing_since=NOW - 9 * DAY, warned_at=NOW - 8 * DAY)
    happens(row.account_id)
    (parcel,) = claim(NOBODY, 10, 60)
    end = End(delivery_id=parcel.delivery_id, attempt=1, outcome="failed", wait=60.0)

    finish([end])

    assert (heed_failing(), told(database)) == (1, ["webhook.disabled"])


def test_many_that_fail_are_heeded_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "AT_ONCE", 2)
    for _ in range(3):
        webhook(failing_since=NOW - 2 * DAY)

    assert [heed_failing() for _ in range(3)] == [2, 1, 0]


def test_who_registered_it_has_a_letter_that_it_fails_and_one_that_it_is_disabled(
    queue: Queue,
) -> None:
    ada = person()
    row = theirs(ada, failing_since=NOW - 2 * DAY)
    heed_failing()
    assert (ask_letters(queue), ask_letters(queue)) == (1, 0)
    (first,) = carried_out()

    Webhook.update(failing_since=NOW - 6 * DAY, last_failed_at=NOW).execute()
    heed_failing()
    assert (ask_letters(queue), ask_letters(queue)) == (1, 0)
    second = carried_out()[-1]

    assert (first.to, first.subject) == (ada.email, "A webhook of yours at Ilm fails")
    assert row.url in first.text
    assert f"wh_{row.id.hex}" in first.text
    assert second.subject == "A webhook of yours at Ilm was disabled"
    assert "failed for five days" in second.text
    assert "{" not in first.text
    assert '{"enabled": true}' in second.text


def test_what_says_that_it_is_gone_is_a_letter_too(queue: Queue, database: Pool) -> None:
    theirs(person())
    database.rows("select webhook_disable(id, 'gone') from webhook")

    ask_letters(queue)

    (mail,) = carried_out()
    assert "410 Gone" in mail.text


def test_who_disabled_it_themselves_is_not_written_to(queue: Queue) -> None:
    row = theirs(person())
    webhooks.enable(row.id, is_enabled=False)

    assert ask_letters(queue) == 0


@pytest.mark.parametrize(
    "meanwhile", [{"failing_since": None}, {"deleted_at": NOW}, {"is_enabled": False}]
)
def test_what_is_otherwise_by_now_is_no_letter(queue: Queue, meanwhile: dict[str, Any]) -> None:
    theirs(person(), failing_since=NOW - 2 * DAY)
    heed_failing()
    ask_letters(queue)

    Webhook.update(**meanwhile).execute()

    assert carried_out() == []


def test_who_wants_no_mail_or_is_suspended_has_none(queue: Queue) -> None:
    quiet, suspended = person(), person(status="suspended")
    factories.person_preferences(person_id=quiet.id, kept={"notifications": {"email": False}})
    for who in (quiet, suspended):
        theirs(who, failing_since=NOW - 2 * DAY)
    webhook(failing_since=NOW - 2 * DAY)
    heed_failing()

    assert ask_letters(queue) == 3
    assert carried_out() == []


def test_letters_are_asked_for_some_at_a_time(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "AT_ONCE", 2)
    for _ in range(3):
        theirs(person(), failing_since=NOW - 2 * DAY)
    heed_failing()

    assert [ask_letters(queue) for _ in range(3)] == [2, 1, 0]


def test_what_was_deleted_goes_in_steps_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "AT_ONCE", 2)
    gone, stays = webhook(), webhook()
    for row in (gone, stays):
        for _ in range(3):
            webhook_attempt(webhook_delivery(row))
    Webhook.update(deleted_at=NOW).where(Webhook.id == gone.id).execute()

    steps = [purge_webhooks() for _ in range(4)]

    assert steps == [2, 2, 0, 0]
    assert [each.id for each in Webhook.select()] == [stays.id]
    assert (WebhookDelivery.select().count(), WebhookAttempt.select().count()) == (3, 3)


def test_the_schedule_does_all_of_it(queue: Queue) -> None:
    theirs(person(), failing_since=NOW - 2 * DAY)
    webhook(deleted_at=NOW)

    said = look_after(queue, FakePulse())  # type: ignore[arg-type]  # it is only asked to check

    assert said == "1 fail, asked for 1 letters, purged 1 rows"
