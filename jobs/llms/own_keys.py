"""Callers' own keys: used for one call at one vendor, and kept nowhere (Y-01, Y-04, X-4).

A key goes from the request's header to the worker sealed to the worker's key box, in an entry of
Redis under a random name that is read once and gone within a minute. The job's row knows the name
alone. Whoever comes too late, or a second time, finds nothing: then the call has to be sent again.
"""

from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Final
from uuid import UUID

import redis

from jobs.llms.router import AUTO
from jobs.run import Run
from jobs.wires.fields import fault
from models.kernel.errors import ModelNotAvailable, ProviderKeyGone, Unavailable
from models.kernel.keybox import KeyBox, Slot
from models.kernel.logs import get_logger
from models.kernel.secrets import Unsealable
from models.kernel.settings import Settings
from models.llms import Vendor, llm_named, vendors

KEPT_SECONDS: Final = 60
LEAST: Final = 8
MOST: Final = 512
FIRST_SIGN, LAST_SIGN = "!", "~"
"""What a key is made of lies between these two: what may stand in a header of the vendor's."""

NOT_HANDED_OVER: Final = (
    "your key cannot be handed to a worker just now, and is kept nowhere else; nothing was done:"
    " send the call again"
)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKey:
    """A caller's key, and the vendor it is for if the caller said so."""

    secret: str = field(repr=False)
    vendor: str | None = None

    def __post_init__(self) -> None:
        """Raise `Invalid` for what no vendor's key looks like; the words hold nothing of it."""
        if not LEAST <= len(self.secret) <= MOST:
            raise fault("X-Ilm-Provider-Key", f"must have {LEAST} to {MOST} characters")
        if not all(FIRST_SIGN <= sign <= LAST_SIGN for sign in self.secret):
            raise fault("X-Ilm-Provider-Key", "must be plain characters without a space")
        if self.vendor is not None and self.vendor not in vendors():
            raise fault("X-Ilm-Provider", "there is no vendor of this name")


class OwnKeys:
    """The side of a web process: takes keys, and can read none of them again."""

    def __init__(self, cache: redis.Redis, slot: Slot, settings: Settings) -> None:
        """Take the process's Redis, what seals, and the settings, which say where vendors are."""
        self._cache = cache
        self._slot = slot
        self._settings = settings

    def check(self, own: OwnKey, model: str) -> None:
        """Raise why a key cannot be used for an LLM; a name that is none is for the plan to refuse.

        Raises `Invalid` for `auto`, another vendor's LLM, or a vendor that takes no key, and
        `ModelNotAvailable` where nobody knows the vendor's address.
        """
        if model == AUTO:
            raise fault("model", "must be named with a key of your own: it says whose key it is")
        llm = llm_named(model)
        if llm is None:
            return
        vendor: Vendor = vendors()[llm.vendor]
        if own.vendor not in {None, vendor.name}:
            raise fault("X-Ilm-Provider", f"{model} is run by {vendor.name}")
        if not vendor.key:
            raise fault("X-Ilm-Provider-Key", f"{vendor.name}, which runs {model}, takes no key")
        if not vendor.address_by(self._settings):
            raise ModelNotAvailable(f"this installation has no address of {vendor.name}")

    def entrust(self, own: OwnKey, account_id: UUID) -> str:
        """Leave a key for the worker; return the name of its entry, which goes into the job.

        Raises `Unavailable` when Redis does not answer.
        """
        name = token_urlsafe(24)
        sealed = self._slot.seal(own.secret.encode("ascii"), context=_context(account_id, name))
        try:
            self._cache.set(_entry(name), sealed, ex=KEPT_SECONDS)
        except redis.RedisError as error:
            raise Unavailable(NOT_HANDED_OVER, retry_after=2) from error
        return name


class EntrustedKeys:
    """The side of an LLM worker: reads each key once."""

    def __init__(self, cache: redis.Redis, box: KeyBox) -> None:
        """Take the process's Redis, and what opens."""
        self._cache = cache
        self._box = box

    def key_for(self, name: str | None, run: Run) -> str | None:
        """Return the key that was left for a run, None when there was none.

        Raises `ProviderKeyGone` when it is too late, or not the first attempt: what an earlier one
        did with the key nobody knows.
        """
        if name is None:
            return None
        if run.attempt > 1:
            raise _gone("the worker that had it was lost")
        sealed = self._taken(name)
        if sealed is None:
            raise _gone(f"it is kept for {KEPT_SECONDS} seconds, and the call waited longer")
        try:
            return self._box.open(sealed, context=_context(run.account_id, name)).decode("ascii")
        except Unsealable as error:
            log.error("own_key.sealed_for_another_box", setting="ILM_KEY_BOX")
            raise _gone("it was sealed for another worker") from error

    def _taken(self, name: str) -> bytes | None:
        """Take an entry out; a Redis that does not answer has as good as lost it."""
        try:
            sealed = self._cache.getdel(_entry(name))
        except redis.RedisError:
            return None
        return sealed if isinstance(sealed, bytes) else None


def _entry(name: str) -> str:
    return f"entrusted:{name}"


def _context(account_id: UUID, name: str) -> str:
    """Return what an entry is bound to: under another name, or another's job, it does not open."""
    return f"{account_id}:{name}"


def _gone(why: str) -> ProviderKeyGone:
    return ProviderKeyGone(
        f"your own key is not here any more ({why}): send the call again, with the key and, if it"
        " had one, a fresh Idempotency-Key"
    )
