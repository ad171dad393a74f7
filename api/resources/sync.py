"""What has changed since a client last asked (G-24)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.principals import Principal
from api.resources.chats import talker_of
from api.schemas.chats import ChatSchema
from jobs.sync import CHATS, PERMISSIONS, Syncing
from models.chats import Chat, Talker
from models.kernel.clock import wire_time
from models.kernel.errors import InsufficientPermissions
from models.kernel.ids import wire_id

_KINDS: Final = {CHATS: "chat"}
_CHAT: Final = ChatSchema()


class Sync:
    """The changes of a person's things."""

    def __init__(self, syncing: Syncing) -> None:
        """Take what tells changes."""
        self._syncing = syncing

    def on_get(self, req: Request, resp: Response) -> None:
        """Show what has changed, what is gone, and from where to go on."""
        query, whose = req.context.query, talker_of(req)
        kinds = _kinds(query["types"], req.context.principal)
        synced = self._syncing.since(query["since"], kinds, whose, query["limit"])
        living = [each.id for each in synced.changes if each.deleted_at is None]
        rows = _chats(living, whose)
        resp.media = {
            "changes": [
                {
                    "type": CHATS,
                    "id": wire_id(_KINDS[CHATS], row_id),
                    "data": _CHAT.dump(rows[row_id]),
                }
                for row_id in living
                if row_id in rows
            ],
            "tombstones": [
                {
                    "type": each.kind,
                    "id": wire_id(_KINDS[each.kind], each.id),
                    "deletedAt": wire_time(each.deleted_at),
                }
                for each in synced.changes
                if each.deleted_at is not None
            ],
            "cursor": str(synced.cursor),
            "hasMore": synced.has_more,
        }


def _kinds(asked: Sequence[str] | None, principal: Principal) -> list[str]:
    """Return the types that are wanted, or else all that may be read."""
    readable = [kind for kind, permission in PERMISSIONS.items() if principal.may(permission)]
    missing = sorted(set(asked or ()) - set(readable))
    if missing:
        raise InsufficientPermissions(f"{missing[0]} need the permission {PERMISSIONS[missing[0]]}")
    return sorted(set(asked)) if asked else readable


def _chats(ids: Sequence[UUID], whose: Talker) -> Mapping[UUID, Any]:
    """Return chats by id; one that was deleted a moment ago is not among them."""
    return {chat.id: chat for chat in Chat.of(whose).where(Chat.id.in_(ids))} if ids else {}
