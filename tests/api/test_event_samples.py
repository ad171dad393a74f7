"""Each type of events, made in earnest: it is told, and its sample has the fields it has (H-02)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
import redis

from jobs.covers import revert
from jobs.events import Happening
from jobs.pages.generate import GeneratePages, generate_pages
from jobs.queue import Queue
from jobs.run import FinalFailure
from jobs.webhooks.upkeep import heed_failing
from models import engine
from models.accounts import Person
from models.books import Book
from models.catalogue.events import event_types
from models.engine import Ending
from models.kernel.blobs import Blobs
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.ids import new_id, parse_id, wire_id
from models.kernel.money import Nano
from models.kernel.settings import Settings
from models.roles import permissions
from tests import factories
from tests.api.conftest import Open, code
from tests.api.reader import Reader
from tests.fakes.renderer import FakeRenderer
from tests.fakes.run import FakeRun, applied
from tests.jobs.chats.conftest import Table
from tests.rows import accepted, claimed, used
from tests.webhook_factories import webhook

CENT: Final = 10_000_000
WINDOW: Final = 4
PDF: Final = b"%PDF-1.7"
COVER: Final = {"key": "x", "name": "x", "width": 1, "height": 1, "size": 1}
HOUSE: Final = Path(__file__).parents[2]
TELLING: Final = re.compile(r"(?:insert into event\b|_told\()[^;]*")
"""A statement of SQL that writes an event, or has one written."""
NAME: Final = re.compile(r"'([a-z]+\.[A-Za-z_.]*)'")
BY_SQL_ALONE: Final = {"ai", "budget", "credits", "user", "webhook"}
OF_TYPE: Final = "select data from event where type = %s and account_id = %s"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Somebody, an administrator, and what things are made to happen with."""

    ada: Reader
    boss: Reader
    open_browser: Open
    blobs: Blobs
    room: Path
    queue: Queue
    cache: redis.Redis

    def draws(self, renderer: FakeRenderer) -> None:
        """Draw a book as a worker does."""
        book = factories.book(self.ada.person, PDF)
        self.blobs.put(factories.stored_file(PDF).key, PDF)
        run = FakeRun(self.ada.account_id)
        try:
            outcome = generate_pages(GeneratePages(book.id), renderer, self.blobs, self.room, run)
        except FinalFailure as failure:
            applied(failure.effects)
        else:
            applied(outcome.effects)

    def ends(self, state: str, error_code: str | None = None, cents: int = 0) -> None:
        """Have a job of theirs end, at a cost."""
        cost = cents * CENT
        lines = [used(cost)] if cost else []
        ending = Ending(state, error_code=error_code, cost=Nano(cost), usage=lines)
        assert engine.finish(claimed(self.ada.account_id, hold=cost), ending, WINDOW)[0]

    def reverts_a_cover(self) -> None:
        path = self.ada.book(custom_cover=COVER)
        revert(Book.get_by_id(parse_id("book", path.rpartition("/")[2])))

    def answers(self) -> None:
        """Have a question of theirs answered by an LLM."""
        table = Table(self.queue, self.cache, self.ada.person)
        table.answered(table.ask(max_tokens=10))

    def buys(self) -> str:
        return str(self.ada.post("/v1/ai/billing/purchase", json={"amount_cents": 500}).json["id"])

    def is_given_back(self) -> None:
        path = f"/v1/admin/billing/purchases/{self.buys()}/refund"
        assert self.boss.post(path, json={"reason": "a gift"}).json["status"] == "refunded"

    def is_adjusted(self) -> None:
        user = wire_id("user", self.ada.person.id)
        wish = {"user_id": user, "amount_nano_usd": "5", "reason": "a gift"}
        assert self.boss.post("/v1/admin/billing/adjustments", json=wish).status_code == 201

    def overdraws(self) -> None:
        """Hold more than the month's credits of a plan that has a grace."""
        Person.update(tier="premium").where(Person.id == self.ada.person.id).execute()
        accepted(self.ada.account_id, hold=1_005 * CENT)

    def is_refused(self) -> None:
        """Ask for what the means do not cover."""
        accepted(self.ada.account_id, hold=100 * CENT)
        able = Reader(self.open_browser(openai_api_key="k"), self.ada.person)
        asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Where?"}]}
        answer = able.post("/v1/jobs", json={"type": "llm.completion", "input": asked})
        assert code(answer) == (402, "PAYMENT_REQUIRED")

    def passes_a_budget(self) -> None:
        wish = {"period": "day", "amount_nano_usd": str(10 * CENT), "alert_at": [50]}
        assert self.ada.post("/v1/billing/budgets", json=wish).status_code == 201
        self.ends("succeeded", cents=6)

    def pings(self) -> None:
        place = wire_id("wh", webhook(self.ada.account_id).id)
        assert self.ada.post(f"/v1/webhooks/{place}/ping").status_code == 202

    def fails(self, days: int) -> None:
        """Have a webhook of theirs fail for so many days."""
        now = SystemClock().now()
        since = now - timedelta(days=days)
        webhook(self.ada.account_id, failing_since=since, last_failed_at=now)
        assert heed_failing() == 1


Deed = Callable[[Scene], object]

DEEDS: Final[dict[str, Deed]] = {
    "book.created": lambda scene: scene.ada.upload(),
    "book.updated": lambda scene: scene.ada.patch(scene.ada.book(), json={"title": "B"}),
    "book.deleted": lambda scene: scene.ada.delete(scene.ada.book()),
    "book.pages.generation.started": lambda scene: scene.draws(FakeRenderer("one")),
    "book.pages.generation.progress": lambda scene: scene.draws(FakeRenderer("one")),
    "book.pages.generation.completed": lambda scene: scene.draws(FakeRenderer("one")),
    "book.pages.generation.failed": lambda scene: scene.draws(FakeRenderer("one", broken=[1])),
    "book.cover.updated": Scene.reverts_a_cover,
    "user.registered": lambda _: None,
    "user.updated": lambda scene: scene.ada.patch("/v1/users/me", json={"name": "Ada"}),
    "ai.session.completed": Scene.answers,
    "job.succeeded": lambda scene: scene.ends("succeeded"),
    "job.failed": lambda scene: scene.ends("failed", "UPSTREAM_ERROR"),
    "job.cancelled": lambda scene: engine.cancel(accepted(scene.ada.account_id), WINDOW),
    "credits.soft_limit": lambda scene: accepted(scene.ada.account_id, hold=85 * CENT),
    "credits.grace_started": Scene.overdraws,
    "credits.exhausted": Scene.is_refused,
    "credits.purchased": Scene.buys,
    "credits.refunded": Scene.is_given_back,
    "credits.adjusted": Scene.is_adjusted,
    "budget.alert": Scene.passes_a_budget,
    "webhook.ping": Scene.pings,
    "webhook.failing": lambda scene: scene.fails(days=2),
    "webhook.disabled": lambda scene: scene.fails(days=6),
}
"""What brings an event of each type about."""


@pytest.fixture
def scene(
    ada: Reader, open_browser: Open, blobs: Blobs, queue: Queue, settings: Settings, tmp_path: Path
) -> Iterator[Scene]:
    room = tmp_path / "workroom"
    room.mkdir()
    cache = open_cache(settings)
    boss = Reader(open_browser(), factories.person(role="admin"))
    yield Scene(
        ada=ada, boss=boss, open_browser=open_browser, blobs=blobs, room=room, queue=queue,
        cache=cache,
    )  # fmt: skip
    cache.close()


def shape(value: Any) -> Any:
    """Return the fields of a value and the kinds of what is in them."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return type(value).__name__


def like(shown: Any, real: Any) -> Any:
    """Return the shape of what is shown, with nothing where in truth there is nothing."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return {name: like(inner, real.get(name, inner)) for name, inner in shown.items()}
    return shape(shown if real is not None else None)


def test_there_is_a_deed_for_every_type_that_is_told_and_for_no_other() -> None:
    assert set(DEEDS) == {name for name, each in event_types().items() if not each.is_coming}


@pytest.mark.parametrize("kind", sorted(DEEDS))
def test_an_event_is_told_with_the_fields_of_its_sample(
    scene: Scene, database: Pool, kind: str
) -> None:
    DEEDS[kind](scene)

    rows = database.rows(OF_TYPE, (kind, scene.ada.account_id))
    assert rows
    for (data,) in rows:
        assert shape(data) == like(event_types()[kind].sample, data)


def test_what_sql_tells_of_is_in_the_catalogue() -> None:
    told = {
        name
        for folder in (HOUSE / "models", HOUSE / "jobs")
        for path in (*folder.rglob("*.sql"), *folder.rglob("*.py"))
        for statement in TELLING.findall(path.read_text(encoding="utf-8"))
        for name in NAME.findall(statement)
    }
    named, begun = {name for name in told if name[-1] != "."}, {n for n in told if n[-1] == "."}

    assert begun == {"job."}
    assert named <= {name for name, each in event_types().items() if not each.is_coming}
    assert named >= {name for name in DEEDS if name.partition(".")[0] in BY_SQL_ALONE}


@pytest.mark.parametrize("kind", ["book.burnt", "club.created"])
def test_nobody_tells_of_what_the_catalogue_does_not_know_or_not_yet(kind: str) -> None:
    with pytest.raises(ValueError, match=f"{kind} is no type of events"):
        Happening(new_id(), "live", kind, {})


def test_every_type_is_read_by_a_permission_that_there_is() -> None:
    assert {each.permission for each in event_types().values()} <= permissions()
    assert all(each.words and not each.words.endswith(".") for each in event_types().values())


def test_a_users_event_agrees_with_what_they_read_of_themselves(
    ada: Reader, database: Pool
) -> None:
    for wish in ({"tier": "premium"}, {"role": "moderator"}, {"role": "user", "tier": "free"}):
        Person.update(**wish).where(Person.id == ada.person.id).execute()
        me = ada.get("/v1/users/me").json

        rows = database.rows(f"{OF_TYPE} order by seq desc", ("user.updated", ada.account_id))
        user = rows[0][0]["user"]
        shared = ("id", "email", "name", "role", "tier", "createdAt")
        assert {name: user[name] for name in shared} == {name: me[name] for name in shared}
        assert UUID(user["id"].removeprefix("user_")) == ada.person.id
