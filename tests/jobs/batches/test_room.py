"""The room: bounded, and divided evenly among the batches in it."""

from threading import Barrier, Event

from jobs.batches.room import Room
from tests.processes import until


def test_no_more_lines_are_asked_at_once_than_there_are_places() -> None:
    room, go = Room(3), Event()
    asked = [room.start(lambda: go.wait(60) and None) for _ in range(3) if room.admits(0)]

    assert len(asked) == 3
    assert not room.admits(0)
    go.set()
    until(lambda: room.admits(0), "no place is given back")
    room.close()


def test_a_batch_alone_has_every_place_and_two_have_half_each() -> None:
    room, go, inside = Room(4), Event(), Barrier(3)

    def batch() -> None:
        inside.wait(60)
        go.wait(60)

    assert room.admits(3)
    assert room.host(batch)
    assert room.admits(3)
    assert room.host(batch)
    inside.wait(60)
    assert room.admits(1)
    assert not room.admits(2)
    go.set()
    until(lambda: room.admits(3), "they do not leave")
    room.close()


def test_a_batch_for_which_there_is_no_place_is_turned_away() -> None:
    room, go = Room(1), Event()

    assert room.host(lambda: go.wait(60) and None)
    assert not room.host(lambda: None)
    go.set()
    until(lambda: room.host(lambda: None), "no place is given back")
    room.close()
