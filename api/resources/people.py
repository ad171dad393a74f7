"""People: profiles, preferences, and what administrators do (A-24, A-30, A-31, A-34)."""

import json
from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.resources.avatars import user_body
from api.resources.books import asked_of, books_body
from api.schemas.lists import Order, page_of
from api.schemas.people import (
    USUAL,
    AuditSchema,
    PersonSchema,
    ProfileSchema,
    WishesSchema,
)
from jobs.accounts import canonical_email
from jobs.audit import Actor
from jobs.departures import DELETED
from jobs.links import Links
from jobs.people import anybody, change, profile, wish
from jobs.shelf import Shelf
from models.accounts import Person
from models.books import PUBLIC, Book
from models.generations import EVERYBODY
from models.kernel.clock import Clock
from models.listings import Listing
from models.people import AuditEntry, PersonPreferences

NEWEST: Final = Order("created_at", descending=True)
FILTERS: Final = ("role", "tier", "status")

_PROFILE: Final = ProfileSchema()
_PERSON: Final = PersonSchema()


class Profiles:
    """What everybody sees of a user."""

    def __init__(self, links: Links, shelf: Shelf) -> None:
        """Take what signs addresses, and where answers are kept."""
        self._links = links
        self._shelf = shelf

    def on_get(self, req: Request, resp: Response, user_id: UUID) -> None:
        """Show a profile."""
        person = profile(user_id, req.context.principal.user_id)
        resp.media = user_body(person, self._links, _PROFILE)

    def on_get_books(self, req: Request, resp: Response, user_id: UUID) -> None:
        """List the books a user shows to all, newest first."""
        person = profile(user_id, req.context.principal.user_id)
        asked = asked_of(req, (EVERYBODY,))
        resp.text = self._shelf.answer(asked, lambda: self._shown(req, person))

    def _shown(self, req: Request, person: Person) -> str:
        principal = req.context.principal
        rows = Book.visible_to(principal.account_id, principal.mode)
        own = (Book.owner == person.id) & (Book.account_id == person.account_id)
        shown = rows.where(own, Book.visibility == PUBLIC)
        listing = Listing.of(shown.order_by(Book.id.desc()), **req.context.query)
        return books_body(listing, self._links)


class OwnPreferences:
    """What who calls wishes of the program."""

    def on_get(self, req: Request, resp: Response) -> None:
        """Show it, with what is usual for what was never said."""
        resp.media = {**USUAL, **PersonPreferences.of(req.context.principal.user_id)}

    def on_patch(self, req: Request, resp: Response) -> None:
        """Change some of it."""
        said = WishesSchema().dump(req.context.body)
        resp.media = {**USUAL, **wish(req.context.principal.user_id, json.dumps(said))}


class Activity:
    """What was done to who calls."""

    def on_get(self, req: Request, resp: Response) -> None:
        """List it, newest first."""
        rows = AuditEntry.about(req.context.principal.user_id)
        resp.media = page_of(AuditSchema).dump(Listing.of(rows, **req.context.query))


class People:
    """All users, for administrators."""

    def __init__(self, links: Links, clock: Clock) -> None:
        """Take what signs addresses, and the time."""
        self._links = links
        self._clock = clock

    def on_get(self, req: Request, resp: Response) -> None:
        """List users, newest first unless asked otherwise."""
        query = dict(req.context.query)
        rows = Person.select()
        if email := query.pop("email", None):
            rows = rows.where(Person.email == canonical_email(email))
        for name in FILTERS:
            if values := query.pop(name, None):
                rows = rows.where(getattr(Person, name).in_(values))
        order = query.pop("sort") or NEWEST
        column = getattr(Person, order.by)
        rows = rows.order_by(column.desc() if order.descending else column, Person.id.desc())
        listing = Listing.of(rows, **query)
        people = [user_body(person, self._links, _PERSON) for person in listing.data]
        resp.media = {**page_of(PersonSchema).dump(listing), "data": people}

    def on_get_one(self, _req: Request, resp: Response, user_id: UUID) -> None:
        """Show a user."""
        resp.media = user_body(anybody(user_id), self._links, _PERSON)

    def on_patch(self, req: Request, resp: Response, user_id: UUID) -> None:
        """Change a user's role, tier or status."""
        person = change(user_id, req.context.body, actor_of(req), self._clock)
        resp.media = user_body(person, self._links, _PERSON)

    def on_delete(self, req: Request, _resp: Response, user_id: UUID) -> None:
        """End a user's access; what is theirs is purged when the grace is over."""
        change(user_id, {"status": DELETED}, actor_of(req), self._clock)

    def on_get_audit(self, req: Request, resp: Response, user_id: UUID) -> None:
        """List what was done to a user, newest first."""
        rows = AuditEntry.about(anybody(user_id).id)
        resp.media = page_of(AuditSchema).dump(Listing.of(rows, **req.context.query))


def actor_of(req: Request) -> Actor:
    """Return who calls, as who changes somebody."""
    principal = req.context.principal
    return Actor(
        person_id=principal.user_id,
        permissions=principal.permissions,
        request_id=req.context.request_id,
    )
