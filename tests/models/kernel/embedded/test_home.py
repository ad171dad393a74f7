"""The home: one supervisor at a time, and addresses that last."""

import socket
from pathlib import Path

import pytest

from models.kernel.embedded.home import CannotStart, Home, is_taken


def test_a_server_keeps_its_address(home: Path) -> None:
    first = Home(home).seat("postgres")

    assert Home(home).seat("postgres") == first
    assert Home(home).seated("postgres") == first


def test_a_server_whose_port_is_taken_gets_another_and_keeps_its_password(home: Path) -> None:
    first = Home(home).seat("postgres")
    with socket.create_server(("127.0.0.1", first.port)):
        second = Home(home).seat("postgres")

    assert second.port != first.port
    assert second.password == first.password
    assert not is_taken(second.port)


def test_a_server_that_never_ran_here_has_no_address(home: Path) -> None:
    with pytest.raises(CannotStart, match="never been started"):
        Home(home).seated("valkey")


def test_taking_the_home_empties_its_temporary_folder(home: Path) -> None:
    with Home(home).locked():
        (home / "tmp" / "left").write_text("over")

    with Home(home).locked():
        assert not list((home / "tmp").iterdir())


def test_a_home_is_locked_while_it_is_held_and_not_after(home: Path) -> None:
    assert not Home(home).is_locked()
    with Home(home).locked():
        assert Home(home).is_locked()
        with pytest.raises(CannotStart, match="in use"), Home(home).locked():
            pass
    assert not Home(home).is_locked()


def test_a_log_that_has_grown_is_set_aside(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.kernel.embedded.home.LOG_BYTES", 10)
    Home(home).log("postgres").write_text("more than ten bytes")

    assert not Home(home).log("postgres").read_text()
    assert (home / "postgres.log.1").read_text() == "more than ten bytes"
