"""The signature debugger: what was signed, what should have come of it, and what went wrong (H-10).

It is given headers and a body as a receiver has them. It tells the bytes that are signed and their
signatures by the secrets that hold, never a secret; which of the given signatures hold; and when
one does not, where the body first differs from what was sent, and which of the usual mistakes fits.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from jobs.webhooks.carrier import KEYS
from jobs.webhooks.mistakes import Claim, causes_of
from jobs.webhooks.signing import (
    ID,
    SIGNATURE,
    TIMESTAMP,
    Secret,
    own_content,
    own_signature,
    same,
    signed_content,
)
from models.kernel.clock import Clock
from models.kernel.ids import parse_id
from models.kernel.secrets import Secrets
from models.webhook_log import Sent, sent_of
from models.webhooks import Webhook, WebhookSecret

TOLERANCE: Final = 300
"""Seconds by which a timestamp may be off (Standard Webhooks)."""
SHOWN: Final = 40
"""Bytes shown from where two bodies differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Bytes that are signed, and their signatures by each secret that holds, the newest first."""

    content: bytes
    signatures: Sequence[str]

    @property
    def base64(self) -> str:
        """The bytes exactly."""
        return b64encode(self.content).decode()

    @property
    def text(self) -> str:
        """The bytes as text."""
        return self.content.decode(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A signature among the headers, and whether it holds."""

    header: str
    signature: str
    is_right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where a body first differs from what was sent, and what stands there on both sides."""

    offset: int
    given: str
    sent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """How many seconds ago a timestamp was, None without one that is a number."""

    age_seconds: int | None

    @property
    def is_fresh(self) -> bool:
        """Whether it is within five minutes."""
        return self.age_seconds is not None and abs(self.age_seconds) <= TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came out."""

    standard: Signed | None
    own: Signed | None
    given: Sequence[Given]
    timestamp: Age
    delivery_id: UUID | None
    difference: Difference | None
    causes: Sequence[str]

    @property
    def is_verified(self) -> bool:
        """Whether a receiver should accept it."""
        return self.timestamp.is_fresh and any(each.is_right for each in self.given)


class Debugger:
    """Explains signatures."""

    def __init__(self, seals: Secrets, clock: Clock, own: str) -> None:
        """Take what opens secrets, the time, and what the header of our own signature is called."""
        self._seals = seals
        self._clock = clock
        self._own = own.lower()

    def explain(self, row: Webhook, headers: Mapping[str, str], body: str) -> Finding:
        """Return what is to be said of a delivery as it was received."""
        named = {name.lower(): value.strip() for name, value in headers.items()}
        keys, past = self._secrets(row)
        raw = body.encode()
        moment, own_moment = _number(named.get(TIMESTAMP)), _number(_part(named, self._own, "t="))
        standard = self._standard(named.get(ID), moment, raw, keys)
        own = self._plain(own_moment, raw, keys)
        given = [*_judged(SIGNATURE, named.get(SIGNATURE, "").split(), standard),
                 *_judged(self._own, _ours(named.get(self._own, "")), own)]  # fmt: skip
        sent = self._sent(row, named)
        claim = Claim(
            headers=named, body=raw, keys=keys, past=past, own=self._own, sent=sent,
            is_right=_is_right(given),
        )  # fmt: skip
        at = moment if moment is not None else own_moment
        return Finding(
            standard=standard, own=own, given=given, causes=causes_of(claim),
            timestamp=Age(
                age_seconds=None if at is None else int(self._clock.now().timestamp()) - at
            ),
            delivery_id=sent.delivery_id if sent else None,
            difference=_difference(raw, sent.body.encode()) if sent else None,
        )  # fmt: skip

    def _secrets(self, row: Webhook) -> tuple[list[Secret], list[Secret]]:
        """Return the secrets that hold, the newest first, and those that are over."""
        now = self._clock.now()
        mine = WebhookSecret.select().where(WebhookSecret.webhook == row.id)
        found = list(mine.order_by(WebhookSecret.created_at.desc()))
        past = [each for each in found if each.expires_at is not None and each.expires_at <= now]
        return self._opened(row, [each for each in found if each not in past]), self._opened(
            row, past
        )

    def _opened(self, row: Webhook, rows: Sequence[WebhookSecret]) -> list[Secret]:
        return [
            Secret(self._seals.unseal(KEYS, bytes(each.sealed), context=str(row.id)))
            for each in rows
        ]

    @staticmethod
    def _standard(
        message_id: str | None, moment: int | None, body: bytes, keys: Sequence[Secret]
    ) -> Signed | None:
        if not message_id or moment is None:
            return None
        content = signed_content(message_id, moment, body)
        signatures = [each for secret in keys for each in secret.signatures(content)]
        return Signed(content=content, signatures=signatures)

    @staticmethod
    def _plain(moment: int | None, body: bytes, keys: Sequence[Secret]) -> Signed | None:
        if moment is None:
            return None
        content = own_content(moment, body)
        signatures = [f"v1={own_signature(secret.key, content)}" for secret in keys]
        return Signed(content=content, signatures=signatures)

    @staticmethod
    def _sent(row: Webhook, named: Mapping[str, str]) -> Sent | None:
        """Return what was really sent of that id, if it is an event's."""
        try:
            event_id = parse_id("evt", named.get(ID, ""))
        except ValueError:
            return None
        return sent_of(row, event_id, named.get(TIMESTAMP, ""))


def _is_right(given: Sequence[Given]) -> bool:
    """Say whether each header that has signatures has one that holds."""
    right = {each.header for each in given if each.is_right}
    return bool(right) and right == {each.header for each in given}


def _judged(header: str, given: Sequence[str], signed: Signed | None) -> list[Given]:
    known = signed.signatures if signed else ()
    return [
        Given(header=header, signature=each, is_right=any(same(each, ours) for ours in known))
        for each in given
    ]


def _ours(value: str) -> list[str]:
    return [part for part in value.replace(" ", "").split(",") if part.startswith("v1=")]


def _part(named: Mapping[str, str], header: str, mark: str) -> str | None:
    parts = named.get(header, "").replace(" ", "").split(",")
    return next((part.removeprefix(mark) for part in parts if part.startswith(mark)), None)


def _number(text: str | None) -> int | None:
    is_number = text is not None and text.isascii() and text.isdecimal() and len(text) <= 12
    return int(text) if text is not None and is_number else None


def _difference(given: bytes, sent: bytes) -> Difference | None:
    """Return where two bodies part, in bytes; None when they are the same."""
    if given == sent:
        return None
    shorter = min(len(given), len(sent))
    offset = next((n for n in range(shorter) if given[n] != sent[n]), shorter)
    there = slice(offset, offset + SHOWN)
    return Difference(
        offset=offset,
        given=given[there].decode(errors="replace"),
        sent=sent[there].decode(errors="replace"),
    )
