"""Access tokens: JWTs signed RS256, good for a quarter of an hour (A-02, A-03).

The key pairs live in PostgreSQL, the private halves sealed, so that every process of a fleet
signs with the same one and a key can be retired everywhere at once. A token says who; whether
that person may still come in is asked of their row at each request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final
from uuid import UUID

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import RSAKey

from models.accounts import Person, SigningKey
from models.kernel.clock import Clock
from models.kernel.database import database
from models.kernel.errors import TokenExpired, Unauthorized, Unavailable
from models.kernel.ids import new_id, parse_id, wire_id
from models.kernel.logs import get_logger
from models.kernel.secrets import Secrets, Unsealable

SECONDS: Final = 900
AUDIENCE: Final = "ilm"
ALGORITHM: Final = "RS256"

_BITS: Final = 2048
_LONGEST: Final = 4096
_PURPOSE: Final = "signing-key"
_FRESH_SECONDS: Final = 60.0
_RELOAD_SECONDS: Final = 1.0
_KEY_LOCK: Final = 0x494C4F

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Keys:
    """The key pairs as they were read, newest first, and when."""

    signer: RSAKey
    public: dict[str, RSAKey]
    documents: Sequence[dict[str, Any]]
    read_at: float


class Tokens:
    """Issues and reads access tokens; remembers the keys for a minute."""

    def __init__(self, issuer: str, secrets: Secrets, clock: Clock) -> None:
        """Take the public address that issues, what unseals the keys, and the time."""
        self._issuer = issuer
        self._secrets = secrets
        self._clock = clock
        self._lock = Lock()
        self._keys: _Keys | None = None

    def issue(self, person: Person) -> str:
        """Return a token that says who this is until a quarter of an hour from now."""
        now = int(self._clock.now().timestamp())
        keys = self._known(_FRESH_SECONDS)
        header = {"alg": ALGORITHM, "kid": keys.signer.kid}
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": wire_id("user", person.id),
            "iat": now,
            "exp": now + SECONDS,
            "jti": new_id().hex,
            "role": person.role,
            "tier": person.tier,
        }
        return jwt.encode(header, claims, keys.signer, algorithms=[ALGORITHM])

    def read(self, token: str) -> UUID:
        """Return whose token this is; raise `TokenExpired` or `Unauthorized`."""
        if len(token) > _LONGEST:
            raise Unauthorized
        try:
            claims = jwt.decode(token, self._key_of, algorithms=[ALGORITHM]).claims
            self._rules().validate(claims)
            return parse_id("user", str(claims["sub"]))
        except ExpiredTokenError as error:
            raise TokenExpired from error
        except (JoseError, ValueError, TypeError) as error:
            raise Unauthorized from error

    def published(self) -> dict[str, Any]:
        """Return the public halves as a JWK set (RFC 7517)."""
        return {"keys": list(self._known(_FRESH_SECONDS).documents)}

    def _rules(self) -> jwt.JWTClaimsRegistry:
        """Say what must hold; the issuer may be any of our processes, since the keys are ours."""
        return jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            iss={"essential": True},
            aud={"essential": True, "value": AUDIENCE},
            sub={"essential": True},
            exp={"essential": True},
        )

    def _key_of(self, token: Any) -> RSAKey:
        """Return the key a token names; one not known yet may have been made since."""
        kid = str(token.headers().get("kid", ""))
        for age in (_FRESH_SECONDS, _RELOAD_SECONDS):
            found = self._known(age).public.get(kid)
            if found is not None:
                return found
        raise Unauthorized

    def _known(self, age: float) -> _Keys:
        """Return the keys, read again when they were read longer ago than this many seconds."""
        with self._lock:
            if self._keys is None or self._clock.elapsed() - self._keys.read_at > age:
                self._keys = self._load()
            return self._keys

    def _load(self) -> _Keys:
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
            read_at=self._clock.elapsed(),
        )

    def _signer(self, rows: Sequence[SigningKey]) -> RSAKey | None:
        """Return the newest key that our secret opens: another secret's keys only verify."""
        for row in rows:
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
            database.rows("select pg_advisory_xact_lock(%s)", (_KEY_LOCK,))
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
