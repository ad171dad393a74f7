"""What is followed over a WebSocket: the same as the event stream, whole, once, wherever from."""

import random
from typing import Any, Final

import pytest

from tests.api.conftest import Stack
from tests.api.live.conftest import Read, Submit
from tests.processes import Web, until
from tests.sockets import opened

CUTS: Final = 200
NOBODYS: Final = "job_" + "0" * 32


def test_a_job_is_told_to_the_byte_as_its_event_stream_tells_it(
    stack: Stack, me: str, job: Submit, read: Read
) -> None:
    whole = job(chunks=20, interval_ms=10)
    with opened(stack.web, me) as socket:
        live = socket.follow(whole).told()
        again = socket.follow(whole).told()

    assert live == again == read(whole)
    assert socket.last == {"type": "unsubscribed", "subject": whole, "reason": "ended"}


def test_it_goes_on_after_any_event_as_a_stream_does(
    stack: Stack, me: str, job: Submit, read: Read
) -> None:
    whole = job(chunks=6)
    ids = [number for number, _, _ in read(whole) if number]
    with opened(stack.web, me) as socket:
        for after in (*ids, "0", str(10**15)):
            told = socket.follow(whole, after=after).told()
            assert told == read(whole, **{"Last-Event-ID": after}), after


def test_many_are_followed_at_once_and_none_is_mixed_up(
    stack: Stack, me: str, job: Submit, read: Read
) -> None:
    jobs = [job(chunks=10, interval_ms=20) for _ in range(8)]
    seen: dict[str, list[str]] = {each: [] for each in jobs}
    with opened(stack.web, me) as socket:
        for number, each in enumerate(jobs):
            socket.say("subscribe", id=number, subject=each)
        while any('"end"' not in "".join(data[-1:]) for data in seen.values()):
            message = socket.hear("event", "subscribed")
            if message["type"] == "subscribed":
                assert jobs[message["id"]] == message["subject"]
            else:
                text = socket.texts[-1]
                seen[message["subject"]].append(text[text.index(',"data":') + 8 : -1])

    assert seen == {each: [data for _, _, data in read(each)] for each in jobs}


@pytest.mark.parametrize("seed", [20261121])
def test_a_connection_that_is_cut_anywhere_loses_nothing_and_doubles_nothing(
    stack: Stack, other: Web, me: str, job: Submit, read: Read, seed: int
) -> None:
    dice = random.Random(seed)
    print(f"seed {seed}")
    cuts = 0
    while cuts < CUTS:
        running = job(chunks=60, interval_ms=5)
        seen: list[Any] = []
        while not seen or '"type":"end"' not in seen[-1][2]:
            after = {"after": seen[-1][0]} if seen else {}
            with opened(dice.choice([stack.web, other]), me) as socket:
                seen += socket.follow(running, **after).told(dice.randint(1, 6))
                if dice.random() < 0.5:
                    socket.cut()
            cuts += 1
        assert seen == read(running), (seed, cuts)


def test_that_clients_go_is_no_failure(stack: Stack, me: str, job: Submit) -> None:
    web = stack.processes.web()
    running = job(chunks=2_000, interval_ms=1)
    for _ in range(CUTS // 4):
        with opened(web, me) as socket:
            socket.follow(running).told(2)
            socket.cut()
    until(lambda: logged(stack, web).count('"live.closed"') == CUTS // 4, "some are still there")

    assert '"error"' not in logged(stack, web)
    assert '"code": 1011' not in logged(stack, web)
    stack.call("POST", f"/v1/jobs/{running}/cancel", me)


def logged(stack: Stack, web: Web) -> str:
    """Return what a web process has logged."""
    (path,) = stack.home.glob(f"web-{web.address.rpartition(':')[2]}-*.log")
    return path.read_text(encoding="utf-8")


def test_what_is_not_followed_any_more_is_told_no_more(stack: Stack, me: str, job: Submit) -> None:
    running = job(chunks=1_000, interval_ms=100)
    with opened(stack.web, me) as socket:
        last = socket.follow(running).told(3)[-1]
        socket.say("unsubscribe", id="enough", subject=running)
        answer = socket.hear("unsubscribed")
        assert answer == {
            "type": "unsubscribed", "id": "enough", "subject": running, "reason": "asked",
        }  # fmt: skip
        assert socket.say("ping", id=1).hear() == {"type": "pong", "id": 1}
        assert socket.follow(running, after=last[0]).told(1)
    stack.call("POST", f"/v1/jobs/{running}/cancel", me)


def test_of_what_is_anothers_there_is_nothing(stack: Stack, me: str, job: Submit) -> None:
    mine = job()
    chat = stack.call("POST", "/v1/chats", me, json={}).json()["id"]
    with opened(stack.web, stack.newcomer()) as socket:
        for subject in (mine, chat, NOBODYS, "job_1", "book_1", "", "x" * 99, "chat_'; --"):
            wanted = "NOT_FOUND" if subject else "VALIDATION_ERROR"
            assert socket.refused("subscribe", subject=subject) == wanted, subject
        assert socket.say("ping").hear()["type"] == "pong"


def test_what_a_test_key_made_is_not_there_for_a_live_one(
    stack: Stack, me: str, job: Submit
) -> None:
    mine = job()
    body = {"name": "sandbox", "mode": "test"}
    key = stack.call("POST", "/v1/api-keys", me, json=body).json()["key"]
    with opened(stack.web, key) as socket:
        assert socket.refused("subscribe", subject=mine) == "NOT_FOUND"


@pytest.mark.parametrize(
    ("scope", "subject"), [("chats:read", "job_"), ("jobs:read", "chat_")], ids=["jobs", "chats"]
)
def test_a_key_follows_what_its_scopes_let_it_read(
    stack: Stack, me: str, scope: str, subject: str
) -> None:
    body = {"name": "one", "scopes": [scope]}
    key = stack.call("POST", "/v1/api-keys", me, json=body).json()["key"]
    with opened(stack.web, key) as socket:
        refused = socket.refused("subscribe", subject=subject + "0" * 32)
        other = "chat_" if subject == "job_" else "job_"
        assert refused == "INSUFFICIENT_PERMISSIONS"
        assert socket.refused("subscribe", subject=other + "0" * 32) == "NOT_FOUND"


def test_errors_have_the_shape_of_every_route_and_name_what_they_answer(
    stack: Stack, me: str
) -> None:
    missing = stack.call("GET", f"/v1/jobs/{NOBODYS}", me).json()["error"]
    with opened(stack.web, me, headers={"X-Request-ID": "mine"}) as socket:
        told = socket.say("subscribe", id="a", subject=NOBODYS).hear()

    assert (told["id"], told["subject"], set(told["error"])) == ("a", NOBODYS, set(missing))
    same = ("code", "message", "details", "documentation")
    assert {name: told["error"][name] for name in same} == {name: missing[name] for name in same}
    assert told["error"]["requestId"] == "mine"
    assert socket.ws.response is not None
    assert socket.ws.response.headers["X-Request-ID"] == "mine"


SUBSCRIBE: Final = '{"type":"subscribe","id":7,"subject":"job_1"'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "INVALID_REQUEST"),
        ("{", "INVALID_REQUEST"),
        (b"\x00\xff", "INVALID_REQUEST"),
        ("[" * 60_000, "INVALID_REQUEST"),
        ("[]", "VALIDATION_ERROR"),
        ("NaN", "INVALID_REQUEST"),
        ('{"type":["ping"]}', "VALIDATION_ERROR"),
        ('{"type":"shout"}', "VALIDATION_ERROR"),
        ('{"type":"ping","id":true}', "VALIDATION_ERROR"),
        ('{"type":"ping","id":"\\ud800"}', "VALIDATION_ERROR"),
        ('{"type":"ping","extra":1}', "VALIDATION_ERROR"),
        (f'{SUBSCRIBE},"after":7}}', "VALIDATION_ERROR"),
        (SUBSCRIBE.replace("job_1", NOBODYS) + ',"after":"-1"}', "VALIDATION_ERROR"),
        (SUBSCRIBE.replace("job_1", NOBODYS) + ',"after":"9999999999999999"}', "VALIDATION_ERROR"),
    ],
)
def test_what_makes_no_sense_is_answered_and_ends_nothing(
    stack: Stack, me: str, text: str | bytes, code: str
) -> None:
    with opened(stack.web, me) as socket:
        socket.ws.send(text)
        told = socket.hear()
        assert (told["type"], told["error"]["code"]) == ("error", code)
        assert told.get("id") in {None, 7}
        assert socket.say("ping").hear()["type"] == "pong"


def test_one_subject_is_followed_once(stack: Stack, me: str, job: Submit) -> None:
    running = job(chunks=1_000, interval_ms=1_000)
    with opened(stack.web, me) as socket:
        socket.follow(running)
        dashed = "job_" + "-".join(
            (running[4:12], running[12:16], running[16:20], running[20:24], running[24:])
        )
        assert socket.refused("subscribe", subject=running) == "CONFLICT"
        assert socket.refused("subscribe", subject=dashed) == "CONFLICT"
    stack.call("POST", f"/v1/jobs/{running}/cancel", me)
