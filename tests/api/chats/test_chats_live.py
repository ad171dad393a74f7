"""Answers over a WebSocket: the same as the stream of the chat, to the byte (G-26, X-9)."""

import random
from typing import Any

import pytest

from tests.api.chats.conftest import LLM, Chatter
from tests.fakes.vendor.scripts import Script
from tests.gateway import Gateway
from tests.sockets import Event, events_of, opened

WORDS = " ".join(f"word{number}" for number in range(40))
CUTS = 30


def streamed(ada: Chatter, **headers: str) -> list[Event]:
    """Return the stream of the last answer, as it comes without a WebSocket."""
    frames: list[list[str]] = [[]]
    told = ada.resume(None, headers=headers).whole()
    for line in told.lines:
        if line:
            frames[-1].append(line)
        else:
            frames.append([])
    return list(events_of(iter(frames)))


def subject_of(ada: Chatter) -> str:
    return ada.chat.rpartition("/")[2]


@pytest.mark.parametrize("recovery", ["error", "restart"])
def test_an_answer_is_told_to_the_byte_while_it_is_written_and_after(
    ada: Chatter, running: Gateway, recovery: str
) -> None:
    running.vendor.script(LLM, Script(text=WORDS, pace=0.03))
    ada.stream().until("chunk", 2)
    with opened(running.web, ada.key) as socket:
        live = socket.follow(subject_of(ada), recovery=recovery).told()
        again = socket.follow(subject_of(ada), recovery=recovery).told()

    assert again == streamed(ada, **{"X-Ilm-Recovery": recovery})
    assert live[-1] == again[-1]
    assert "".join(data for _, _, data in live).count("word39") == 1


@pytest.mark.parametrize("seed", [11])
def test_an_answer_is_resumed_after_any_of_its_events(
    ada: Chatter, running: Gateway, seed: int
) -> None:
    running.vendor.script(LLM, Script(text=WORDS, pace=0.01))
    ada.stream().whole()
    whole: list[Any] = streamed(ada)
    numbers = [number for number, _, _ in whole if number]
    dice = random.Random(seed)
    other = running.processes.web()
    for _ in range(CUTS):
        after = dice.choice(numbers[:-1])
        with opened(dice.choice([running.web, other]), ada.key) as socket:
            rest = socket.follow(subject_of(ada), after=after).told()
        assert rest == streamed(ada, **{"Last-Event-ID": after}), (seed, after)


def test_a_chat_without_an_answer_and_one_that_is_deleted_have_nothing_to_tell(
    ada: Chatter, bob: Chatter, running: Gateway
) -> None:
    with opened(running.web, ada.key) as socket:
        assert socket.refused("subscribe", subject=subject_of(ada)) == "NOT_FOUND"
        assert socket.refused("subscribe", subject=subject_of(bob)) == "NOT_FOUND"
        ada.send("DELETE", "")
        assert socket.refused("subscribe", subject=subject_of(ada)) == "RESOURCE_DELETED"
