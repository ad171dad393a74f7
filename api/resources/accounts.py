"""Registering, one's own profile, and the keys that sign access tokens."""

from typing import Final

from falcon.asgi import Request, Response

from api.origins import origin_of
from api.resources.avatars import user_body
from api.resources.factors import bearer_of
from api.resources.logins import Desk
from api.schemas.accounts import LeavingSchema, QuotasSchema
from jobs.accounts import NewPerson, present, register, rename
from jobs.departures import GRACE, NO_GRACE
from jobs.erasure import ask_for_purge
from jobs.leaving import leave
from jobs.links import Links
from jobs.mail import Mailroom
from jobs.proofs import VERIFY
from jobs.queue import Queue
from jobs.quotas import holdings
from jobs.tokens import Tokens
from models.kernel.clock import Clock

_LEAVING: Final = LeavingSchema()
_QUOTAS: Final = QuotasSchema()
JWKS_CACHE: Final = "public, max-age=300"


class Registrations:
    """People who are new here."""

    def __init__(self, mailroom: Mailroom, links: Links, clock: Clock) -> None:
        """Take what posts letters, what signs addresses, and the time."""
        self._mailroom = mailroom
        self._links = links
        self._clock = clock

    def on_post(self, req: Request, resp: Response) -> None:
        """Make a user and an account of their own, and send what verifies the address."""
        person = register(NewPerson(**req.context.body), self._clock)
        self._mailroom.post(VERIFY, person.email)
        resp.media = user_body(person, self._links)


class SigningKeys:
    """The public halves of the keys that sign access tokens."""

    def __init__(self, tokens: Tokens) -> None:
        """Take what knows them."""
        self._tokens = tokens

    def on_get(self, _req: Request, resp: Response) -> None:
        """Answer the JWK set."""
        resp.media = self._tokens.published()
        resp.set_header("Cache-Control", JWKS_CACHE)


class Me:
    """Who calls."""

    def __init__(self, desk: Desk, links: Links, queue: Queue) -> None:
        """Take what logs people in, what signs addresses, and where jobs go."""
        self._desk = desk
        self._links = links
        self._queue = queue

    def on_get(self, req: Request, resp: Response) -> None:
        """Answer the caller's own profile."""
        resp.media = user_body(present(req.context.principal.user_id), self._links)

    def on_patch(self, req: Request, resp: Response) -> None:
        """Change what the caller is called."""
        person = rename(req.context.principal.user_id, req.context.body["name"], self._desk.clock)
        resp.media = user_body(person, self._links)

    def on_delete(self, req: Request, resp: Response) -> None:
        """End the caller's access at once, and set the day of their purge, or have it done now."""
        desk, body = self._desk, req.context.body
        origin, grace = origin_of(req, desk.proxies), NO_GRACE if body["erase"] else GRACE
        person = leave(bearer_of(req), body["password"], origin, desk.clock, grace=grace)
        if body["erase"]:
            ask_for_purge(person.id, self._queue, desk.clock)
        desk.cookies.clear(resp)
        resp.media = _LEAVING.dump(person)

    def on_get_quotas(self, req: Request, resp: Response) -> None:
        """Tell what the caller keeps, and how much they may."""
        person = present(req.context.principal.user_id)
        resp.media = _QUOTAS.dump({"tier": person.tier, "quotas": holdings(person)})
