"""Endpoints as they are registered: what their name means now counts (H-12)."""

import socket
from datetime import UTC, datetime

import pytest

from jobs.webhooks.endpoints import Endpoints
from jobs.webhooks.keepers import Keeper
from jobs.webhooks.upkeep import heed_failing
from models.kernel.clock import SystemClock
from models.kernel.http import Egress
from models.kernel.names import Names
from models.kernel.secrets import Secrets
from models.kernel.unanswered import NotAllowed
from models.webhooks import NOBODY, Webhook, WebhookDelivery, claim
from tests.making import person
from tests.webhook_factories import happens

pytestmark = pytest.mark.usefixtures("database")

ECHO = "https://ilm.example/v1/sandbox/echo"
LONG_AGO, FAR_OFF = datetime(2026, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
WISH = {"url": "https://integrator.example/hook", "events": ["book.*"]}

FAILURES = {
    "failures": 9, "failing_since": LONG_AGO, "warned_at": LONG_AGO,
    "last_failed_at": FAR_OFF,
    "open_until": FAR_OFF,
}  # fmt: skip


def endpoints(*meanings: str) -> Endpoints:
    def look_up(_name: str) -> list[str]:
        if not meanings:
            raise socket.gaierror(socket.EAI_NONAME, "nothing")
        return list(meanings)

    return Endpoints(Egress(names=Names(look_up)), Secrets(b"0" * 32), SystemClock(), echo=ECHO)


def keeper() -> Keeper:
    who = person()
    return Keeper(
        account_id=who.account_id, user_id=who.id, mode="live",
        permissions=frozenset({"books:read"}),
    )  # fmt: skip


@pytest.mark.parametrize("meaning", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1", "fd00::1"])
def test_a_name_that_means_an_address_inside_is_not_registered(meaning: str) -> None:
    with pytest.raises(NotAllowed):
        endpoints("93.184.215.14", meaning).register(WISH, keeper())

    assert Webhook.select().count() == 0


def test_nor_is_an_endpoint_moved_there() -> None:
    who = keeper()
    row, _ = endpoints("93.184.215.14").register(WISH, who)

    with pytest.raises(NotAllowed):
        endpoints("10.0.0.7").change(row.id, {"url": "https://other.example/"}, who)

    assert Webhook.get().url == WISH["url"]


@pytest.mark.parametrize("meanings", [(), ("93.184.215.14", "2606:2800:21f:cb07::1")])
def test_a_name_that_means_nothing_yet_or_somebody_outside_is_registered(
    meanings: tuple[str, ...],
) -> None:
    row, _ = endpoints(*meanings).register(WISH, keeper())

    assert Webhook.get_by_id(row.id).url == WISH["url"]


def test_the_failures_of_one_address_are_not_those_of_the_next() -> None:
    who = keeper()
    row, _ = endpoints("93.184.215.14").register(WISH, who)
    happens(row.account_id)
    WebhookDelivery.update(next_attempt_at=FAR_OFF).execute()
    Webhook.update(FAILURES).execute()

    endpoints("93.184.215.14").change(row.id, {"url": "https://other.example/"}, who)

    assert heed_failing() == 0
    assert [parcel.url for parcel in claim(NOBODY, 10, 60)] == ["https://other.example/"]


@pytest.mark.parametrize("wish", [{"url": WISH["url"]}, {"description": "the same"}])
def test_what_stays_where_it_is_keeps_its_failures(wish: dict[str, str]) -> None:
    who = keeper()
    row, _ = endpoints("93.184.215.14").register(WISH, who)
    Webhook.update(FAILURES).execute()

    endpoints("93.184.215.14").change(row.id, wish, who)

    fresh = Webhook.get_by_id(row.id)
    assert {name: getattr(fresh, name) for name in FAILURES} == FAILURES
