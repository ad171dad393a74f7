"""What the wires answer beside calls: models, vectors, verdicts, counts."""

from typing import Any, Final

from api.examples.calls import LLM
from api.schemas.wire import example_id
from jobs.llms.counting import prompt_tokens
from jobs.llms.provider import Embedded
from jobs.safety.screen import SafetyService
from jobs.wires.embeddings import ask_of_embeddings, embeddings_body
from jobs.wires.messages_input import ask_to_count
from jobs.wires.messages_output import count_body
from jobs.wires.models import openai_model, openai_models
from jobs.wires.moderations import moderations_body
from models.llms import llms

TO_EMBED: Final = {"model": "ilm-hashing", "input": ["one text", "another"]}
TO_COUNT: Final = {"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "Hello"}]}
TO_JUDGE: Final = {"input": "To kill a mockingbird"}

_VECTORS: Final = ((0.5, -0.5, 0.5, 0.5), (0.5, 0.5, -0.5, 0.5))


def models() -> dict[str, Any]:
    """Return a list of models."""
    return openai_models([(llms()[LLM], True)])


def model() -> dict[str, Any]:
    """Return one model."""
    return openai_model(llms()[LLM], accessible=True)


def vectors() -> dict[str, Any]:
    """Return the vectors of two texts; they have four numbers, to be read."""
    name = TO_EMBED["model"]
    extra = {
        "job_id": example_id("job"), "cost_nano_usd": "0", "estimated": False,
        "served_by": {"vendor": "ilm", "model": name},
    }  # fmt: skip
    body = embeddings_body(ask_of_embeddings(TO_EMBED), str(name), Embedded(_VECTORS, tokens=3))
    return {**body, "x_ilm": extra}


def verdicts() -> dict[str, Any]:
    """Return what the lexicon says of a text."""
    return moderations_body(example_id("req"), [SafetyService().check_input(TO_JUDGE["input"])])


def count() -> dict[str, int]:
    """Return the tokens of a conversation."""
    ask = ask_to_count(TO_COUNT)
    return count_body(prompt_tokens(ask.messages, ask.options))
