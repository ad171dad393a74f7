"""Tokens of outside issuers: which are taken (A-05, X-2)."""

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OKPKey, RSAKey

from models.accounts import Person
from models.issuers import OFF, Identity, Issuer
from models.kernel.errors import TokenExpired, Unauthorized
from tests.fakes.issuer import RSA_PAIRS, FakeIssuer
from tests.jobs.issuers.conftest import House, Trusting

HOUR = 3_600


def packed(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")


def unsigned(fake: FakeIssuer) -> str:
    return f"{packed({'alg': 'none', 'kid': 'first'})}.{packed(fake.claims())}."


def by_public_key(fake: FakeIssuer) -> str:
    """Use the public key, which everybody has, as the secret of an HMAC."""
    text = f"{packed({'alg': 'HS256', 'kid': 'first'})}.{packed(fake.claims())}"
    seal = hmac.digest(RSA_PAIRS[0].as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{packed(seal)}"


def by_hand(fake: FakeIssuer, **header: Any) -> str:
    """Sign what the library would not."""
    head = {"alg": "RS256", "kid": "first", **header}
    text = f"{packed(head)}.{packed(fake.claims())}"
    seal = RSA_PAIRS[0].private_key.sign(text.encode(), PKCS1v15(), SHA256())
    return f"{text}.{packed(seal)}"


def by_stranger(fake: FakeIssuer) -> str:
    published = dict(fake.pages)
    fake.rotate("first", RSA_PAIRS[1])
    fake.pages = published
    return fake.token()


ATTACKS = {
    "no signature": unsigned,
    "HMAC with the public key": by_public_key,
    "a stranger's key": by_stranger,
    "an algorithm the issuer does not use": lambda f: f.token(header={"alg": "PS256"}),
    "no key named": lambda f: f.token(header={"kid": ""}),
    "a key by its path": lambda f: f.token(header={"kid": "../../etc/passwd"}),
    "a key it brings along": lambda f: f.token(
        header={"kid": "x", "jwk": RSA_PAIRS[0].as_dict(private=False)}
    ),
    "an extension we must understand": lambda f: by_hand(f, crit=["exp"], exp=1),
    "a token of another kind": lambda f: f.token(header={"typ": "logout+jwt"}),
    "another audience": lambda f: f.token(aud="https://other.example"),
    "no audience": lambda f: f.token(aud=None),
    "an audience that is no text": lambda f: f.token(aud=[{"a": 1}]),
    "no subject": lambda f: f.token(sub=None),
    "an empty subject": lambda f: f.token(sub=""),
    "a subject that is a number": lambda f: f.token(sub=7),
    "a long subject": lambda f: f.token(sub="x" * 256),
    "a subject with a zero byte": lambda f: f.token(sub="a\x00b"),
    "no end": lambda f: f.token(exp=None),
    "an end that is no number": lambda f: f.token(exp="tomorrow"),
    "no beginning": lambda f: f.token(iat=None),
    "issued in the future": lambda f: f.token(iat=f.claims()["iat"] + 90),
    "not good yet": lambda f: f.token(nbf=f.claims()["iat"] + 90),
    "a beginning nobody can tell": lambda f: f.token(iat=-1e300),
    "bound to a key of its holder": lambda f: f.token(cnf={"jkt": "x"}),
    "cut short": lambda f: f.token()[:-4],
}


def test_what_is_signed_by_hand_unchanged_holds(
    trust: Trusting, house: House, fake: FakeIssuer
) -> None:
    trust()

    assert house.ask(by_hand(fake))


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_a_token_that_does_not_hold_is_refused(
    trust: Trusting, house: House, fake: FakeIssuer, attack: str
) -> None:
    trust()

    with pytest.raises(Unauthorized):
        house.ask(ATTACKS[attack](fake))
    assert Identity.select().count() == 0


@pytest.mark.parametrize(
    "token",
    [
        lambda f: f.token(iss="https://unknown.example"),
        lambda f: f.token(iss=f"{f.url}/"),
        lambda f: f.token(iss="x\x00"),
        lambda f: f.token(iss=None),
        lambda f: f.token(padding="x" * 10_000),
        lambda _: "ilm",
        lambda _: f"a.{packed(b'[' * 3_000)}.c",
    ],
    ids=["unknown", "nearly", "zero byte", "none", "huge", "no token", "deep"],
)
def test_a_token_of_nobody_trusted_is_none_of_this(
    trust: Trusting, house: House, fake: FakeIssuer, token
) -> None:
    trust()

    assert house.ask(token(fake)) is None
    assert fake.asked == []


def test_a_token_that_is_over_is_told_so_after_a_minute_of_grace(
    trust: Trusting, house: House, fake: FakeIssuer
) -> None:
    trust()
    token = fake.token()

    house.clock.move(630)
    assert house.ask(token)
    house.clock.move(60)
    with pytest.raises(TokenExpired):
        house.ask(token)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSA_PAIRS[1], "PS256"),
        (ECKey.generate_key("P-256"), "ES256"),
        (OKPKey.generate_key("Ed25519"), "Ed25519"),
    ],
    ids=["PS256", "ES256", "Ed25519"],
)
def test_an_issuer_signs_with_what_its_row_says(
    trust: Trusting, house: House, fake: FakeIssuer, key, algorithm: str
) -> None:
    trust(algorithms=[algorithm])
    fake.rotate("other", key, algorithm)

    assert house.ask(fake.token(header={"typ": "at+jwt"}, aud=["other", fake.claims()["aud"]]))


def test_a_token_signed_eddsa_is_taken(trust: Trusting, house: House, fake: FakeIssuer) -> None:
    key = OKPKey.generate_key("Ed25519")
    trust(algorithms=["EdDSA"])
    fake.rotate("other", key, "EdDSA")
    text = f"{packed({'alg': 'EdDSA', 'kid': 'other'})}.{packed(fake.claims())}"

    assert house.ask(f"{text}.{packed(key.private_key.sign(text.encode()))}")


@pytest.mark.parametrize("status", ["suspended", "deleted"])
def test_who_may_not_come_in_does_not(
    trust: Trusting, house: House, fake: FakeIssuer, status: str
) -> None:
    trust()
    house.ask(fake.token())
    Person.update(status=status).execute()

    with pytest.raises(Unauthorized):
        house.ask(fake.token())


def test_an_issuer_that_is_off_is_nobodys_from_the_next_request_on(
    trust: Trusting, house: House, fake: FakeIssuer
) -> None:
    trust()
    assert house.ask(fake.token())
    Issuer.update(status=OFF).execute()

    assert house.ask(fake.token()) is None


def test_one_issuer_does_not_speak_for_another(
    trust: Trusting, house: House, fake: FakeIssuer
) -> None:
    trust()
    house.ask(fake.token())
    with FakeIssuer() as other:
        trust(url=other.url, jwks_url=f"{other.url}/keys")
        other.keys = {"first": (RSAKey.generate_key(2048), "RS256")}
        other.publish()

        with pytest.raises(Unauthorized):
            house.ask(other.token(iss=fake.url))
        with pytest.raises(Unauthorized):
            house.ask(other.token())
