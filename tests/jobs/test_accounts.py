"""What accounts promise whoever calls: the web, the migrate step, a shell."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event, Lock

import pytest
from argon2 import PasswordHasher

from jobs import keys, passwords
from jobs.accounts import NewPerson, bootstrap_admin, recognizes, register
from jobs.keys import Grantor, KeyWish
from models.accounts import ApiKey, Person
from models.kernel.errors import TokenExpired, Unavailable
from models.kernel.settings import BadSettings, Settings
from models.roles import permissions_of
from tests.fakes.clock import FakeClock
from tests.processes import until

PASSWORD = "correct horse battery"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def person(database, clock):
    return register(NewPerson(email="Ada@Example.org", password=PASSWORD), clock)


def grantor(person, mode="live"):
    return Grantor(person.account_id, person.id, mode, permissions_of(person.role))


def test_a_person_gets_an_account_and_an_address_in_lower_case(person):
    assert person.email == "ada@example.org"
    assert person.account_id is not None
    assert PASSWORD not in person.password_hash


def test_a_password_is_the_same_however_its_letters_are_composed(person, clock):
    register(NewPerson(email="b@example.org", password="A\u030angstro\u0308m"), clock)

    assert recognizes(Person.by_email("b@example.org"), "Ångström")


class Hasher:
    """Is at every password for as long as a test wants; knows how many it was at at once."""

    def __init__(self):
        self.go_on = Event()
        self.most = 0
        self._at = 0
        self._lock = Lock()

    def verify(self, _kept, _password):
        with self._lock:
            self._at += 1
            self.most = max(self.most, self._at)
        assert self.go_on.wait(60)
        with self._lock:
            self._at -= 1
        return True


def test_a_flood_of_logins_is_bounded_in_what_runs_and_waits(monkeypatch):
    def attempt(_):
        try:
            return passwords.matches(PASSWORD, "a hash")
        except Unavailable:
            return "refused"

    hasher = Hasher()
    with monkeypatch.context() as patched, ThreadPoolExecutor(16) as pool:
        patched.setattr(passwords, "_hasher", hasher)
        flood = [pool.submit(attempt, number) for number in range(32)]
        until(lambda: sum(each.done() for each in flood) == 28, "more or fewer are refused")
        hasher.go_on.set()
        answers = [each.result() for each in flood]

    assert (answers.count(True), answers.count("refused"), hasher.most) == (4, 28, 2)
    assert passwords.matches(PASSWORD, passwords.hashed(PASSWORD))


def test_a_hash_of_older_parameters_is_renewed_at_login(person, clock):
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    Person.update(password_hash=old).where(Person.id == person.id).execute()

    assert recognizes(Person.by_id(person.id), PASSWORD)

    assert Person.by_id(person.id).password_hash != old
    assert recognizes(Person.by_id(person.id), PASSWORD)


def test_a_key_holds_until_its_end(person, clock):
    ends = clock.now() + timedelta(hours=1)
    _, key = keys.make_key(KeyWish(name="k", expires_at=ends), grantor(person), clock)

    assert keys.use_key(key, clock).person.person_id == person.id
    clock.move(3_600)
    with pytest.raises(TokenExpired):
        keys.use_key(key, clock)


def test_when_a_key_was_used_last_is_written_once_a_minute(person, clock):
    row, key = keys.make_key(KeyWish(name="k"), grantor(person), clock)
    seen = []
    for seconds in (0, 30, 61):
        clock.move(seconds)
        keys.use_key(key, clock)
        seen.append(ApiKey.get_by_id(row.id).last_used_at)

    assert seen[0] == seen[1]
    assert seen[2] - seen[0] == timedelta(seconds=91)
    assert row.last_used_at is None


class TestTheFirstAdministrator:
    """The migrate step's administrator."""

    @pytest.fixture(autouse=True)
    def _database(self, database):
        """Every one of these reaches rows."""

    def test_is_made_once_and_left_in_a_note_for_the_operator(self, tmp_path, clock):
        settings = Settings(home=tmp_path)

        assert bootstrap_admin(settings, clock)
        assert not bootstrap_admin(settings, clock)

        note = tmp_path / "admin.txt"
        told = dict(line.split("=", 1) for line in note.read_text().splitlines())
        assert note.stat().st_mode & 0o777 == 0o600
        assert told["email"] == "admin@ilm.localhost"
        admin = Person.by_email(told["email"])
        assert recognizes(admin, told["password"])
        assert (admin.role, admin.email_verified_at) == ("super_admin", clock.now())

    def test_is_whom_the_settings_name_and_leaves_no_note(self, tmp_path, clock):
        settings = Settings(home=tmp_path, admin_email="Root@x.org", admin_password=PASSWORD)

        bootstrap_admin(settings, clock)

        admin = Person.by_email("root@x.org")
        assert recognizes(admin, PASSWORD)
        assert admin.role == "super_admin"
        assert not (tmp_path / "admin.txt").exists()

    def test_is_never_somebody_who_registered_that_address(self, tmp_path, clock):
        register(NewPerson(email="root@x.org", password=PASSWORD), clock)

        with pytest.raises(BadSettings, match="ILM_ADMIN_EMAIL"):
            bootstrap_admin(Settings(home=tmp_path, admin_email="root@x.org"), clock)

    def test_has_no_weak_password(self, tmp_path: Path, clock):
        with pytest.raises(BadSettings, match="ILM_ADMIN_PASSWORD"):
            bootstrap_admin(Settings(home=tmp_path, admin_password="short"), clock)
