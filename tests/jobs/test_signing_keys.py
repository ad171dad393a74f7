"""Signing keys: made, published, used to sign, and retired when all that is over (Z-02)."""

import subprocess
import sys
from datetime import timedelta
from uuid import UUID

import pytest

from jobs.signing_keys import OUTLIVED, READ_OF, SigningKeys
from jobs.tokens import Tokens
from models.accounts import Person, SigningKey
from models.kernel.clock import SystemClock
from models.kernel.errors import Unauthorized
from models.kernel.secrets import Secrets
from models.kernel.settings import Settings
from tests.fakes.clock import FakeClock
from tests.making import person
from tests.servers import ROOT, isolated

pytestmark = pytest.mark.usefixtures("database")

SECRETS = Secrets(b"the secret of this installation.")
LOGIN = UUID(int=7)
QUARTER = timedelta(days=90)
AT_ONCE = timedelta(0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def keys(clock: FakeClock) -> SigningKeys:
    """The keys of a process, of which one has signed for a year."""
    found = SigningKeys(SECRETS, clock)
    assert found.signer
    clock.move(timedelta(days=365).total_seconds())
    return found


def later(clock: FakeClock, span: timedelta) -> None:
    clock.move(span.total_seconds() + 61)


def kids(keys: SigningKeys) -> list[str]:
    return [str(each["kid"]) for each in keys.published]


def test_a_new_key_is_published_before_it_signs(keys: SigningKeys, clock: FakeClock) -> None:
    old = keys.signer.kid

    assert keys.rotate(QUARTER) == (1, 0)
    clock.move(61)
    new, *others = kids(keys)
    assert (others, keys.signer.kid) == ([old], old)

    later(clock, READ_OF)
    assert keys.signer.kid == new


def test_a_key_is_retired_when_all_it_signed_is_over(keys: SigningKeys, clock: FakeClock) -> None:
    old = keys.signer.kid
    keys.rotate(QUARTER)

    clock.move((OUTLIVED - timedelta(seconds=1)).total_seconds())
    assert keys.rotate(QUARTER) == (0, 0)
    clock.move(1)
    assert keys.rotate(QUARTER) == (0, 1)

    clock.move(61)
    assert len(kids(keys)) == 1
    assert old not in kids(keys)
    assert bytes(SigningKey.get_by_id(old).sealed_private) == b""


def test_a_key_that_is_young_stays(keys: SigningKeys, clock: FakeClock) -> None:
    keys.rotate(QUARTER)
    later(clock, QUARTER - timedelta(days=1))

    assert keys.rotate(QUARTER)[0] == 0


def test_a_key_that_leaked_opens_nothing_a_minute_later(
    keys: SigningKeys, clock: FakeClock
) -> None:
    who: Person = person()
    tokens = Tokens("http://127.0.0.1:8000", SECRETS, clock)
    leaked = tokens.issue(who, LOGIN)

    assert keys.rotate(AT_ONCE, at_once=True) == (1, 1)

    clock.move(61)
    with pytest.raises(Unauthorized):
        tokens.read(leaked)
    assert tokens.read(tokens.issue(who, LOGIN)).person_id == who.id


def test_nor_does_one_that_was_read_of_late(
    keys: SigningKeys, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys are a minute old a minute after the database told of them, however late they came."""
    who, read = person(), SigningKey.newest_first
    tokens = Tokens("http://127.0.0.1:8000", SECRETS, clock)

    def slowly() -> list[SigningKey]:
        rows = list(read())
        clock.move(30)
        return rows

    with monkeypatch.context() as patched:
        patched.setattr(SigningKey, "newest_first", slowly)
        leaked = tokens.issue(who, LOGIN)
    keys.rotate(AT_ONCE, at_once=True)

    clock.move(31)
    with pytest.raises(Unauthorized):
        tokens.read(leaked)


def test_schedulers_that_rotate_at_once_make_one_key(keys: SigningKeys, clock: FakeClock) -> None:
    others = SigningKeys(SECRETS, clock)

    assert [keys.rotate(QUARTER)[0], others.rotate(QUARTER)[0]] == [1, 0]


@pytest.mark.parametrize(("options", "told"), [((), "retired 0"), (("--now",), "retired 1")])
def test_an_operator_rotates_by_a_command(
    settings: Settings, options: tuple[str, ...], told: str
) -> None:
    assert SigningKeys(SECRETS, SystemClock()).signer
    asked = subprocess.run(
        [sys.executable, "-m", "jobs.rotate_keys", *options],
        cwd=ROOT,
        env={**isolated(), "ILM_HOME": str(settings.home), "DATABASE_URL": settings.database_url},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert asked.stdout == f"made 1 and {told} keys\n"
