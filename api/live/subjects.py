"""Subjects: what may be followed over a WebSocket, as the event stream of the same thing is (G-26).

Whoever may read the stream may follow it here, by the same permission and the same rows; of what is
another's there is nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from api.live.calls import loading
from api.live.chats import teller_of
from api.live.streams import JobTeller, Teller
from api.principals import Principal
from api.resources.chats import talker
from jobs.llms.ask import ERROR
from models.chats import Chat, Message
from models.jobs import JobRow
from models.kernel.errors import NotFound
from models.kernel.ids import parse_id

PERMISSIONS: Final = {"job": "jobs:read", "chat": "chats:read"}
"""What may be followed, and what each wants: as `GET …/events` and `GET …/stream` do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing, as a client names it, and after which of its events it is to be told."""

    kind: str
    id: UUID
    after: int | None = None
    recovery: str = ERROR

    @property
    def permission(self) -> str:
        """What is needed to follow it."""
        return PERMISSIONS[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A job to be told: its row, how that is read again, in whose words, and where to begin."""

    row: JobRow
    load: Callable[[], JobRow]
    teller: Teller
    cursor: int | None


def named(text: str) -> tuple[str, UUID]:
    """Return the kind and the id of a subject; raise `NotFound` for what can be none."""
    kind = text.partition("_")[0]
    try:
        if kind in PERMISSIONS:
            return kind, parse_id(kind, text)
    except ValueError as error:
        raise NotFound("there is no such subject") from error
    raise NotFound("there is no such subject")


def story_of(subject: Subject, principal: Principal) -> Story:
    """Return what there is to tell of a subject; raise `NotFound`, or `ResourceDeleted`."""
    if subject.kind == "job":
        return _of_job(subject, principal)
    return _of_chat(subject, principal)


def _of_job(subject: Subject, principal: Principal) -> Story:
    row = JobRow.owned_by(principal.account_id, principal.mode, subject.id)
    return Story(row=row, load=loading(row), teller=JobTeller(), cursor=subject.after)


def _of_chat(subject: Subject, principal: Principal) -> Story:
    """Tell the last answer from its beginning: its teller leaves out what the client has."""
    chat = Chat.owned_by(talker(principal), subject.id)
    row = JobRow.get_by_id(Message.last_answer(chat.id).job_id)
    teller = teller_of(row, subject.recovery, subject.after)
    return Story(row=row, load=loading(row), teller=teller, cursor=None)
