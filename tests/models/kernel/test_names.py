"""Names are looked up within a limit of time, and a dead one holds up nobody else."""

import socket
from threading import Event

import pytest

from models.kernel.names import Names
from tests.processes import until


def test_many_who_ask_for_a_dead_name_wait_for_one_look_and_nobody_else_does() -> None:
    asked: list[str] = []
    over = Event()

    def look_up(name: str) -> list[str]:
        asked.append(name)
        if name == "dead.example":
            over.wait()
        return ["192.0.2.1"]

    names = Names(look_up, most=2)
    for _ in range(8):
        with pytest.raises(TimeoutError):
            names.addresses("dead.example", 0.02)
        until(lambda: asked, "nobody looks")
    assert [str(each) for each in names.addresses("living.example", 60)] == ["192.0.2.1"]
    over.set()
    assert asked == ["dead.example", "living.example"]


def test_no_more_names_are_waited_for_at_once_than_may_be() -> None:
    over = Event()
    asked: list[str] = []

    def look_up(name: str) -> list[str]:
        asked.append(name)
        over.wait()
        return []

    names = Names(look_up, most=2)
    for count, name in enumerate(("a.example", "b.example", "c.example"), 1):
        with pytest.raises(TimeoutError):
            names.addresses(name, 0.05)
        until(lambda count=count: len(asked) == min(count, 2), "nobody looks")
    over.set()
    assert asked == ["a.example", "b.example"]


def test_a_name_is_asked_for_anew_once_it_was_answered() -> None:
    rounds = [["192.0.2.1"], ["192.0.2.2", "2001:db8::1"]]
    names = Names(lambda _: rounds.pop(0))

    assert [str(each) for each in names.addresses("a.example", 60)] == ["192.0.2.1"]
    assert [str(each) for each in names.addresses("a.example", 60)] == ["192.0.2.2", "2001:db8::1"]


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64 + ".example"])
def test_what_is_no_name_means_nothing(name: str) -> None:
    with pytest.raises(socket.gaierror):
        Names().addresses(name, 60)


def test_this_machine_is_known_by_its_name() -> None:
    assert any(each.is_loopback for each in Names().addresses("localhost", 60))
