"""The route that tells what has changed."""

from api.endpoints import ANY_PRINCIPAL, Endpoint
from api.parts import Parts
from api.resources.sync import Sync
from api.schemas.sync import SyncQuery, SyncSchema
from jobs.sync import Syncing
from models.kernel.errors import Conflict, InsufficientPermissions


def sync_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoint of incremental sync."""
    syncing = Syncing(parts.clock, parts.settings.retention_days)
    return (
        Endpoint(
            method="GET",
            path="/v1/sync",
            handler=Sync(syncing).on_get,
            permission=ANY_PRINCIPAL,
            summary="What has changed",
            description="Since the cursor of the last answer, in order, without skipping anything;"
            " what is told again is as it is now. 409 for a cursor older than deleted things are"
            " kept: begin anew, without `since`.",
            tag="System",
            query=SyncQuery(),
            answer=SyncSchema(),
            errors=(Conflict, InsufficientPermissions),
        ),
    )
