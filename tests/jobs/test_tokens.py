"""Access tokens: who reads them, and which are refused."""

import hmac
import json
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from jobs.accounts import NewPerson, register
from jobs.tokens import AUDIENCE, Claimed, Pass, Tokens
from models.accounts import SigningKey
from models.kernel.errors import TokenExpired, Unauthorized
from models.kernel.ids import wire_id
from models.kernel.secrets import Secrets
from tests.fakes.clock import FakeClock

SECRETS = Secrets(b"the secret of this installation.")
HERE, THERE = "http://127.0.0.1:8000", "http://localhost:8001"
LOGIN = UUID(int=7)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def tokens(database, clock):
    return Tokens(HERE, SECRETS, clock)


@pytest.fixture
def person(database, clock):
    return register(NewPerson(email="ada@example.org", password="correct horse"), clock)


def claims(person, clock, **other):
    now = int(clock.now().timestamp())
    who = {"sub": wire_id("user", person.id), "sid": wire_id("sess", LOGIN)}
    usual = {"iss": HERE, "aud": AUDIENCE, **who}
    return {**usual, "iat": now, "exp": now + 900, **other}


def test_a_token_says_whose_it_is_to_every_process(tokens, person, clock):
    elsewhere = Tokens(THERE, SECRETS, clock)

    assert elsewhere.read(tokens.issue(person, LOGIN)) == Claimed(person.id, LOGIN)


def test_a_token_is_good_for_as_many_minutes_as_is_set(database, clock, person):
    """A-03."""
    brief = Tokens(HERE, SECRETS, clock, minutes=2)
    token = brief.issue(person, LOGIN)
    clock.move(brief.seconds - 1)
    assert brief.read(token).person_id == person.id
    clock.move(1)

    with pytest.raises(TokenExpired):
        brief.read(token)


def test_a_token_is_over_after_a_quarter_of_an_hour(tokens, person, clock):
    token = tokens.issue(person, LOGIN)
    clock.move(899)
    assert tokens.read(token).person_id == person.id
    clock.move(1)

    with pytest.raises(TokenExpired):
        tokens.read(token)


def test_a_token_another_key_signed_is_refused(tokens, person, clock):
    kid = tokens.published()["keys"][0]["kid"]
    key = RSAKey.generate_key(2048, {"kid": kid})

    with pytest.raises(Unauthorized):
        tokens.read(jwt.encode({"alg": "RS256", "kid": kid}, claims(person, clock), key))


def test_the_public_key_cannot_be_used_as_a_password(tokens, person, clock):
    public = RSAKey.import_key(tokens.published()["keys"][0])
    parts = {"alg": "HS256", "kid": public.kid}, claims(person, clock)
    signed = b".".join(urlsafe_b64encode(json.dumps(part).encode()).strip(b"=") for part in parts)
    seal = hmac.digest(public.as_pem(), signed, "sha256")
    forged = b".".join((signed, urlsafe_b64encode(seal).strip(b"="))).decode()

    with pytest.raises(Unauthorized):
        tokens.read(forged)


@pytest.mark.parametrize(
    "other",
    [
        *({"aud": audience} for audience in ("another", "ilm-mfa", None)),
        *({"sub": subject} for subject in ("book_1", None)),
        *({"exp": end} for end in ("soon", None)),
        *({"sid": login} for login in ("user_1", None)),
        {"iss": "https://evil.example"},
    ],
    ids=str,
)
def test_a_token_with_odd_claims_is_refused(tokens, person, clock, other):
    tokens.issue(person, LOGIN)
    (row,) = SigningKey.newest_first()
    private = SECRETS.unseal("signing-key", bytes(row.sealed_private), context=row.kid)
    key = RSAKey.import_key(private)

    with pytest.raises(Unauthorized):
        tokens.read(
            jwt.encode({"alg": "RS256", "kid": row.kid}, claims(person, clock, **other), key)
        )


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "..", "x" * 5000, "\0.\0.\0", "é.é.é"])
def test_what_is_no_token_is_refused(tokens, text):
    with pytest.raises(Unauthorized):
        tokens.read(text)


def test_a_retired_key_opens_nothing_after_a_minute(tokens, person, clock, database):
    token = tokens.issue(person, LOGIN)
    SigningKey.update(retired_at=clock.now()).execute()
    clock.move(61)

    with pytest.raises(Unauthorized):
        tokens.read(token)


def test_a_key_made_elsewhere_is_known_at_once(tokens, person, clock):
    tokens.issue(person, LOGIN)
    SigningKey.update(retired_at=clock.now()).execute()
    elsewhere = Tokens(THERE, SECRETS, clock)
    token = elsewhere.issue(person, LOGIN)
    clock.move(2)

    assert tokens.read(token).person_id == person.id


def test_processes_that_start_together_make_one_key(database, clock):
    many = [Tokens(HERE, SECRETS, clock) for _ in range(4)]

    def publish(tokens):
        with database.borrowed():
            return tokens.published()["keys"][0]["kid"]

    with ThreadPoolExecutor(4) as pool:
        kids = set(pool.map(publish, many))

    assert len(kids) == 1


def test_a_process_with_another_secret_signs_with_a_key_of_its_own(tokens, person, clock):
    token = tokens.issue(person, LOGIN)
    elsewhere = Tokens(THERE, Secrets(b"another secret"), clock)
    clock.move(2)

    assert tokens.read(elsewhere.issue(person, LOGIN)) == elsewhere.read(token)
    assert len(SigningKey.newest_first()) == 2


def test_a_public_installation_takes_tokens_of_its_own_address_alone(database, person, clock):
    ours = Tokens("https://ilm.example", SECRETS, clock)
    theirs = Tokens("https://other.example", SECRETS, clock)

    assert ours.read(ours.issue(person, LOGIN)).person_id == person.id
    with pytest.raises(Unauthorized):
        ours.read(theirs.issue(person, LOGIN))


def test_a_pass_opens_nothing_and_a_token_is_no_pass(tokens, person):
    granted = Pass(person.id, "laptop", has_cookie=True)
    text = tokens.issue_pass(granted)

    assert tokens.read_pass(text) == granted
    with pytest.raises(Unauthorized):
        tokens.read(text)
    with pytest.raises(Unauthorized):
        tokens.read_pass(tokens.issue(person, LOGIN))


def test_a_pass_is_over_after_five_minutes(tokens, person, clock):
    text = tokens.issue_pass(Pass(person.id, "", has_cookie=False))
    clock.move(300)

    with pytest.raises(TokenExpired):
        tokens.read_pass(text)
