"""Buying, giving back, reversing, adjusting and spending in any order, over months (B-09, B-20)."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from peewee import PeeweeException

from models.credits import short_of
from models.kernel.database import Pool, sqlstate_of
from models.kernel.ids import new_id
from models.purchases import Purchase
from tests import factories
from tests.chaos.audit import audit
from tests.making import person
from tests.rehearsal import rehearsed

SEED = 20261121
BEGIN = datetime(2027, 1, 15, 12, tzinfo=UTC)
STEPS = 400
DAYS = 120
CENT = 10_000_000
NOT_COVERED = "ILM03"
NO_CREDIT = "ILM02"


class World:
    """Accounts of every tier, their purchases, and what they hold."""

    def __init__(self, database: Pool) -> None:
        self.database = database
        self.chance = random.Random(SEED)
        tiers = ("free", "premium", "enterprise")
        self.accounts = [UUID(str(person(tier=tier).account_id)) for tier in tiers]
        self.holds: list[tuple[UUID, int]] = []
        self.refusals = 0

    def step(self) -> None:
        """Do one thing; what a balance does not cover is refused, and nothing else is."""
        deeds: list[Callable[[], object]] = [
            self._buy, self._buy, self._refund, self._end_refund, self._reverse, self._adjust,
            self._hold, self._hold, self._hold, self._settle, self._settle,
        ]  # fmt: skip
        try:
            with self.database.unit():
                self.chance.choice(deeds)()
        except PeeweeException as error:
            self.refusals += 1
            if sqlstate_of(error) != NOT_COVERED:
                short_of(error)

    def _buy(self) -> None:
        row = factories.purchase(
            self.chance.choice(self.accounts),
            amount_cents=self.chance.randrange(100, 900),
            mode=self.chance.choice(("live", "live", "test")),
        )
        ends = (lambda: row.paid("it"), lambda: row.failed("no"), lambda: True)
        self.chance.choices(ends, (8, 1, 1))[0]()

    def _any(self) -> Purchase | None:
        return self.chance.choice([None, *Purchase.select().order_by(Purchase.id)])

    def _refund(self) -> None:
        if row := self._any():
            row.refund(new_id(), "a mistake")

    def _end_refund(self) -> None:
        for row in Purchase.select().where(Purchase.status == "refunding"):
            self.chance.choice((row.refunded, lambda row=row: row.kept(row.refunds, "no")))()

    def _reverse(self) -> None:
        if row := self._any():
            row.reversed(self.chance.randrange(1, row.amount_cents + 1))

    def _adjust(self) -> None:
        amount = self.chance.randrange(1, 300 * CENT) * self.chance.choice((1, -1))
        wanted = (self.chance.choice(self.accounts), amount, new_id(), "a gift", new_id())
        self.database.rows("select money_adjust(%s, %s, %s, %s, %s)", wanted)

    def _hold(self) -> None:
        job, amount = uuid4(), self.chance.randrange(1, 400 * CENT)
        wanted = (job, self.chance.choice(self.accounts), amount, 10)
        self.database.rows("select money_hold(%s, %s, %s, %s)", wanted)
        self.holds.append((job, amount))

    def _settle(self) -> None:
        if self.holds:
            job, amount = self.holds.pop(self.chance.randrange(len(self.holds)))
            cost = self.chance.choice((0, amount // 3, amount, 2 * amount))
            self.database.rows("select money_settle(%s, %s, %s)", (job, cost, 10))


def test_any_order_of_purchases_and_refunds_keeps_the_books(database: Pool) -> None:
    print(f"seed {SEED}")
    world = World(database)
    for step in range(STEPS):
        with rehearsed(database, BEGIN + timedelta(days=DAYS) * step / STEPS):
            world.step()

    found = [finding for finding in audit(database) if finding.breaches]
    of_jobs = ("B3 no hold", "B5", "B7", "B9 what an account")
    assert [str(each) for each in found if not each.invariant.startswith(of_jobs)] == []
    statuses = {row.status for row in Purchase.select()}
    assert statuses >= {"pending", "failed", "succeeded", "refunded"}
    assert 0 < world.refusals < STEPS / 2
    told = database.rows("select count(*) from event where type = 'credits.refunded'")
    assert told[0][0] > 5
