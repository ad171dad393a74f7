"""Roles, for whoever makes and changes them (A-21, X-3)."""

from typing import Final

from falcon.asgi import Request, Response

from api.resources.people import actor_of
from api.schemas.lists import page_of
from api.schemas.roles import RoleSchema
from jobs.roles import all_roles, change_role, drop_role, make_role, one_role
from models.kernel.clock import Clock

_ONE: Final = RoleSchema()


class Roles:
    """The catalogue's roles, and those administrators made."""

    def __init__(self, clock: Clock) -> None:
        """Take the time."""
        self._clock = clock

    def on_get(self, req: Request, resp: Response) -> None:
        """List them: the catalogue's first."""
        resp.media = page_of(RoleSchema).dump(all_roles(**req.context.query))

    def on_post(self, req: Request, resp: Response) -> None:
        """Make one."""
        resp.media = _ONE.dump(make_role(req.context.body, actor_of(req), self._clock))
        resp.set_header("Location", f"/v1/admin/roles/{req.context.body['name']}")

    def on_get_one(self, _req: Request, resp: Response, name: str) -> None:
        """Show one."""
        resp.media = _ONE.dump(one_role(name))

    def on_patch(self, req: Request, resp: Response, name: str) -> None:
        """Change what one carries, for everybody who has it."""
        resp.media = _ONE.dump(change_role(name, req.context.body, actor_of(req), self._clock))

    def on_delete(self, req: Request, _resp: Response, name: str) -> None:
        """Delete one that nobody has."""
        drop_role(name, actor_of(req), self._clock)
