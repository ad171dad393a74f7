"""Forged access tokens: each is refused with 401, and the refusal is in the log."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey

from jobs.tokens import Tokens
from models.accounts import Person, SigningKey
from models.kernel.clock import SystemClock
from models.kernel.secrets import open_secrets
from models.kernel.settings import Settings
from tests.api.conftest import code

pytestmark = pytest.mark.usefixtures("database")

STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Forge:
    """A token that holds, taken apart; and our own keys, for what only we could sign."""

    token: str
    house: Any
    public: RSAKey

    @property
    def header(self) -> dict[str, Any]:
        return unpacked(self.token.split(".")[0])

    @property
    def claims(self) -> dict[str, Any]:
        return unpacked(self.token.split(".")[1])

    def by_stranger(self, **header: Any) -> str:
        """Sign with a key of somebody else's."""
        return signed(STRANGER, {**self.header, **header}, self.claims)

    def by_us(self, **claims: Any) -> str:
        """Sign with our key, as another part of a larger house might."""
        return signed(self.house, self.header, {**self.claims, **claims})

    def with_parts(self, header: Any = None, claims: Any = None, seal: bytes | None = None) -> str:
        """Keep what is not given as it was, the signature too."""
        first, second, third = self.token.split(".")
        return ".".join((
            first if header is None else packed(header),
            second if claims is None else packed(claims),
            third if seal is None else urlsafe_b64encode(seal).decode().rstrip("="),
        ))  # fmt: skip


def unpacked(part: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return value


def packed(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")


def signed(key: Any, header: dict[str, Any], claims: dict[str, Any]) -> str:
    text = f"{packed(header)}.{packed(claims)}"
    seal = key.sign(text.encode(), padding.PKCS1v15(), SHA256())
    return f"{text}.{urlsafe_b64encode(seal).decode().rstrip('=')}"


def hmac_with_public(forge: Forge) -> str:
    """Use our public key, which everybody has, as the secret of an HMAC."""
    text = f"{packed({**forge.header, 'alg': 'HS256'})}.{packed(forge.claims)}"
    seal = hmac.digest(forge.public.as_pem(), text.encode(), "sha256")
    return f"{text}.{urlsafe_b64encode(seal).decode().rstrip('=')}"


def twice(forge: Forge) -> str:
    """Name two subjects, ours last, under the signature of the token."""
    text = json.dumps(forge.claims)[:-1] + ', "sub": "user_' + "0" * 32 + '"}'
    return forge.with_parts(claims=text.encode())


def nested(forge: Forge) -> str:
    return signed(STRANGER, {**forge.header, "cty": "JWT"}, {"jwt": forge.token})


def stranger_jwk() -> dict[str, Any]:
    numbers = STRANGER.public_key().public_numbers()
    return {"kty": "RSA", "e": "AQAB", "n": packed(numbers.n.to_bytes(256))}


ATTACKS = {
    "no signature asked for": lambda f: f.with_parts(header={**f.header, "alg": "none"}, seal=b""),
    "none, in odd letters": lambda f: f.with_parts(header={**f.header, "alg": "nOnE"}, seal=b""),
    "signature cut off": lambda f: f.with_parts(seal=b""),
    "public key as a password": hmac_with_public,
    "another algorithm": lambda f: f.with_parts(header={**f.header, "alg": "PS256"}),
    "another key": lambda f: f.by_stranger(),
    "a key it brings along": lambda f: f.by_stranger(jwk=stranger_jwk()),
    "a key at its own address": lambda f: f.by_stranger(jku="http://127.0.0.1:1/jwks.json"),
    "a key named by a path": lambda f: f.by_stranger(kid="../../../../dev/null"),
    "a key named by SQL": lambda f: f.by_stranger(kid="x' union select 'AA' --"),
    "a key that is no text": lambda f: f.by_stranger(kid={"a": 1}),
    "no key named": lambda f: f.by_stranger(kid=None),
    "an extension we must understand": lambda f: f.by_stranger(crit=["exp"], exp=1),
    "another subject": lambda f: f.with_parts(claims={**f.claims, "sub": f"user_{'0' * 32}"}),
    "a better role": lambda f: f.with_parts(claims={**f.claims, "role": "super_admin"}),
    "a claim told twice": twice,
    "another audience": lambda f: f.by_us(aud="another"),
    "two audiences": lambda f: f.by_us(aud=["ilm", "ilm-api"]),
    "a login's as an app's": lambda f: f.by_us(aud="ilm-api"),
    "an app's, of no authorization": lambda f: f.by_us(
        aud="ilm-api", authorization="0" * 32, scope="profile:read"
    ),
    "another issuer": lambda f: f.by_us(iss="https://evil.example"),
    "over": lambda f: f.by_us(exp=f.claims["iat"] - 1),
    "no end": lambda f: f.by_us(exp=None),
    "not begun": lambda f: f.by_us(nbf=f.claims["exp"]),
    "a login of nobody": lambda f: f.by_us(sid=f"sess_{'0' * 32}"),
    "no login": lambda f: f.by_us(sid=None),
    "a login of another": lambda f: f.by_us(sub=f"user_{'0' * 32}"),
    "huge": lambda f: f.by_us(padding="x" * 100_000),
    "very deep": lambda f: f.with_parts(claims=b"[" * 2_000 + b"]" * 2_000),
    "a token inside a token": nested,
    "cut short": lambda f: f.token[:-1],
    "a byte too many": lambda f: f"{f.token}A",
    "a fourth part": lambda f: f"{f.token}.{packed({})}",
    "five parts, as if encrypted": lambda f: f"{f.token}.{packed({})}.{packed({})}",
    "white space inside": lambda f: f.token.replace(".", ". "),
    "not base64": lambda f: f.token.replace(".", ".!"),
    "not JSON": lambda f: f.with_parts(claims=b"\xff\x00"),
}


@pytest.fixture
def forge(browser, token, tmp_path, settings):
    (row,) = SigningKey.newest_first()
    secrets = open_secrets(Settings(home=tmp_path))
    private = secrets.unseal("signing-key", bytes(row.sealed_private), context=row.kid)
    made = RSAKey.import_key(private)
    return Forge(token, made.private_key, RSAKey.import_key(row.public_jwk))


def ask(browser, token):
    return browser.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"})


def test_there_are_fifteen_attacks_and_more():
    assert len(ATTACKS) >= 15


def test_what_our_key_signs_unchanged_holds(browser, forge):
    assert ask(browser, forge.by_us()).status_code == 200


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_a_forged_token_is_refused_and_logged(browser, forge, attack):
    forged = ATTACKS[attack](forge)

    with structlog.testing.capture_logs() as logged:
        answer = ask(browser, forged)

    status, name = code(answer)
    assert (status, name in {"UNAUTHORIZED", "TOKEN_EXPIRED"}) == (401, True)
    assert answer.headers["WWW-Authenticate"]
    (line,) = [line for line in logged if line["event"] == "auth.refused"]
    assert forged not in str(line)


def test_a_token_issued_at_another_address_does_not_hold(browser, forge, tmp_path):
    elsewhere = Tokens("https://ilm.example", open_secrets(Settings(home=tmp_path)), SystemClock())
    person = Person.get()
    login = unpacked(forge.token.split(".")[1])["sid"]

    answer = ask(browser, elsewhere.issue(person, UUID(login[5:])))

    assert answer.status_code == 401
