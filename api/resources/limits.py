"""Limits on requests, for administrators: look, set, lift (L-11)."""

from typing import Any, Final

from falcon.asgi import Request, Response

from api.limits import Limits
from api.resources.people import actor_of
from api.schemas.limits import LimitSchema, LimitsSchema
from jobs.limits.overrides import lift_limit, set_limit, shown_subject
from models.limits import Catalogued, RateLimit

_ONE: Final = LimitSchema()
_ALL: Final = LimitsSchema()


class AdminLimits:
    """The limits that are set over the catalogue's."""

    def __init__(self, limits: Limits) -> None:
        """Take the limits of this process."""
        self._limits = limits

    def on_get(self, _req: Request, resp: Response) -> None:
        """Show what is set, what is usual, and what was refused."""
        limits = self._limits
        resp.media = _ALL.dump(
            {
                "data": [_shown(each) for each in RateLimit.everything()],
                "usual": Catalogued.read(),
                "is_on": limits.is_on,
                "factor": limits.load.factor,
                "refused": dict(limits.limiter.refused),
            }
        )

    def on_put(self, req: Request, resp: Response, kind: str, subject: str) -> None:
        """Set a limit; every process knows of it within five seconds."""
        per_minute = req.context.body["per_minute"]
        limits, place = self._limits, (kind, subject)
        row = set_limit(place, per_minute, actor_of(req), limits.clock, routes=limits.routes)
        resp.media = _ONE.dump(_shown(row))

    def on_delete(self, req: Request, _resp: Response, kind: str, subject: str) -> None:
        """Let the usual limit hold again."""
        lift_limit((kind, subject), actor_of(req), self._limits.clock)


def _shown(row: RateLimit) -> dict[str, Any]:
    return {**row.__data__, "subject": shown_subject(row.kind, row.subject)}
