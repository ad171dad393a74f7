"""Queues, for operators: look, pause, resume."""

from falcon.asgi import Request, Response

from api.schemas.queues import QueueSchema
from jobs import queues


class Queues:
    """The queues of this installation."""

    def on_get(self, _req: Request, resp: Response) -> None:
        """Show every queue: depth, age, and whether it is paused."""
        resp.media = {"data": QueueSchema(many=True).dump(queues.states())}

    def on_post_pause(self, _req: Request, resp: Response, name: str) -> None:
        """Let no job of a queue start."""
        resp.media = QueueSchema().dump(queues.pause(name))

    def on_post_resume(self, _req: Request, resp: Response, name: str) -> None:
        """Let a queue's jobs start again."""
        resp.media = QueueSchema().dump(queues.resume(name))
