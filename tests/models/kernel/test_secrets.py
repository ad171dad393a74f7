"""The master secret, and what is sealed with it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from models.kernel.secrets import Secrets, Unsealable, master_secret, open_secrets
from models.kernel.settings import BadSettings, Settings

SECRETS = Secrets(b"a master secret")


def test_what_is_sealed_opens_for_the_same_purpose_and_context():
    sealed = SECRETS.seal("totp", b"value", context="user_1")

    assert b"value" not in sealed
    assert SECRETS.unseal("totp", sealed, context="user_1") == b"value"


@pytest.mark.parametrize(
    ("secrets", "purpose", "context"),
    [
        (Secrets(b"another secret"), "totp", "user_1"),
        (SECRETS, "webhook", "user_1"),
        (SECRETS, "totp", "user_2"),
    ],
    ids=["secret", "purpose", "context"],
)
def test_another_secret_purpose_or_context_opens_nothing(secrets, purpose, context):
    sealed = SECRETS.seal("totp", b"value", context="user_1")

    with pytest.raises(Unsealable):
        secrets.unseal(purpose, sealed, context=context)


@pytest.mark.parametrize("broken", [b"", b"short", b"x" * 60])
def test_what_was_altered_does_not_open(broken):
    with pytest.raises(Unsealable):
        SECRETS.unseal("totp", broken, context="user_1")


def test_the_same_value_is_never_sealed_alike():
    assert SECRETS.seal("a", b"v", context="c") != SECRETS.seal("a", b"v", context="c")


def test_each_purpose_has_a_key_of_its_own():
    assert SECRETS.derive("a") == SECRETS.derive("a") != SECRETS.derive("b")


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path):
    settings = Settings(home=tmp_path / "home")

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: master_secret(settings), range(8)))

    assert len(made) == 1
    assert (tmp_path / "home" / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["secret"]


def test_a_secret_in_the_settings_wins_and_is_long_enough(tmp_path):
    assert master_secret(Settings(home=tmp_path, secret_key="x" * 32)) == b"x" * 32
    with pytest.raises(BadSettings, match="ILM_SECRET_KEY"):
        master_secret(Settings(home=tmp_path, secret_key="short"))


def test_the_secret_is_in_no_repr(tmp_path):
    secrets = open_secrets(Settings(home=tmp_path, secret_key="x" * 32))

    assert "xxx" not in repr(secrets)
