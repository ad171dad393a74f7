"""Events: what happened, for those who ask; and what may happen (H-02, H-11)."""

from collections.abc import Sequence
from uuid import UUID

from falcon.asgi import Request, Response

from jobs.events import Feed, wanted
from models.catalogue.events import event_types, types_readable
from models.events import Listener
from models.kernel.ids import wire_id


class Events:
    """The events of an account."""

    def __init__(self, feed: Feed) -> None:
        """Take what tells them."""
        self._feed = feed

    def on_get(self, req: Request, resp: Response) -> None:
        """List events after another, the earliest first."""
        query = req.context.query
        listener = _listener(req, query["types"])
        told = self._feed.since(query["after"], listener, query["limit"])
        resp.media = {
            "data": told.events,
            "cursor": wire_id("evt", told.last_id) if told.last_id else None,
            "hasMore": told.has_more,
        }

    def on_get_one(self, req: Request, resp: Response, evt_id: UUID) -> None:
        """Show an event."""
        resp.media = self._feed.one(evt_id, _listener(req))

    def on_get_types(self, _req: Request, resp: Response) -> None:
        """List what there is to be told of."""
        resp.media = {
            "data": [
                {
                    "type": name,
                    "description": each.words,
                    "permission": each.permission,
                    "isComing": each.is_coming,
                    "sample": each.sample,
                }
                for name, each in event_types().items()
            ]
        }


def _listener(req: Request, patterns: Sequence[str] | None = None) -> Listener:
    """Return whose events a request reads, of the types that it asks for and may read."""
    principal = req.context.principal
    types = wanted(patterns, types_readable(principal.permissions))
    return Listener(account_id=principal.account_id, mode=principal.mode, types=types)
