"""What a person prefers of the LLMs."""

from falcon.asgi import Request, Response

from api.schemas.sessions import PreferencesSchema
from jobs.chats.preferences import prefer


class Preferences:
    """The preferences of who calls."""

    def on_get(self, req: Request, resp: Response) -> None:
        """Show them, with the defaults for what was never said."""
        resp.media = {**USUAL, **req.context.principal.ai_preferences}

    def on_put(self, req: Request, resp: Response) -> None:
        """Replace them."""
        wishes = PreferencesSchema().dump(req.context.body)
        prefer(req.context.principal.user_id, wishes)
        resp.media = wishes


USUAL = PreferencesSchema().dump(PreferencesSchema().load({}))
