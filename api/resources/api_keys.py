"""API keys of whoever calls, and those of others for administrators."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.principals import Principal
from api.resources.people import actor_of
from api.schemas.accounts import ApiKeySchema, KeyDaySchema, KeyTotalsSchema, NewApiKeySchema
from api.schemas.lists import page_of
from jobs.keys import (
    Grantor,
    KeyWish,
    held_key,
    held_keys,
    make_key,
    revoke_key,
    revoke_others_key,
    rotate_key,
)
from jobs.people import anybody
from models.accounts import ApiKey
from models.kernel.clock import Clock
from models.kernel.ids import wire_id
from models.key_usage import KeyUsage, Totals
from models.listings import Listing

_NEW: Final = NewApiKeySchema()
_PAGE: Final = page_of(ApiKeySchema)
_TOTALS: Final = KeyTotalsSchema()
_DAY: Final = KeyDaySchema()


class ApiKeys:
    """The keys a person holds."""

    def __init__(self, clock: Clock, *, brand: str) -> None:
        """Take the time, and what new keys begin with."""
        self._clock = clock
        self._brand = brand

    def on_post(self, req: Request, resp: Response) -> None:
        """Make a key and show it this once."""
        body = req.context.body
        lists = {name: tuple(body[name]) for name in ("scopes", "ip_allow")}
        wish = KeyWish(**{**body, **lists})
        _show(resp, *make_key(wish, grantor_of(req), self._clock, brand=self._brand))

    def on_post_rotate(self, req: Request, resp: Response, key_id: UUID) -> None:
        """Make a key like an old one, and let the old one end."""
        overlap = timedelta(seconds=req.context.body["overlap_seconds"])
        grantor = grantor_of(req)
        _show(resp, *rotate_key(key_id, overlap, grantor, self._clock, brand=self._brand))

    def on_get(self, req: Request, resp: Response) -> None:
        """List the keys that are not revoked, newest first."""
        listing = Listing.of(held_keys(grantor_of(req)), **req.context.query)
        resp.media = _page(listing, self._clock)

    def on_get_usage(self, req: Request, resp: Response, key_id: UUID) -> None:
        """Tell how much a key is used."""
        key = held_key(key_id, grantor_of(req))
        today = self._clock.now().date()
        since = today - timedelta(days=req.context.query["days"] - 1)
        totals = KeyUsage.totals([key.id], today).get(key.id, Totals())
        days = [_DAY.dump(each) for each in KeyUsage.by_day(key.id, since)]
        resp.media = {**_TOTALS.dump(totals), "days": days}

    def on_delete(self, req: Request, _resp: Response, key_id: UUID) -> None:
        """Revoke a key at once."""
        revoke_key(key_id, grantor_of(req), self._clock)


class OthersKeys:
    """The keys of anybody, for administrators."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_get(self, req: Request, resp: Response, user_id: UUID) -> None:
        """List a user's keys that are not revoked, newest first."""
        held = ApiKey.held_by(anybody(user_id).id)
        resp.media = _page(Listing.of(held, **req.context.query), self._clock)

    def on_delete(self, req: Request, _resp: Response, user_id: UUID, key_id: UUID) -> None:
        """Revoke a user's key at once."""
        revoke_others_key(key_id, user_id, actor_of(req), self._clock)


def grantor_of(req: Request) -> Grantor:
    """Return on whose behalf, and by which request, keys are made and ended."""
    principal: Principal = req.context.principal
    return replace(principal.grantor, request_id=req.context.request_id)


def _page(listing: Listing, clock: Clock) -> dict[str, Any]:
    """Return a page of keys, each with how much it is used."""
    totals = KeyUsage.totals((key.id for key in listing.data), clock.now().date())
    page: dict[str, Any] = _PAGE.dump(listing)
    pairs = zip(page["data"], listing.data, strict=True)
    data = [{**body, **_usage(totals.get(key.id, Totals()))} for body, key in pairs]
    return {**page, "data": data}


def _usage(totals: Totals) -> dict[str, Any]:
    return {"usage": _TOTALS.dump(totals)}


def _show(resp: Response, row: ApiKey, key: str) -> None:
    """Answer with a new key, this once."""
    resp.media = {**_NEW.dump(row), **_usage(Totals()), "key": key}
    resp.set_header("Location", f"/v1/api-keys/{wire_id('key', row.id)}")
