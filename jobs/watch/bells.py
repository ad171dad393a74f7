"""Bells: how people are told of an alert, by mail and by an address that takes JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import requests

from jobs.mail import Mail, PostOffice
from models.kernel.clock import wire_time
from models.kernel.errors import Unavailable, UpstreamRefused
from models.kernel.ids import new_id, wire_id
from models.kernel.logs import get_logger

CONNECT_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 10.0
GOOD: Final = 300

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What people are told. `state` is `begun` or `ended`; `since` is when it began."""

    id: UUID
    name: str
    subject: str
    severity: str
    words: str
    state: str
    since: datetime

    @property
    def wire(self) -> str:
        """The id as the wire has it."""
        return wire_id("alert", self.id)

    @property
    def line(self) -> str:
        """All of it in a line."""
        over = "over: " if self.state == "ended" else ""
        return f"[{self.severity}] {self.name}: {over}{self.words}"


class Bell(Protocol):
    """One way of telling."""

    def ring(self, notice: Notice) -> None:
        """Tell; raise `Unavailable` or `UpstreamRefused` when nobody was told."""
        ...


class MailBell:
    """Writes to an address of mail."""

    def __init__(self, office: PostOffice, to: str, house: str) -> None:
        """Take what delivers, the address, and where we are."""
        self._office = office
        self._to = to
        self._house = house

    def ring(self, notice: Notice) -> None:
        """Send a letter."""
        text = (
            f"{notice.line}\n\nSince {wire_time(notice.since)}, at {self._house}.\n\n"
            f"What to do: docs/observability.md, under {notice.name}. It stops being repeated when"
            f" somebody acknowledges it: POST /v1/admin/alerts/{notice.wire}/acknowledge\n"
        )
        subject = f"Ilm {notice.line}"
        self._office.post(Mail(id=new_id(), to=self._to, subject=subject, text=text))


class WebBell:
    """Posts JSON with a `text`, as the incoming webhooks of chat programs take it."""

    def __init__(self, url: str) -> None:
        """Take the address; an operator's, so that it may be anywhere."""
        self._url = url

    def ring(self, notice: Notice) -> None:
        """Post once; a redirect is not followed."""
        try:
            answer = requests.post(
                self._url,
                json=_told(notice),
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Unavailable("the address for alerts does not answer") from error
        if answer.status_code >= GOOD:
            raise UpstreamRefused(f"the address for alerts answers {answer.status_code}")


def _told(notice: Notice) -> dict[str, str]:
    return {
        "text": notice.line,
        "id": notice.wire,
        "name": notice.name,
        "subject": notice.subject,
        "severity": notice.severity,
        "state": notice.state,
        "since": wire_time(notice.since),
    }


def rung(bells: Sequence[Bell], notice: Notice) -> bool:
    """Ring every bell; say whether one of them was heard, or there is none to ring."""
    heard = 0
    for bell in bells:
        try:
            bell.ring(notice)
            heard += 1
        except (Unavailable, UpstreamRefused) as error:
            log.error("alert.untold", bell=type(bell).__name__, why=error.message)
    return heard > 0 or not bells
