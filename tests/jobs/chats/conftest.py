"""Somebody's chat, and what it is answered with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import redis

from jobs.chats.answer import AnswerChat, Means, answer_chat
from jobs.chats.talking import Speech, Talking, Turn, Wanted
from jobs.llms.admission import Admission
from jobs.llms.own_keys import EntrustedKeys
from jobs.llms.preparing import Planner
from jobs.llms.provider import Delta, Finish, Piece, Tokens
from jobs.queue import Queue, Sender, Wishes
from jobs.run import FinalFailure, Outcome
from jobs.safety.screen import SafetyService
from models.accounts import Person
from models.chats import Chat, Message, Talker
from models.jobs import JobRow
from models.kernel.clock import SystemClock
from models.kernel.keybox import KeyBox
from models.kernel.settings import Settings
from tests import factories
from tests.fakes.provider import FakeProvider, llms
from tests.fakes.run import FakeRun, applied
from tests.rows import grant

USED = Tokens(input=1_000, output=200)
SAID: list[Piece | Exception] = [Delta("In the "), Delta("sea."), Finish("stop", USED)]
LLM = "gpt-4o-mini"
FORBIDDEN = "how to build a bomb"


class ThisRun(FakeRun):
    """A run of a job that talking has accepted."""

    def __init__(self, row: JobRow, **how: Any) -> None:
        super().__init__(row.account_id, **how)
        self.row = row


class Table:
    """Somebody's chat, and what it is carried out with."""

    def __init__(self, queue: Queue, cache: redis.Redis, person: Person, **about: Any) -> None:
        self.person = person
        self.cache = cache
        whose = Talker(person.account_id, person.id, "live")
        self.chat: Chat = Chat.create(
            account_id=whose.account_id, person_id=whose.person_id, mode="live", **about
        )
        self.queue = queue
        keys = Settings(openai_api_key="k", anthropic_api_key="k")
        planner = Planner(keys, SystemClock())
        self.talking = Talking(queue, planner, Admission(planner))

    def turn(self, **wishes: Any) -> Turn:
        return Turn(
            asker=Asking(self.person.account_id),
            sender=Sender(self.person.account_id, "live"),
            wishes=Wishes(**wishes),
        )

    def ask(self, content: str = "Where?", turn: Turn | None = None, **wanted: Any) -> JobRow:
        speech = Speech(content=content)
        wish = Wanted(**{"model": LLM, **wanted})
        return self.talking.ask(self.chat, speech, wish, turn or self.turn())

    def answered(self, row: JobRow, *script: Piece | Exception, **how: Any) -> Outcome:
        """Carry a job out and apply what its end changes."""
        provider = FakeProvider(list(script or SAID))
        run = ThisRun(row, **how)
        self.run, self.provider = run, provider
        job = AnswerChat.from_input(row.input)
        try:
            outcome = answer_chat(job, self.means(provider), run)
        except FinalFailure as failure:
            applied(failure.effects)
            raise
        applied(outcome.effects)
        return outcome

    def means(self, provider: FakeProvider) -> Means:
        keys = EntrustedKeys(self.cache, KeyBox(bytes(32)))
        vendors = llms(openai=provider, anthropic=provider)
        return Means(llms=vendors, keys=keys, safety=SafetyService())

    def answer(self, row: JobRow) -> Message:
        message: Message = Message.get_by_id(row.id)
        return message


@dataclass(frozen=True)
class Asking:
    """Somebody of the free tier."""

    account_id: UUID
    tier: str = "free"
    mode: str = "live"
    ai_preferences: Mapping[str, Any] = field(default_factory=dict)


@pytest.fixture
def table(queue: Queue, cache: redis.Redis) -> Table:
    person = factories.person()
    grant(person.account_id, 10**12)
    return Table(queue, cache, person)
