"""The one place where a web process is put together: `gunicorn -k asgi 'api.app:build()'`."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import falcon.asgi
from redis import Redis

from api.answering import Answer, Answering
from api.drain import Drain
from api.endpoints import Endpoint
from api.front import Front
from api.hop import Hop
from api.live.departures import RECEIVE
from api.live.health import Health, Probe
from api.live.hub import Hub
from api.live.streams import over_among
from api.openapi import document
from api.parts import Parts
from api.principals import Doorkeeper
from api.problems import Problems
from api.resources.reference import Reference
from api.routes.system import reference_routes
from api.routes.table import endpoints
from jobs.audience import Audience
from jobs.links import Links
from jobs.llms.admission import Admission
from jobs.llms.own_keys import OwnKeys
from jobs.llms.preparing import Planner
from jobs.postman import Postman
from jobs.queue import Queue
from jobs.safety.screen import SafetyService
from jobs.streams import Streams
from jobs.tokens import Tokens
from models.kernel import broker
from models.kernel.blobs import open_blobs
from models.kernel.cache import open_async_listener, open_cache
from models.kernel.clock import Clock, SystemClock
from models.kernel.database import Pool, connect
from models.kernel.keybox import open_slot
from models.kernel.logs import log_to_stderr
from models.kernel.release import VERSION
from models.kernel.secrets import open_secrets
from models.kernel.settings import Settings, load

HOUR: Final = 3600


class WebApp(falcon.asgi.App[Any, Any]):
    """The app, and what gunicorn's SIGTERM begins."""

    drain: Drain

    async def __call__(  # type: ignore[override]  # Falcon's own ASGI app does the same
        self, scope: Any, receive: Any, send: Any
    ) -> None:
        """Serve a request; what waits may listen for its client hanging up."""
        scope[RECEIVE] = receive
        await super().__call__(scope, receive, send)


def build(settings: Settings | None = None) -> WebApp:
    """Return the whole app by the settings, the environment's by default."""
    settings = settings or load()
    log_to_stderr(settings.log_level)
    return assemble(parts_of(settings))


def parts_of(settings: Settings) -> Parts:
    """Connect the parts of one web process; no server has to answer yet."""
    clock = SystemClock()
    pool = connect(settings, threads=settings.web_threads)
    blobs = open_blobs(settings)
    cache = open_cache(settings)
    probes: dict[str, Probe] = {
        "database": lambda: _reach(pool),
        "redis": cache.ping,
        "broker": lambda: broker.check(settings),
        "storage": blobs.check,
    }
    secrets = open_secrets(settings)
    tokens = Tokens(settings.base_url, secrets, clock)
    health = Health(probes, VERSION, clock)
    hop = Hop(settings.web_threads)
    postman = Postman(broker.open_broker(settings), clock)
    hub = Hub(open_async_listener(settings), over_among(hop))
    return Parts(
        settings=settings,
        clock=clock,
        tokens=tokens,
        doorkeeper=Doorkeeper(tokens, clock),
        health=health,
        hop=hop,
        hub=hub,
        queue=Queue(postman, Streams(cache, clock, settings.stream_hours * HOUR), settings),
        audience=Audience(cache),
        planner=Planner(settings, clock),
        admission=_admission(settings, clock, cache),
        links=Links(secrets.derive("links"), settings.base_url, clock),
        blobs=blobs,
        end_streams=hub.close,
        closings={
            "postman": postman.stop,
            "health": health.close,
            "cache": cache.close,
            "database": pool.close_all,
        },
    )


def assemble(parts: Parts, extra: Iterable[Endpoint] = ()) -> WebApp:
    """Return the app of these parts: the routes, and whatever further endpoints are given."""
    settings = parts.settings
    drain = Drain(parts.hop, streams=parts.end_streams, closings=tuple(parts.closings.values()))
    app = WebApp(
        response_type=Answer,
        middleware=[Front(settings, drain, parts.clock), drain],
    )
    app.drain = drain
    app.req_options.strip_url_path_trailing_slash = False
    Problems(settings.base_url, parts.clock).enlist(app)
    answering = Answering(parts.hop, parts.doorkeeper, settings.request_seconds)
    _add_routes(app, answering, _table(parts, extra))
    return app


def _table(parts: Parts, extra: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    def describe() -> dict[str, Any]:
        return document(table, version=VERSION, base_url=parts.settings.base_url)

    table = (*endpoints(parts), *extra, *reference_routes(Reference(describe)))
    return table


def _add_routes(app: WebApp, answering: Answering, table: Iterable[Endpoint]) -> None:
    """Give every path one resource with a method for each of its endpoints."""
    paths: dict[str, dict[str, Callable[..., Any]]] = {}
    for endpoint in table:
        methods = paths.setdefault(endpoint.path, {})
        responder = answering.responder(endpoint)
        methods[f"on_{endpoint.method.lower()}"] = responder
        if endpoint.method == "GET":
            methods.setdefault("on_head", responder)
    for path, methods in paths.items():
        resource = type("Path", (), {n: staticmethod(m) for n, m in methods.items()})()
        app.add_route(path, resource)


def _admission(settings: Settings, clock: Clock, cache: Redis) -> Admission:
    """Return what admits questions; the rules of safety are compiled here, before anybody waits."""
    own_keys = OwnKeys(cache, open_slot(settings), settings)
    return Admission(Planner(settings, clock), SafetyService(), own_keys)


def _reach(pool: Pool) -> None:
    """Ask PostgreSQL for a one."""
    pool.rows("select 1")
