"""The actors that call LLMs, and what they share: adapters, breakers, keys and safety."""

from dataclasses import dataclass

from jobs.chats.answer import AnswerChat, Means, answer_chat
from jobs.llms.breakers import SharedBreakers
from jobs.llms.calls import WireCall, answer_call
from jobs.llms.complete import Complete, complete
from jobs.llms.embed import Embed, Embedders, embed
from jobs.llms.own_keys import EntrustedKeys
from jobs.llms.provider import Limits
from jobs.llms.question import Llms
from jobs.safety.screen import SafetyService
from models.kernel.cache import open_cache
from models.kernel.keybox import open_key_box
from models.kernel.settings import Settings
from workers.actors import declare
from workers.adapters.embeddings.local import local_embedder
from workers.adapters.embeddings.weights import Weights
from workers.adapters.llms.providers import ILM, build
from workers.batches import enlist_batches
from workers.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendors:
    """What the actors of a process call vendors through, made once."""

    llms: Llms
    embedders: Embedders


def enlist(tools: Tools) -> None:
    """Declare the actors, with the vendors this installation has."""
    vendors, safety = vendors_of(tools), SafetyService()
    llms, embedders = vendors.llms, vendors.embedders
    keys = EntrustedKeys(open_cache(tools.settings), open_key_box(tools.settings))
    means = Means(llms=llms, keys=keys, safety=safety)

    declare(tools, Complete, lambda job, run: complete(job, llms, run, safety))
    declare(tools, WireCall, lambda job, run: answer_call(job, llms, run, keys, safety))
    declare(tools, AnswerChat, lambda job, run: answer_chat(job, means, run))
    declare(tools, Embed, lambda job, run: embed(job, embedders, run))
    enlist_batches(tools, llms, embedders, safety)


def vendors_of(tools: Tools) -> Vendors:
    """Return the adapters; nothing is connected before the first call."""
    settings = tools.settings
    providers = build(settings, tools.clock)
    local = local_embedder(settings.home / "models", Weights.installed())
    llms = Llms(
        providers=providers,
        breakers=SharedBreakers(open_cache(settings), tools.clock),
        clock=tools.clock,
        limits=_limits(settings, settings.llm_first_token_seconds),
        reasoning_limits=_limits(settings, settings.llm_reasoning_first_token_seconds),
    )
    return Vendors(llms=llms, embedders={**providers.embedders, ILM: local})


def _limits(settings: Settings, first: int) -> Limits:
    return Limits(first=first, idle=settings.llm_idle_seconds)
