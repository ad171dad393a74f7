"""Repairs, for operators: who lives, which breakers are open, what is done again."""

from dataclasses import asdict
from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.resources.jobs import answer_job
from api.schemas.repairs import BreakerSchema, BreakersSchema, ServicesSchema
from jobs.llms.breakers import Circuit
from jobs.repairs import Workshop
from jobs.services import Registry

_SERVICES: Final = ServicesSchema()
_BREAKER: Final = BreakerSchema()
_BREAKERS: Final = BreakersSchema()


class Services:
    """The processes of this installation."""

    def __init__(self, registry: Registry) -> None:
        """Take this process among the others."""
        self._registry = registry

    def on_get(self, _req: Request, resp: Response) -> None:
        """Show who was heard of lately."""
        resp.media = _SERVICES.dump({"data": [asdict(each) for each in self._registry.living]})


class Repairs:
    """What does not heal by itself."""

    def __init__(self, workshop: Workshop) -> None:
        """Take what repairs."""
        self._workshop = workshop

    def on_post_retry(self, req: Request, resp: Response, failed_job: UUID) -> None:
        """Submit a failed job again, as a new one."""
        answer_job(resp, self._workshop.retry(failed_job, req.context.request_id))

    def on_get_breakers(self, _req: Request, resp: Response) -> None:
        """Show the breakers."""
        resp.media = _BREAKERS.dump({"data": self._workshop.breakers()})

    def on_post_reset(self, req: Request, resp: Response) -> None:
        """Close a breaker."""
        body = req.context.body
        resp.media = _BREAKER.dump(self._workshop.reset(Circuit(body["vendor"], body["model"])))
