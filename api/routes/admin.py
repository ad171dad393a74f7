"""The routes of operators."""

from typing import Any

from api.endpoints import Endpoint
from api.parts import Parts
from api.resources.alerts import Alerts
from api.resources.queues import Queues
from api.resources.schedules import Schedules
from api.schemas.alerts import AlertQuery, AlertSchema
from api.schemas.lists import PageQuery, page_of
from api.schemas.queues import QueueSchema, QueuesSchema
from api.schemas.schedules import RunSchema, SchedulesSchema
from api.schemas.wire import example_id
from models.kernel.errors import Conflict, NotFound


def admin_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of operators."""
    return (*_queues(), *_alerts(parts), *_schedules(parts))


def _queues() -> tuple[Endpoint, ...]:
    queues = Queues()
    common: dict[str, Any] = {"permission": "system:admin", "tag": "Administration"}
    one: dict[str, Any] = {"answer": QueueSchema(), "errors": (NotFound,), **common}
    return (
        Endpoint(
            method="GET",
            path="/v1/admin/queues",
            handler=queues.on_get,
            summary="How full the queues are",
            answer=QueuesSchema(),
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/admin/queues/{name}/pause",
            handler=queues.on_post_pause,
            summary="Pause a queue",
            description="What runs goes on; what comes is accepted and waits.",
            **one,
        ),
        Endpoint(
            method="POST",
            path="/v1/admin/queues/{name}/resume",
            handler=queues.on_post_resume,
            summary="Resume a queue",
            **one,
        ),
    )


def _alerts(parts: Parts) -> tuple[Endpoint, ...]:
    alerts = Alerts(parts.clock)
    common: dict[str, Any] = {"permission": "system:admin", "tag": "Administration"}
    return (
        Endpoint(
            method="GET",
            path="/v1/admin/alerts",
            handler=alerts.on_get,
            summary="What is wrong",
            description="What the watch of the scheduler has found. `docs/observability.md` says"
            " under each name what to do.",
            query=AlertQuery(),
            answer=page_of(AlertSchema),
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/admin/alerts/{alert_id}/acknowledge",
            handler=alerts.on_post_acknowledge,
            summary="Take care of an alert",
            description="It is not repeated any more; its end is told all the same.",
            answer=AlertSchema(),
            errors=(NotFound,),
            **common,
        ),
    )


def _schedules(parts: Parts) -> tuple[Endpoint, ...]:
    schedules = Schedules(parts.clock)
    common: dict[str, Any] = {"permission": "system:admin", "tag": "Administration"}
    return (
        Endpoint(
            method="GET",
            path="/v1/admin/schedules",
            handler=schedules.on_get,
            summary="What is done without anybody asking",
            description="Every schedule with its calendar, its last run and its next slot, all in"
            " UTC by the database's clock.",
            answer=SchedulesSchema(),
            **common,
        ),
        Endpoint(
            method="GET",
            path="/v1/admin/schedules/{name}/runs",
            handler=schedules.on_get_runs,
            summary="The runs of a schedule",
            description="The newest first, those of `ILM_RUN_DAYS`.",
            query=PageQuery(),
            answer=page_of(RunSchema),
            errors=(NotFound,),
            **common,
        ),
        Endpoint(
            method="POST",
            path="/v1/admin/schedules/{name}/run",
            handler=schedules.on_post_run,
            summary="Run a schedule now",
            description="The next scheduler that comes by takes it up, within seconds; its calendar"
            " stays as it is. 409 while a run of it is open, by hand or not.",
            status=202,
            answer=RunSchema(),
            shows={
                "source": "by hand",
                "askedBy": example_id("user"),
                "status": "waiting",
                "attempts": 0,
                "startedAt": None,
                "finishedAt": None,
                "seconds": None,
                "words": "",
                "worker": None,
            },
            errors=(NotFound, Conflict),
            **common,
        ),
    )
