"""Carrying one parcel: its body, its signatures, the request, and what its answer means (H-05)."""

import json
import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from jobs.webhooks.echo import echo_url, echoed
from jobs.webhooks.pauses import BUSY, asked_pause, pause_before
from jobs.webhooks.signing import Secret, signed_headers
from jobs.webhooks.templates import filled
from models.kernel.clock import Clock
from models.kernel.http import Answered, Egress
from models.kernel.release import VERSION
from models.kernel.secrets import Secrets
from models.kernel.settings import Settings
from models.kernel.unanswered import NotAllowed, Unanswered
from models.webhooks import DELIVERED, End, Parcel

MOST_BODY: Final = 256 * 1_024
MOST_ANSWER: Final = 4 * 1_024
"""Of an endpoint's answer, what is read and kept."""
MOST_HEADERS: Final = 40
LONGEST_HEADER: Final = 500
KEYS: Final = "webhook-keys"
HEADERS: Final = "webhook-headers"
"""What keys and custom headers are sealed for; the endpoint's id is their context."""
FAILED: Final = "failed"

_MASK: Final = "***"
"""What is logged of an endpoint's own headers: their values may be secrets."""
_AGENT: Final = f"Ilm-Webhooks/{VERSION}"
_OPENED: Final = 4_096


class Carrier:
    """Sends parcels and says how each attempt ended; raises nothing for what endpoints do."""

    def __init__(self, http: Egress, seals: Secrets, settings: Settings, clock: Clock) -> None:
        """Take the guarded client, what opens secrets, the schedule and the time."""
        self._http = http
        self._settings = settings
        self._echo = echo_url(settings)
        self._clock = clock
        self._chance = random.Random()  # noqa: S311 - it spreads load and guards nothing
        self._open = lru_cache(_OPENED)(seals.unseal)

    def carry(self, parcel: Parcel) -> End:
        """Make one attempt."""
        message = json.loads(parcel.payload)
        sent = self._body_of(parcel, message)
        custom = self._custom(parcel)
        body, keys = sent.encode(), self._keys(parcel.webhook_id, parcel.secrets)
        headers = {**custom, **self._headers(keys, str(message["id"]), body)}
        logged: dict[str, Any] = {
            "request_headers": {**headers, **dict.fromkeys(custom, _MASK)},
            "body": None if sent == parcel.payload else sent,
        }
        try:
            answered = self._sent(parcel.url, headers, body, keys)
        except (NotAllowed, Unanswered) as error:
            return self._failed(parcel, failure=error.cause.value, **logged)
        return self._answered(parcel, answered, logged)

    def _sent(
        self, url: str, headers: Mapping[str, str], body: bytes, keys: Sequence[Secret]
    ) -> Answered:
        if url == self._echo:
            return echoed(headers, body, keys)
        return self._http.send(
            "POST", url, data=body, headers=headers,
            seconds=float(self._settings.webhook_timeout), most=MOST_ANSWER, cut=True,
        )  # fmt: skip

    def _answered(self, parcel: Parcel, answered: Answered, logged: dict[str, Any]) -> End:
        logged |= {
            "status": answered.status,
            "response_headers": _kept(answered.headers),
            "response_body": _clean(answered.body.decode(errors="replace")),
        }
        if 200 <= answered.status < 300:
            return End(
                delivery_id=parcel.delivery_id, attempt=parcel.attempt, outcome=DELIVERED,
                wait=None, **logged,
            )  # fmt: skip
        asked = asked_pause(answered.status, answered.headers, self._clock.now())
        is_busy = answered.status in BUSY
        return self._failed(
            parcel, failure=f"status {answered.status}", asked=asked,
            pause=asked if is_busy else 0.0, **logged,
        )  # fmt: skip

    def _failed(self, parcel: Parcel, *, asked: float = 0.0, **told: Any) -> End:
        wait = pause_before(self._settings.webhook_schedule, parcel.attempt, self._chance)
        return End(
            delivery_id=parcel.delivery_id, attempt=parcel.attempt, outcome=FAILED,
            wait=None if wait is None else max(wait, asked), **told,
        )  # fmt: skip

    def _body_of(self, parcel: Parcel, message: Mapping[str, Any]) -> str:
        """Return what is sent: the event, its template filled, or, too large, where to read it."""
        sent = parcel.payload
        if parcel.transform is not None:
            whole = filled(parcel.transform, message)
            sent = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        if len(sent.encode()) <= MOST_BODY:
            return sent
        where = f"{self._settings.base_url}/v1/events/{message['id']}"
        return json.dumps({**message, "data": {"url": where}}, ensure_ascii=False)

    def _custom(self, parcel: Parcel) -> dict[str, str]:
        if parcel.headers is None:
            return {}
        told = self._open(HEADERS, parcel.headers, context=str(parcel.webhook_id))
        return dict(json.loads(told))

    def _headers(self, keys: Sequence[Secret], message_id: str, body: bytes) -> dict[str, str]:
        own = self._settings.webhook_signature_header
        moment = int(self._clock.now().timestamp())
        return {
            "Content-Type": "application/json",
            "User-Agent": _AGENT,
            **signed_headers(keys, message_id, moment, body, own),
        }

    def _keys(self, webhook_id: UUID, sealed: Sequence[bytes]) -> list[Secret]:
        return [Secret(self._open(KEYS, each, context=str(webhook_id))) for each in sealed]


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    pairs = list(headers.items())[:MOST_HEADERS]
    return {_clean(name)[:LONGEST_HEADER]: _clean(value)[:LONGEST_HEADER] for name, value in pairs}


def _clean(text: str) -> str:
    """Return a text that PostgreSQL keeps."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
