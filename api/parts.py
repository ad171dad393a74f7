"""The parts of a web process: built once, handed to whoever needs them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from api.hop import Hop
from api.limits import Limits
from api.live.health import Health
from api.live.hub import Hub
from api.live.metrics import Metrics
from api.live.sockets import Sockets
from api.principals import Doorkeeper
from jobs.addresses import Addresses
from jobs.key_usage import KeyMeter
from jobs.links import Links
from jobs.llms.admission import Admission
from jobs.llms.preparing import Planner
from jobs.purchases import Purchases
from jobs.queue import Queue
from jobs.recent import RecentCalls
from jobs.repairs import Workshop
from jobs.services import Registry
from jobs.shelf import Shelf
from jobs.tokens import Tokens
from models.kernel.blobs import Blobs
from models.kernel.clock import Clock
from models.kernel.settings import Settings


def _no_streams() -> None:
    """End no stream: there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What resources act through."""

    settings: Settings
    clock: Clock
    tokens: Tokens
    doorkeeper: Doorkeeper
    limits: Limits
    addresses: Addresses
    registry: Registry
    health: Health
    metrics: Metrics
    hop: Hop
    """The way to the threads, for what waits and has to ask a row meanwhile."""
    hub: Hub
    sockets: Sockets
    shelf: Shelf
    queue: Queue
    recent: RecentCalls
    workshop: Workshop
    planner: Planner
    admission: Admission
    links: Links
    key_meter: KeyMeter
    blobs: Blobs
    purchases: Purchases
    end_streams: Callable[[], None] = _no_streams
    """Tells every live stream to end resumably; called once, when the process drains."""
    closings: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    """What is closed last, by name."""
