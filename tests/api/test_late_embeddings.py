"""Vectors that take longer than their request may: the retry of an SDK finds the job it made."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from api.hop import Hop
from api.live.embeddings import Embeddings
from models.jobs import JobRow
from models.kernel.database import Pool
from models.kernel.errors import Unavailable, UpstreamTimeout
from tests import factories

REQUEST: Any = SimpleNamespace(
    context=SimpleNamespace(given={"model": "text-embedding-3-small", "input": "a walrus"}),
    get_header=lambda _name: None,
    get_param=lambda _name: None,
)


@dataclass
class Taken:
    """An intake that has taken one job, and remembers which it was told to expect again."""

    row: JobRow
    expected: list[JobRow] = field(default_factory=list)

    def take(self, *_request: Any) -> JobRow:
        return self.row

    def expect_again(self, _req: Any, row: JobRow) -> None:
        self.expected.append(row)


@pytest.mark.parametrize("error", [UpstreamTimeout("late"), Unavailable("going away")], ids=repr)
def test_a_job_that_is_not_waited_for_is_expected_again(database: Pool, error: Exception) -> None:
    async def ended(*_call: Any) -> JobRow:
        raise error

    async def ask(intake: Any) -> None:
        hop = Hop(1)
        calls: Any = SimpleNamespace(ended=ended)
        await Embeddings(intake, SimpleNamespace(), calls, hop).on_post(
            REQUEST, SimpleNamespace(set_header=lambda *_: None)
        )

    intake = Taken(factories.job())

    with pytest.raises(type(error)):
        asyncio.run(ask(intake))

    assert intake.expected == [intake.row]
