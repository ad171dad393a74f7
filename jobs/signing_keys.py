"""Signing keys: the key pairs of access tokens, and how one follows another (A-03, Z-02).

They live in PostgreSQL, the private halves sealed, so that every process of a fleet signs with the
same one and a key can be retired everywhere at once. A new one is published an hour before it
signs: who verifies our tokens elsewhere has read of it by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import Any, Final

from joserfc.jwk import RSAKey

from models.accounts import SigningKey
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import Unauthorized, Unavailable
from models.kernel.ids import new_id
from models.kernel.logs import get_logger
from models.kernel.secrets import Secrets, Unsealable, open_secrets
from models.kernel.settings import Settings

ALGORITHM: Final = "RS256"
READ_OF: Final = timedelta(hours=1)
"""For how long a key is published before it signs, unless it is the only one."""
OUTLIVED: Final = READ_OF + timedelta(days=1)
"""So long after the next one was made, nothing that a key signed is good any more (A-03)."""

_BITS: Final = 2048
_PURPOSE: Final = "signing-key"
_FRESH_SECONDS: Final = 60.0
_RELOAD_SECONDS: Final = 1.0
_LOCK: Final = "select pg_advisory_xact_lock(x'494C4F'::int)"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Keys:
    """The key pairs as they were read, newest first, and when."""

    signer: RSAKey
    public: dict[str, RSAKey]
    documents: Sequence[dict[str, Any]]
    read_at: float


class SigningKeys:
    """Knows the key pairs, remembers them for a minute, and makes new ones."""

    def __init__(self, secrets: Secrets, clock: Clock) -> None:
        """Take what unseals the private halves, and the time."""
        self._secrets = secrets
        self._clock = clock
        self._lock = Lock()
        self._keys: _Keys | None = None

    @property
    def signer(self) -> RSAKey:
        """The key pair that signs."""
        return self._known(_FRESH_SECONDS).signer

    @property
    def published(self) -> Sequence[dict[str, Any]]:
        """The public halves as JWKs (RFC 7517)."""
        return self._known(_FRESH_SECONDS).documents

    def named(self, kid: str) -> RSAKey:
        """Return a public half; one not known yet may have been made since.

        Raises `Unauthorized` where there is none, or none any more.
        """
        for age in (_FRESH_SECONDS, _RELOAD_SECONDS):
            found = self._known(age).public.get(kid)
            if found is not None:
                return found
        raise Unauthorized

    def rotate(self, after: timedelta, *, at_once: bool = False) -> tuple[int, int]:
        """Make a key unless one is younger than `after`; retire those whose tokens are all over.

        `at_once` retires every other one now, with all it signed: for a key that leaked. Returns
        how many were made, and how many retired.
        """
        with database.unit():
            database.rows(_LOCK)
            newest = next(iter(SigningKey.newest_first()), None)
            is_due = newest is None or newest.created_at <= self._clock.now() - after
            if is_due:
                self._keep(new_id().hex)
            now = self._clock.now()
            retired = SigningKey.retire(now, now if at_once else now - OUTLIVED)
        return int(is_due), retired

    def _known(self, age: float) -> _Keys:
        """Return the keys, read again when they were read longer ago than this many seconds."""
        with self._lock:
            if self._keys is None or self._clock.elapsed() - self._keys.read_at > age:
                self._keys = self._load()
            return self._keys

    def _load(self) -> _Keys:
        read_at = self._clock.elapsed()
        rows = SigningKey.newest_first()
        signer = self._signer(rows)
        if signer is None:
            rows = self._make()
            signer = self._signer(rows)
        if signer is None:
            raise Unavailable("no key signs tokens")
        return _Keys(
            signer=signer,
            public={row.kid: RSAKey.import_key(row.public_jwk) for row in rows},
            documents=[row.public_jwk for row in rows],
            read_at=read_at,
        )

    def _signer(self, rows: Sequence[SigningKey]) -> RSAKey | None:
        """Return the newest key everybody has read of that our secret opens; else the newest."""
        read_of = self._clock.now() - READ_OF
        for row in sorted(rows, key=lambda each: each.created_at > read_of):
            try:
                private = self._secrets.unseal(_PURPOSE, bytes(row.sealed_private), context=row.kid)
            except Unsealable:
                log.warning("tokens.sealed_by_another_secret", kid=row.kid)
                continue
            return RSAKey.import_key(private, {"kid": row.kid})
        return None

    def _make(self) -> list[SigningKey]:
        """Make a key pair, once however many processes start at a time."""
        with database.unit():
            database.rows(_LOCK)
            if self._signer(SigningKey.newest_first()) is None:
                self._keep(new_id().hex)
        return SigningKey.newest_first()

    def _keep(self, kid: str) -> None:
        pair = RSAKey.generate_key(_BITS, {"kid": kid, "use": "sig", "alg": ALGORITHM})
        sealed = self._secrets.seal(_PURPOSE, pair.as_pem(private=True), context=kid)
        SigningKey.create(
            kid=kid,
            sealed_private=sealed,
            public_jwk=pair.as_dict(private=False),
            created_at=self._clock.now(),
        )


def rotated(settings: Settings, clock: Clock) -> str:
    """Rotate keys when it is time, and say in words what was done."""
    keys = SigningKeys(open_secrets(settings), clock)
    made, retired = keys.rotate(timedelta(days=settings.signing_key_days))
    return f"made {made} and retired {retired} keys"
