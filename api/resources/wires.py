"""What the wires offer beside calls: the LLMs one may use, moderation, counting tokens."""

from falcon.asgi import Request, Response

from api.resources.models import seen_by
from jobs.llms.counting import prompt_tokens
from jobs.safety.screen import SafetyService
from jobs.wires.messages_input import ask_to_count
from jobs.wires.messages_output import count_body
from jobs.wires.models import (
    anthropic_model,
    anthropic_models,
    openai_model,
    openai_models,
)
from jobs.wires.moderations import moderations_body, texts_of
from jobs.wires.wires import MESSAGES
from models.kernel.clock import Clock
from models.kernel.errors import ModelNotFound
from models.kernel.settings import Settings
from models.llms import llm_named

VERSION = "anthropic-version"
"""The header by which Anthropic's clients are told from OpenAI's."""


class WireModels:
    """`/v1/models`, in Anthropic's shape for its clients."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Take the settings, which say whose vendors are served, and the time, for prices."""
        self._settings = settings
        self._clock = clock

    def on_get(self, req: Request, resp: Response) -> None:
        """List the LLMs that the caller may use."""
        listed = seen_by(req.context.principal, self._settings, self._clock.now().date())
        offered = [(each.llm, True) for each in listed if each.accessible]
        resp.media = anthropic_models(offered) if _is_anthropic(req) else openai_models(offered)

    def on_get_one(self, req: Request, resp: Response, name: str) -> None:
        """Look at an LLM; whether the caller may use it stands beside it."""
        is_anthropic = _is_anthropic(req)
        if llm_named(name) is None:
            raise ModelNotFound(f"there is no LLM called {name[:100]}")
        listed = seen_by(req.context.principal, self._settings, self._clock.now().date())
        found = next(each for each in listed if each.llm.name == name)
        write = anthropic_model if is_anthropic else openai_model
        resp.media = write(found.llm, accessible=found.accessible)


class Moderations:
    """`POST /v1/moderations`: local, and free (CONTRACT §5)."""

    def __init__(self, safety: SafetyService) -> None:
        """Take what screens."""
        self._safety = safety

    def on_post(self, req: Request, resp: Response) -> None:
        """Judge texts."""
        verdicts = [self._safety.check_input(text) for text in texts_of(req.context.given)]
        resp.media = moderations_body(req.context.request_id, verdicts)


class TokenCounts:
    """`POST /v1/messages/count_tokens`: local, and free."""

    def on_post(self, req: Request, resp: Response) -> None:
        """Count the tokens of a conversation, about as its LLM would."""
        ask = ask_to_count(req.context.given)
        if llm_named(ask.model) is None:
            raise ModelNotFound(f"there is no LLM called {ask.model[:100]}")
        resp.media = count_body(prompt_tokens(ask.messages, ask.options))


def _is_anthropic(req: Request) -> bool:
    """Say whose client asks; what is refused from here on is told in that shape."""
    is_anthropic = req.get_header(VERSION) is not None
    if is_anthropic:
        req.context.wire = MESSAGES
    return is_anthropic
