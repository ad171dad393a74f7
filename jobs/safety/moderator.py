"""The port to whoever judges texts: the lexicon here, or a moderation endpoint outside."""

from typing import Protocol

from jobs.safety.screen import Verdict


class Moderator(Protocol):
    """Judges one text. `SafetyService` is one; an adapter asks an endpoint.

    An adapter raises `UpstreamError` and its kin, and `UpstreamTimeout`; whether a text passes
    when nobody judged it is for the caller to decide.
    """

    def moderate(self, text: str, strictness: str) -> Verdict:
        """Return what follows for a text, by the strictness of its user."""
        ...
