"""Pictures in a question: by address only where anybody may be sent (Z-03, SSRF).

An LLM of the operator's own, behind their own wall, fetches what it is shown: an address there must
not be somebody else's way in. The name of one is not looked up, since it is fetched elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from models.kernel.places import Gate, place_of

INLINE: Final = "data:"


def check_pictures(messages: Sequence[Mapping[str, Any]], gate: Gate) -> None:
    """Raise `NotAllowed` for a picture that lies where nobody may be sent."""
    for address in _addresses(messages):
        if not address.startswith(INLINE):
            gate.check(place_of(address))


def _addresses(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        for part in message.get("content") or ():
            if isinstance(part, Mapping) and part.get("type") == "image_url":
                shown = part.get("image_url")
                url = shown.get("url") if isinstance(shown, Mapping) else shown
                if isinstance(url, str):
                    yield url
