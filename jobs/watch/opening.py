"""Opening the watch of a scheduler by its settings."""

from redis import Redis

from jobs.gauges import Gauges
from jobs.post_offices import open_office
from jobs.probes import probes
from jobs.watch.bells import Bell, MailBell, WebBell
from jobs.watch.lead import Lead
from jobs.watch.senses import Senses
from jobs.watch.watch import Watch
from models.kernel.blobs import open_blobs
from models.kernel.clock import Clock
from models.kernel.database import Pool
from models.kernel.ledgers import Ledgers
from models.kernel.settings import Settings


def open_watch(settings: Settings, pool: Pool, cache: Redis, clock: Clock) -> Watch:
    """Return the watch; nothing is asked yet."""
    ledgers = Ledgers(settings)
    gauges = Gauges(settings, cache, ledgers, clock)
    senses = Senses(ledgers, gauges.find, probes(settings, pool, cache, open_blobs(settings)))
    return Watch(senses.read, Lead(cache).is_ours, _bells(settings, clock), clock)


def _bells(settings: Settings, clock: Clock) -> list[Bell]:
    bells: list[Bell] = []
    if settings.alert_email:
        office = open_office(settings, clock)
        bells.append(MailBell(office, settings.alert_email, settings.base_url))
    if settings.alert_url:
        bells.append(WebBell(settings.alert_url))
    return bells
