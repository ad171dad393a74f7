"""The actors that call LLMs."""

from jobs.llms.breakers import SharedBreakers
from jobs.llms.calls import WireCall, answer_call
from jobs.llms.complete import Complete, complete
from jobs.llms.own_keys import EntrustedKeys
from jobs.llms.provider import Limits
from jobs.llms.question import Llms
from jobs.safety.screen import SafetyService
from models.kernel.cache import open_cache
from models.kernel.keybox import open_key_box
from models.kernel.settings import Settings
from workers.actors import declare
from workers.adapters.llms.providers import build
from workers.tools import Tools


def enlist(tools: Tools) -> None:
    """Declare the actors, with the vendors this installation has."""
    llms = llms_of(tools)
    safety = SafetyService()
    keys = EntrustedKeys(open_cache(tools.settings), open_key_box(tools.settings))

    declare(tools, Complete, lambda job, run: complete(job, llms, run, safety))
    declare(tools, WireCall, lambda job, run: answer_call(job, llms, run, keys, safety))


def llms_of(tools: Tools) -> Llms:
    """Return what calls are made through."""
    settings = tools.settings
    return Llms(
        providers=build(settings),
        breakers=SharedBreakers(open_cache(settings), tools.clock),
        clock=tools.clock,
        limits=_limits(settings, settings.llm_first_token_seconds),
        reasoning_limits=_limits(settings, settings.llm_reasoning_first_token_seconds),
    )


def _limits(settings: Settings, first: int) -> Limits:
    return Limits(first=first, idle=settings.llm_idle_seconds)
