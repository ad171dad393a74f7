"""A second opinion: an endpoint outside judges questions beside the lexicon (S-01, S-03).

Every question is screened whatever happens outside (S-01): the lexicon judges first, and what it
blocks is told to nobody else. Then the endpoint is asked, and the graver verdict counts. While it
is away the lexicon judges alone. One that keeps failing is left alone for a while, by the whole
fleet, as an LLM is.
"""

from typing import Final

from jobs.llms.breakers import Breakers, Circuit
from jobs.safety.endpoint import ModerationEndpoint
from jobs.safety.moderator import Moderator
from jobs.safety.screen import Flag, Verdict, verdict_on
from models.kernel.errors import Unavailable, UpstreamRefused
from models.kernel.logs import get_logger
from models.kernel.settings import OPENAI, BadSettings, Settings
from models.llms import vendors

CIRCUIT: Final = Circuit("moderation", "endpoint")

log = get_logger(__name__)


class SecondOpinion:
    """A `Moderator` that asks another, once the first finds nothing to block."""

    def __init__(self, lexicon: Moderator, endpoint: Moderator, breakers: Breakers) -> None:
        """Take who judges always, who judges when it can be reached, and what spares it."""
        self._lexicon = lexicon
        self._endpoint = endpoint
        self._breakers = breakers

    def moderate(self, text: str, strictness: str) -> Verdict:
        """Return what follows for a text, by all that was found; never fail for the endpoint."""
        first = self._lexicon.moderate(text, strictness)
        if first.is_blocked or not text:
            return first
        return verdict_on(text, (*first.flags, *self._second(text, strictness)))

    def _second(self, text: str, strictness: str) -> tuple[Flag, ...]:
        """Return what the endpoint flags; nothing when it is away."""
        if not self._breakers.admits(CIRCUIT):
            return ()
        try:
            flags = self._endpoint.moderate(text, strictness).flags
        except (Unavailable, UpstreamRefused) as error:
            is_away = isinstance(error, Unavailable)
            is_spared = self._breakers.report(CIRCUIT, failed=is_away)
            log.warning("moderation.away", why=str(error), is_spared=is_spared)
            return ()
        self._breakers.report(CIRCUIT, failed=False)
        return flags


def moderator_of(settings: Settings, lexicon: Moderator, breakers: Breakers) -> Moderator:
    """Return who judges questions here, by `ILM_MODERATION`.

    Raises `BadSettings` when OpenAI is to judge and its key is not there.
    """
    if not settings.moderation:
        return lexicon
    if settings.moderation != OPENAI:
        endpoint = ModerationEndpoint(settings.moderation, settings.moderation_key)
        return SecondOpinion(lexicon, endpoint, breakers)
    key = settings.moderation_key or settings.openai_api_key
    if not key:
        raise BadSettings("ILM_MODERATION: openai needs OPENAI_API_KEY or ILM_MODERATION_KEY")
    address = vendors()[OPENAI].address_by(settings)
    return SecondOpinion(lexicon, ModerationEndpoint(address, key), breakers)
