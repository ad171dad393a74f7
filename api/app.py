"""The one place where a web process is put together: `gunicorn -k asgi 'api.app:build()'`."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import falcon.asgi
from redis import Redis

from api.answering import Answer, Answering
from api.batching import Batching
from api.compression import Compression
from api.drain import Drain
from api.endpoints import Endpoint
from api.etags import Etags
from api.front import Front
from api.hop import Hop
from api.limits import Limits, Waiting
from api.live.departures import RECEIVE
from api.live.health import Health
from api.live.hub import Hub
from api.live.live import HANG_UP, hang_up_of
from api.live.metrics import Metrics
from api.live.sockets import Sockets
from api.live.streams import over_among
from api.openapi import document
from api.parts import Parts
from api.presence import Presence
from api.principals import Doorkeeper
from api.problems import Problems
from api.recording import Recording
from api.resources.reference import Reference
from api.routes.batching import batching_routes
from api.routes.system import reference_routes
from api.routes.table import endpoints
from jobs.addresses import Addresses
from jobs.factors import wants_admin_mfa
from jobs.gauges import Gauges
from jobs.issuers.keys import IssuerKeys
from jobs.issuers.outsiders import Outsiders
from jobs.key_usage import KeyMeter
from jobs.limits.limiter import Limiter
from jobs.limits.load import Load
from jobs.limits.overrides import CurrentRules
from jobs.links import Links
from jobs.llms.admission import Admission
from jobs.llms.breakers import SharedBreakers
from jobs.llms.own_keys import OwnKeys
from jobs.llms.preparing import Planner
from jobs.payments.till import Till
from jobs.postman import Postman
from jobs.probes import probes
from jobs.purchases import Purchases
from jobs.queue import Queue
from jobs.recent import RecentCalls
from jobs.repairs import Workshop
from jobs.safety.screen import SafetyService
from jobs.safety.second_opinion import moderator_of
from jobs.services import WEB, Registry
from jobs.shelf import Shelf
from jobs.streams import Streams
from jobs.tokens import Tokens
from models.kernel import broker
from models.kernel.blobs import open_blobs
from models.kernel.cache import open_async_listener, open_cache
from models.kernel.clock import Clock, SystemClock
from models.kernel.database import Pool, connect
from models.kernel.http import Egress
from models.kernel.keybox import open_slot
from models.kernel.ledgers import Ledgers
from models.kernel.measures import HTTP_IN_FLIGHT
from models.kernel.memory import give_freed_back
from models.kernel.observing import observe
from models.kernel.release import VERSION
from models.kernel.secrets import open_secrets
from models.kernel.settings import Settings, load

HOUR: Final = 3600


class WebApp(falcon.asgi.App[Any, Any]):
    """The app, what gunicorn's SIGTERM begins, and every endpoint there is."""

    drain: Drain
    table: tuple[Endpoint, ...]

    async def __call__(  # type: ignore[override]  # Falcon's own ASGI app does the same
        self, scope: Any, receive: Any, send: Any
    ) -> None:
        """Serve a request; what waits may listen for its client hanging up."""
        scope[RECEIVE], scope[HANG_UP] = receive, hang_up_of(send)
        is_request = scope["type"] != "lifespan"
        HTTP_IN_FLIGHT.add(is_request)
        try:
            await super().__call__(scope, receive, send)
        finally:
            HTTP_IN_FLIGHT.add(-is_request)


def build(settings: Settings | None = None) -> WebApp:
    """Return the whole app by the settings, the environment's by default."""
    give_freed_back()
    settings = settings or load()
    end = observe(settings, WEB)
    parts = parts_of(settings)
    return assemble(replace(parts, closings={**parts.closings, "observing": end}))


def parts_of(settings: Settings) -> Parts:
    """Connect the parts of one web process; no server has to answer yet."""
    clock = SystemClock()
    pool, hop = connect(settings, threads=settings.web_threads), Hop(settings.web_threads)
    blobs, cache = open_blobs(settings), open_cache(settings)
    secrets = open_secrets(settings)
    tokens = Tokens(settings.base_url, secrets, clock, minutes=settings.access_token_minutes)
    health = Health(probes(settings, pool, cache, blobs), VERSION, clock)
    metrics = _metrics(settings, health, cache, clock)
    meter, postman = KeyMeter(clock), Postman(broker.open_broker(settings), clock)
    hub = Hub(open_async_listener(settings), over_among(hop))
    sockets = Sockets(hop, clock, settings.session_idle)
    queue = Queue(postman, Streams(cache, clock, settings.stream_hours * HOUR), settings)
    registry = Registry(cache, WEB, clock, expected=settings.web_processes)
    return Parts(
        settings=settings,
        clock=clock,
        tokens=tokens,
        doorkeeper=_doorkeeper(tokens, settings, clock),
        limits=_limits(settings, clock, Limiter(cache, clock, registry.count)),
        addresses=Addresses(clock),
        registry=registry,
        health=health,
        metrics=metrics,
        hop=hop,
        hub=hub,
        sockets=sockets,
        shelf=Shelf(cache, settings.cache_mib),
        queue=queue,
        recent=RecentCalls(cache),
        workshop=Workshop(queue, cache),
        planner=Planner(settings, clock),
        admission=_admission(settings, clock, cache),
        links=Links(secrets.derive("links"), settings.base_url, clock),
        key_meter=meter,
        blobs=blobs,
        purchases=Purchases(Till.of(settings, clock), clock),
        end_streams=partial(_end_all, hub, sockets),
        closings={"meter": meter.stop, **_closings(registry, postman, metrics, cache, pool)},
    )


def _end_all(hub: Hub, sockets: Sockets) -> None:
    """Let streams end resumably, then the sockets that tell of them."""
    hub.close()
    sockets.close()


def _closings(
    registry: Registry, postman: Postman, metrics: Metrics, cache: Redis, pool: Pool
) -> dict[str, Callable[[], object]]:
    """Return what is closed at the end, in this order."""
    return {
        "registry": registry.stop,
        "postman": postman.stop,
        "metrics": metrics.close,
        "cache": cache.close,
        "database": pool.close_all,
    }


def assemble(parts: Parts, extra: Iterable[Endpoint] = ()) -> WebApp:
    """Return the app of these parts: the routes, and whatever further endpoints are given."""
    settings = parts.settings
    closings = (parts.addresses.stop, *parts.closings.values())
    recording = Recording(parts.key_meter, parts.clock)
    drain = Drain(parts.hop, streams=parts.end_streams, closings=closings)
    app = WebApp(
        response_type=Answer,
        middleware=[
            Front(settings, drain, parts.addresses, recording, parts.clock),
            drain,
            Presence(parts.registry),
            Compression(),  # what stands last touches an answer first
            Etags(),
        ],
    )
    app.drain = drain
    app.ws_options.max_receive_queue = 0  # the server's own is bounded, and each is read at once
    app.req_options.strip_url_path_trailing_slash = False
    problems = Problems(settings.base_url, parts.clock, settings.upgrade_url)
    problems.enlist(app)
    answering = Answering(parts.hop, parts.doorkeeper, parts.limits, settings)
    batching = batching_routes(Batching(app, problems, parts.clock))
    app.table = _table(parts, (*batching, *extra))
    _add_routes(app, answering, app.table)
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
        if endpoint.websocket is not None:
            methods["on_websocket"] = answering.socket(endpoint)
        if endpoint.method == "GET":
            methods.setdefault("on_head", responder)
    for path, methods in paths.items():
        resource = type("Path", (), {n: staticmethod(m) for n, m in methods.items()})()
        app.add_route(path, resource)


def _doorkeeper(tokens: Tokens, settings: Settings, clock: Clock) -> Doorkeeper:
    keys = IssuerKeys(Egress(settings.reachable), clock)
    return Doorkeeper(
        tokens,
        Outsiders(settings.base_url, keys, clock),
        clock,
        idle=settings.session_idle,
        wants_step_up=wants_admin_mfa(settings),
        proxies=settings.proxies,
    )


def _limits(settings: Settings, clock: Clock, limiter: Limiter) -> Limits:
    return Limits(
        limiter=limiter,
        current=CurrentRules(clock),
        clock=clock,
        proxies=settings.proxies,
        is_on=settings.rate_limits == "on",
        load=Load(),
        waiting=Waiting(),
    )


def _admission(settings: Settings, clock: Clock, cache: Redis) -> Admission:
    """Return what admits questions; the rules of safety are compiled here, before anybody waits."""
    own_keys = OwnKeys(cache, open_slot(settings), settings)
    moderator = moderator_of(settings, SafetyService(), SharedBreakers(cache, clock))
    return Admission(Planner(settings, clock), moderator, own_keys)


def _metrics(settings: Settings, health: Health, cache: Redis, clock: Clock) -> Metrics:
    ledgers = Ledgers(settings)
    return Metrics(settings, ledgers, health, Gauges(settings, cache, ledgers, clock).find)
