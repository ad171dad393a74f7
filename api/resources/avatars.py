"""Avatars: how a user is shown with one, and taking it off."""

from collections.abc import Mapping
from typing import Any, Final

from falcon.asgi import Request, Response
from marshmallow import Schema

from api.schemas.accounts import UserSchema
from jobs.avatars import LARGE, SMALL, take_off
from jobs.links import Links
from models.accounts import Person
from models.kernel.blobs import Blobs
from models.kernel.ids import wire_id

_USER: Final = UserSchema()


class Avatars:
    """The avatar of who calls."""

    def __init__(self, blobs: Blobs) -> None:
        """Take the store."""
        self._blobs = blobs

    def on_delete(self, req: Request, _resp: Response) -> None:
        """Take it off."""
        take_off(req.context.principal.user_id, self._blobs)


def user_body(person: Person, links: Links, shape: Schema = _USER) -> dict[str, Any]:
    """Return a user as the wire shows one, with the addresses of the avatar."""
    body: dict[str, Any] = shape.dump(person)
    return {**body, **avatar_urls(person, links)}


def avatar_urls(person: Person, links: Links) -> Mapping[str, str | None]:
    """Return the signed addresses of an avatar, None while there is none."""
    names = {"avatarUrl": LARGE, "avatarThumbnailUrl": SMALL}
    if not person.avatar:
        return dict.fromkeys(names)
    home = f"/v1/users/{wire_id('user', person.id)}/avatars"
    return {name: links.sign(f"{home}/{person.avatar}-{size}.webp") for name, size in names.items()}
