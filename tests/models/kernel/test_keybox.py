"""The key box: whoever only seals can open nothing, and what is opened is what was sealed."""

from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.kernel.keybox import KeyBox, Slot, open_key_box, open_slot
from models.kernel.secrets import Unsealable
from models.kernel.settings import BadSettings, Settings

BOX = KeyBox(bytes(range(32)))
VALUE = b"sk-a-key-of-somebody"


def test_what_is_sealed_opens_in_its_context() -> None:
    sealed = BOX.slot.seal(VALUE, context="job_1")

    assert VALUE not in sealed
    assert BOX.open(sealed, context="job_1") == VALUE


@pytest.mark.parametrize(
    ("box", "context"),
    [(KeyBox(bytes(32)), "job_1"), (BOX, "job_2")],
    ids=["box", "context"],
)
def test_another_box_or_context_opens_nothing(box: KeyBox, context: str) -> None:
    sealed = BOX.slot.seal(VALUE, context="job_1")

    with pytest.raises(Unsealable):
        box.open(sealed, context=context)


@pytest.mark.parametrize("place", [0, 31, 32, -1])
def test_what_was_altered_in_one_bit_does_not_open(place: int) -> None:
    sealed = bytearray(BOX.slot.seal(VALUE, context="job_1"))
    sealed[place] ^= 1

    with pytest.raises(Unsealable):
        BOX.open(bytes(sealed), context="job_1")


@pytest.mark.parametrize("broken", [b"", b"short", bytes(32), bytes(80)])
def test_what_is_no_sealed_value_does_not_open(broken: bytes) -> None:
    with pytest.raises(Unsealable):
        BOX.open(broken, context="job_1")


def test_the_same_value_is_never_sealed_alike() -> None:
    assert BOX.slot.seal(VALUE, context="c") != BOX.slot.seal(VALUE, context="c")


def test_the_box_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: open_slot(settings).public, range(8)))

    assert made == {open_key_box(settings).slot.public}
    assert (tmp_path / "home" / "keybox").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["keybox"]


def test_web_needs_the_public_half_alone_and_a_worker_the_private_one(tmp_path: Path) -> None:
    web = Settings(home=tmp_path, key_box=BOX.slot.setting)
    worker = Settings(home=tmp_path, key_box=BOX.setting)

    sealed = open_slot(web).seal(VALUE, context="c")

    assert open_key_box(worker).open(sealed, context="c") == VALUE
    assert open_slot(worker) == open_slot(web) == Slot(BOX.slot.public)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BadSettings, match="private key"):
        open_key_box(web)


@pytest.mark.parametrize(
    "setting",
    [
        "nonsense",
        "private:AAAA",
        f"private:{urlsafe_b64encode(bytes(32)).decode()}?",
        f"public:{urlsafe_b64encode(bytes(31)).decode()}",
        f"secret:{urlsafe_b64encode(bytes(32)).decode()}",
    ],
)
def test_a_setting_that_is_no_key_stops_the_boot_and_is_not_repeated(setting: str) -> None:
    with pytest.raises(BadSettings, match="ILM_KEY_BOX") as raised:
        open_slot(Settings(key_box=setting))

    assert setting not in str(raised.value)


def test_the_private_key_is_in_no_repr() -> None:
    assert repr(BOX) == "KeyBox()"
    assert BOX.setting not in repr(Settings(key_box=BOX.setting))
