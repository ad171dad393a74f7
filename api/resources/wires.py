"""What the wires offer beside calls: the models one may use, moderation, counting tokens."""

from collections.abc import Iterator
from typing import TypeVar

from falcon.asgi import Request, Response

from api.principals import Principal
from api.resources.models import embedders_seen_by, seen_by
from jobs.llms.counting import prompt_tokens
from jobs.safety.screen import SafetyService
from jobs.wires.messages_input import ask_to_count
from jobs.wires.messages_output import count_body
from jobs.wires.models import (
    Offered,
    anthropic_model,
    anthropic_models,
    openai_model,
    openai_models,
)
from jobs.wires.moderations import moderations_body, texts_of
from jobs.wires.wires import MESSAGES
from models.embedders import EmbedderModel
from models.kernel.clock import Clock
from models.kernel.errors import ModelNotFound
from models.kernel.settings import Settings
from models.llms import Llm, llm_named

M = TypeVar("M", Llm, Llm | EmbedderModel)

VERSION = "anthropic-version"
"""The header by which Anthropic's clients are told from OpenAI's."""


class WireModels:
    """`/v1/models`, in Anthropic's shape for its clients."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Take the settings, which say whose vendors are served, and the time, for prices."""
        self._settings = settings
        self._clock = clock

    def on_get(self, req: Request, resp: Response) -> None:
        """List the LLMs that the caller may use; to OpenAI's clients, the embedders too."""
        principal = req.context.principal
        if _is_anthropic(req):
            resp.media = anthropic_models(each for each in self._llms(principal) if each[1])
        else:
            resp.media = openai_models(each for each in self._models(principal) if each[1])

    def on_get_one(self, req: Request, resp: Response, name: str) -> None:
        """Look at a model; whether the caller may use it stands beside it."""
        principal = req.context.principal
        if _is_anthropic(req):
            llm, may = _named(name, self._llms(principal))
            resp.media = anthropic_model(llm, accessible=may)
        else:
            model, may = _named(name, self._models(principal))
            resp.media = openai_model(model, accessible=may)

    def _models(self, principal: Principal) -> Iterator[Offered]:
        yield from self._llms(principal)
        yield from embedders_seen_by(principal, self._settings)

    def _llms(self, principal: Principal) -> Iterator[tuple[Llm, bool]]:
        for each in seen_by(
            principal.tier, principal.mode, self._settings, self._clock.now().date()
        ):
            yield each.llm, each.accessible


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


def _named(name: str, offered: Iterator[tuple[M, bool]]) -> tuple[M, bool]:
    found = next((each for each in offered if each[0].name == name), None)
    if found is None:
        raise ModelNotFound(f"there is no model called {name[:100]}")
    return found


def _is_anthropic(req: Request) -> bool:
    """Say whose client asks; what is refused from here on is told in that shape."""
    is_anthropic = req.get_header(VERSION) is not None
    if is_anthropic:
        req.context.wire = MESSAGES
    return is_anthropic
