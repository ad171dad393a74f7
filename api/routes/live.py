"""The route of the WebSocket."""

from typing import Final
from urllib.parse import urlsplit

from api.cookies import Cookies
from api.endpoints import ANY_PRINCIPAL, Endpoint
from api.live.following import Means
from api.live.live import OPENED, Live
from api.parts import Parts
from api.problems import Problems
from api.recording import Recording
from models.kernel.denials import UpgradeRequired
from models.kernel.secrets import open_secrets
from models.kernel.settings import Settings

_WORDS: Final = (
    "A WebSocket (RFC 6455) that tells of many jobs and chats at once: the events of"
    " `GET /v1/jobs/{job_id}/events` and `GET /v1/chats/{chat_id}/stream`, to the byte, by their"
    " permissions, resumable after any of them. The credential comes as with every route, or in"
    ' the first message within 10 s: `{"type":"auth","token":"…"}`. Then'
    ' `{"type":"subscribe","subject":"job_…","after":"<id of an event>"}`. docs/live.md has every'
    " message and close code. A request that does not upgrade is refused."
)


def live_routes(parts: Parts) -> tuple[Endpoint, ...]:
    """Return the endpoint of the WebSocket (G-26)."""
    live = _live(parts)
    return (
        Endpoint(
            method="GET",
            path="/v1/live",
            handler=live.on_get,
            websocket=live.on_websocket,
            permission=ANY_PRINCIPAL,
            summary="Follow jobs and chats over a WebSocket",
            description=_WORDS,
            tag="Live",
            status=OPENED,
            errors=(UpgradeRequired,),
            live=True,
        ),
    )


def _live(parts: Parts) -> Live:
    settings = parts.settings
    means = Means(
        hub=parts.hub,
        hop=parts.hop,
        clock=parts.clock,
        problems=Problems(settings.base_url, parts.clock, settings.upgrade_url),
        bounds=parts.sockets.bounds,
    )
    cookies = Cookies(open_secrets(settings), settings)
    recording = Recording(parts.key_meter, parts.clock)
    return Live(means, parts.sockets, cookies, recording, _origins(settings))


def _origins(settings: Settings) -> frozenset[str]:
    """Return the origins whose pages may open it: our own, and those that may read answers."""
    own = urlsplit(settings.base_url)
    return frozenset({f"{own.scheme}://{own.netloc}", *settings.cors_origins})
