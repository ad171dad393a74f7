"""Endpoints: registered, changed, given another secret, ended (H-01, H-07 – H-09, H-12)."""

import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from peewee import fn

from jobs.webhooks.carrier import HEADERS, KEYS
from jobs.webhooks.echo import TEST
from jobs.webhooks.filters import check_may_hear, condition_of, is_path, patterns_of
from jobs.webhooks.keepers import Keeper, note
from jobs.webhooks.signing import Secret, new_secret
from jobs.webhooks.templates import check_template
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Conflict, Invalid, Unavailable
from models.kernel.http import Egress
from models.kernel.ids import new_id
from models.kernel.outside_headers import check_headers
from models.kernel.secrets import Secrets
from models.webhooks import UNHURT, Webhook, WebhookSecret, enable, skip_pending

MOST_WEBHOOKS: Final = 50
"""Of one account, live and with test keys each."""
MOST_SECRETS: Final = 10
"""Valid at once, the newest among them."""
RATE: Final = 50
IN_FLIGHT: Final = 10
CHALLENGE: Final = "challenge"
CHALLENGE_SECONDS: Final = 10.0

_CHALLENGE_BYTES: Final = 24
_ROOM: Final = "select pg_advisory_xact_lock(hashtextextended('webhooks' || %s, 0))"


class Endpoints:
    """Registers, changes and ends endpoints."""

    def __init__(self, http: Egress, seals: Secrets, clock: Clock, *, echo: str) -> None:
        """Take the guarded client, what seals secrets, the time, and the sandbox's receiver."""
        self._http = http
        self._seals = seals
        self._clock = clock
        self._echo = echo

    def register(self, wish: Mapping[str, Any], keeper: Keeper) -> tuple[Webhook, Secret]:
        """Register an endpoint; return it and its secret, which nobody can read again.

        `wish` has `url` and `events`, and may have what `change` takes, `verify`.
        Raises `Invalid`, `InsufficientPermissions` for events that its keeper may not read, and
        `Conflict` for an account that has as many as it may.
        """
        key = new_id()
        check_may_hear(wish["events"], keeper.permissions)
        values = self._values(
            key, keeper.mode, {"rate_per_second": RATE, "max_in_flight": IN_FLIGHT, **wish}
        )
        if values.pop("verify", None) == CHALLENGE:
            self._challenge(values["url"])
        secret, now = new_secret(), self._clock.now()
        with database.unit():
            database.rows(_ROOM, (str(keeper.account_id),))
            if Webhook.of(keeper.account_id, keeper.mode).count() >= MOST_WEBHOOKS:
                raise Conflict(f"there are at most {MOST_WEBHOOKS} webhooks: delete one first")
            row = Webhook.create(
                id=key, account_id=keeper.account_id, user_id=keeper.user_id,
                mode=keeper.mode, created_at=now, updated_at=now, **values,
            )  # fmt: skip
            self._keep(row, secret)
            note("webhook.registered", row, keeper, {"url": row.url})
        return row, secret

    def change(self, webhook_id: UUID, wish: Mapping[str, Any], keeper: Keeper) -> Webhook:
        """Change an endpoint; raise what `register` does, and `NotFound`.

        `enabled` may come with `backlog: skip`, which drops what has waited. At another `url` it
        has failed nobody yet, and what waits is due.
        """
        row = Webhook.owned_by(keeper.account_id, keeper.mode, webhook_id)
        if "events" in wish or "url" in wish:
            check_may_hear(wish.get("events", row.events), keeper.permissions)
        values = self._values(row.id, row.mode, wish)
        if values.pop("verify", None) == CHALLENGE:
            self._challenge(str(values.get("url", row.url)))
        if values.get("url", row.url) != row.url:
            values |= UNHURT
        is_enabled, backlog = values.pop("is_enabled", None), values.pop("backlog", None)
        if backlog == "skip":
            skip_pending(row.id)
        with database.unit():
            if values:
                values["updated_at"] = self._clock.now()
                Webhook.update(values).where(Webhook.id == row.id).execute()
            if is_enabled is not None:
                enable(row.id, is_enabled=is_enabled)
            note("webhook.changed", row, keeper, {"changed": sorted(wish)})
        return Webhook.owned_by(keeper.account_id, keeper.mode, webhook_id)

    def rotate(self, webhook_id: UUID, overlap: int, keeper: Keeper) -> tuple[Webhook, Secret]:
        """Give an endpoint another secret; those before it sign for `overlap` seconds more.

        Raises `NotFound`. Of many exchanges in a row only the newest few secrets sign on.
        """
        secret, now = new_secret(), self._clock.now()
        with database.unit():
            row = Webhook.owned_by(keeper.account_id, keeper.mode, webhook_id)
            Webhook.select().where(Webhook.id == row.id).for_update().get()
            mine = WebhookSecret.webhook == row.id
            until = now + timedelta(seconds=overlap)
            lives = WebhookSecret.expires_at.is_null() | (WebhookSecret.expires_at > until)
            WebhookSecret.update(expires_at=until).where(mine & lives).execute()
            newest = (
                WebhookSecret.select(WebhookSecret.id).where(mine)
                .order_by(WebhookSecret.created_at.desc()).limit(MOST_SECRETS - 1)
            )  # fmt: skip
            WebhookSecret.delete().where(mine & WebhookSecret.id.not_in(newest)).execute()
            self._keep(row, secret)
            note("webhook.secret_rotated", row, keeper, {"overlap_seconds": overlap})
        return row, secret

    def delete(self, webhook_id: UUID, keeper: Keeper) -> None:
        """End an endpoint, its secrets and what waits for it; raise `NotFound`."""
        with database.unit():
            row = Webhook.owned_by(keeper.account_id, keeper.mode, webhook_id)
            now = self._clock.now()
            Webhook.update(deleted_at=now, updated_at=now, headers=None).where(
                Webhook.id == row.id
            ).execute()
            WebhookSecret.delete().where(WebhookSecret.webhook == row.id).execute()
            note("webhook.deleted", row, keeper, {"url": row.url})

    def check_address(self, url: str, mode: str) -> None:
        """Raise `NotAllowed` for an address that may not be called; test keys have the echo too."""
        if mode != TEST or url != self._echo:
            self._http.check_now(url)

    def _values(self, key: UUID, mode: str, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Return a wish as columns; raise `Invalid` for what could not work."""
        values = {**wish}
        if "url" in values:
            self.check_address(values["url"], mode)
        if "events" in values:
            values["patterns"] = patterns_of(values["events"])
        if "filter" in values:
            values["condition"] = _condition(values["filter"])
        if values.get("transform") is not None:
            check_template(values["transform"])
        if "fifo" in values:
            values["fifo"] = _order(values["fifo"])
        if "headers" in values:
            values["headers"] = self._sealed_headers(key, values["headers"])
        return values

    def _sealed_headers(self, key: UUID, headers: Mapping[str, str] | None) -> bytes | None:
        if not headers:
            return None
        check_headers(headers)
        written = json.dumps(dict(headers)).encode()
        return self._seals.seal(HEADERS, written, context=str(key))

    def _keep(self, row: Webhook, secret: Secret) -> None:
        WebhookSecret.create(
            webhook=row,
            sealed=self._seals.seal(KEYS, secret.raw, context=str(row.id)),
            public_key=secret.public_key,
            created_at=fn.clock_timestamp(),
        )

    def _challenge(self, url: str) -> None:
        """Ask an endpoint to say something again; raise `Invalid` unless it does."""
        asked = secrets.token_urlsafe(_CHALLENGE_BYTES)
        try:
            answered = self._http.send(
                "POST", url, json={"type": "webhook.challenge", "challenge": asked},
                seconds=CHALLENGE_SECONDS,
            )  # fmt: skip
        except Unavailable as error:
            raise Invalid(f"the challenge was not answered: {error.message}") from error
        said = _echo(answered.body)
        if not 200 <= answered.status < 300 or not hmac.compare_digest(said, asked.encode()):
            raise Invalid(
                f"the challenge was not echoed: status {answered.status}; answer 2xx with the"
                ' text of "challenge", alone or as {"challenge": "…"}'
            )


def _condition(asked: Mapping[str, Any] | None) -> str | None:
    return None if asked is None else condition_of(asked)


def _order(fifo: bool | str) -> str | None:  # noqa: FBT001 - the wire has either
    """Return what the order of events is kept by: None nothing, '' all of them, else a path."""
    if isinstance(fifo, bool):
        return "" if fifo else None
    if not is_path(fifo):
        raise Invalid("fifo is true, false or a path such as data.book.id")
    return fifo


def _echo(body: bytes) -> bytes:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return body.strip()
    told = said.get("challenge", "") if isinstance(said, dict) else said
    return str(told).encode()


def public_keys(webhook_ids: Sequence[UUID]) -> Mapping[UUID, bytes]:
    """Return the newest public key of each endpoint."""
    rows = (
        WebhookSecret.select()
        .where(WebhookSecret.webhook.in_(list(webhook_ids)))
        .order_by(WebhookSecret.created_at)
    )
    return {row.webhook_id: bytes(row.public_key) for row in rows}
