"""What receivers of webhooks work with."""

from typing import Final
from uuid import UUID

from falcon.asgi import Request, Response

from api.resources.jobs import answer_job, keyed, sender_of
from api.resources.webhooks import keeper_of, owned
from api.schemas.webhook_tools import EchoesSchema, FindingSchema
from jobs.queue import Wishes
from jobs.webhooks.again import Repeats
from jobs.webhooks.debugging import Debugger
from jobs.webhooks.echo import TEST
from models.catalogue.events import types_readable
from models.webhook_log import echoes_of

_FINDING: Final = FindingSchema()
_ECHOES: Final = EchoesSchema()


class WebhookTools:
    """Past events again, signatures explained, and the sandbox's receiver."""

    def __init__(self, repeats: Repeats, debugger: Debugger, echo: str) -> None:
        """Take what repeats, what explains, and the address of the receiver."""
        self._repeats = repeats
        self._debugger = debugger
        self._echo = echo

    def on_post_recover(self, req: Request, resp: Response, wh_id: UUID) -> None:
        """Have delivered what has not arrived."""
        row, since = owned(req, wh_id), req.context.body["since"]
        wishes = keyed(req, Wishes())
        answer_job(resp, self._repeats.recover(row, since, keeper_of(req), sender_of(req), wishes))

    def on_post_replay(self, req: Request, resp: Response, wh_id: UUID) -> None:
        """Have past events delivered again."""
        row, wish = owned(req, wh_id), req.context.body
        wishes = keyed(req, Wishes())
        answer_job(resp, self._repeats.replay(row, wish, keeper_of(req), sender_of(req), wishes))

    def on_post_debug(self, req: Request, resp: Response, wh_id: UUID) -> None:
        """Explain the signature of a delivery."""
        body = req.context.body
        finding = self._debugger.explain(owned(req, wh_id), body["headers"], body["body"])
        resp.media = _FINDING.dump(finding)

    def on_get_echo(self, req: Request, resp: Response) -> None:
        """Show what the sandbox's receiver was sent."""
        principal = req.context.principal
        types = types_readable(principal.permissions) if principal.mode == TEST else ()
        found = echoes_of(principal.account_id, self._echo, types)
        resp.media = _ECHOES.dump({"url": self._echo, "data": found})
