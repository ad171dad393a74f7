"""The routes that tell what happened."""

from typing import Any

from api.endpoints import ANY_PRINCIPAL, Endpoint
from api.parts import Parts
from api.resources.events import Events
from api.schemas.events import EventQuery, EventSchema, EventTypesSchema, ToldSchema
from jobs.events import Feed
from models.kernel.errors import Conflict, InsufficientPermissions, NotFound


def event_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoints of events (H-02, H-11)."""
    events = Events(Feed(parts.clock, parts.settings.events_days))
    common: dict[str, Any] = {"method": "GET", "permission": ANY_PRINCIPAL, "tag": "Events"}
    return (
        Endpoint(
            path="/v1/events",
            handler=events.on_get,
            summary="What happened",
            description="After an event, the earliest first, without skipping anything: ask again"
            " after `cursor`, at once while `hasMore`. Each type needs the permission that"
            " `GET /v1/events/types` names; without `types` all that may be read are told. Events"
            " are kept for `ILM_EVENTS_DAYS`, 90 by default: 409 for one that is forgotten.",
            query=EventQuery(),
            answer=ToldSchema(),
            errors=(Conflict, InsufficientPermissions, NotFound),
            **common,
        ),
        Endpoint(
            path="/v1/events/types",
            handler=events.on_get_types,
            summary="What there is to be told of",
            description="Every type of events, when it is told, and a sample of its `data`.",
            answer=EventTypesSchema(),
            **common,
        ),
        Endpoint(
            path="/v1/events/{evt_id}",
            handler=events.on_get_one,
            summary="Look at an event",
            answer=EventSchema(),
            errors=(NotFound,),
            **common,
        ),
    )
