"""How connections end: credentials that end, bounds that are passed, processes that go (G-26)."""

import json
import signal
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any, Final

import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from models.kernel.database import Pool
from models.kernel.settings import Settings
from tests.api.conftest import Stack
from tests.api.live.conftest import NARROW, Read, Submit
from tests.api.live.narrow import CROWDED
from tests.api.live.test_openings import browsing
from tests.processes import Web, until
from tests.relay import Relay
from tests.sockets import opened

PATIENCE: Final = 60
LARGE: Final = 64 * 2**10
SUSPEND: Final = "update person set status = 'suspended' where email = %s"


def me_of(stack: Stack, token: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.call("GET", "/v1/users/me", token).json()
    return found


def test_a_logout_ends_it(stack: Stack, crowded: Web) -> None:
    token = stack.newcomer()
    with opened(crowded, token) as socket:
        stack.call("POST", "/v1/auth/logout", token)
        assert socket.hear("error")["error"]["code"] == "UNAUTHORIZED"
        assert socket.closed() == 4401


def test_a_logout_ends_what_a_page_opened_by_its_cookie(stack: Stack, crowded: Web) -> None:
    token, cookie = browsing(stack)
    with opened(crowded, headers={"Cookie": cookie, "Origin": crowded.address}) as socket:
        assert socket.hear()["type"] == "ready"
        stack.call("POST", "/v1/auth/logout", token)
        assert socket.closed() == 4401


def test_a_login_that_idles_ends_what_a_page_opened_by_its_cookie(
    stack: Stack, crowded: Web, database_of: Pool
) -> None:
    """A-07, X-22: whatever the age of the cookie."""
    _, cookie = browsing(stack)
    page = {"Cookie": cookie, "Origin": crowded.address}
    with opened(crowded, headers=page) as socket:
        assert socket.hear()["type"] == "ready"
        database_of.rows("update login_session set rotated_at = now() - interval '9 hours'")
        assert socket.closed() == 4401
    with opened(crowded, headers=page) as late:
        assert late.closed() == 4401


def test_a_key_that_is_revoked_ends_it_in_the_middle(
    stack: Stack, crowded: Web, me: str, job: Submit
) -> None:
    key = stack.call("POST", "/v1/api-keys", me, json={"name": "gone"}).json()
    running = job(chunks=1_000, interval_ms=20)
    with opened(crowded, key["key"]) as socket, opened(crowded, me) as stays:
        socket.follow(running).told(3)
        stack.call("DELETE", f"/v1/api-keys/{key['id']}", me)
        assert socket.closed() == 4401
        assert stays.say("ping").hear("pong")
    stack.call("POST", f"/v1/jobs/{running}/cancel", me)


def test_a_person_who_is_suspended_is_shown_out(
    stack: Stack, crowded: Web, database_of: Pool
) -> None:
    token = stack.newcomer()
    with opened(crowded, token) as socket:
        database_of.rows(SUSPEND, (me_of(stack, token)["email"],))
        assert socket.closed() == 4401


def test_who_leaves_an_organization_acts_for_it_no_more(
    stack: Stack, crowded: Web, database_of: Pool
) -> None:
    token = stack.newcomer()
    place = stack.call("POST", "/v1/organizations", token, json={"name": "A"}).json()["id"]
    acts = {"headers": {"X-Organization": place}}
    with opened(crowded, token, **acts) as acting, opened(crowded, token) as alone:
        account_id = place.removeprefix("org_")
        database_of.rows("delete from membership where account_id = %s", (account_id,))
        assert acting.closed() == 4401
        assert alone.say("ping").hear("pong")
    with opened(crowded, token, is_ready=False, headers={"X-Organization": place}) as refused:
        assert refused.hear()["error"]["code"] == "NOT_FOUND"
        assert refused.closed() == 4403


def test_a_key_that_ends_by_itself_ends_it(
    stack: Stack, crowded: Web, me: str, database_of: Pool
) -> None:
    key = stack.call("POST", "/v1/api-keys", me, json={"name": "short"}).json()
    with opened(crowded, key["key"]) as socket:
        database_of.rows(
            "update api_key set expires_at = now() where prefix = %s", (key["prefix"],)
        )
        assert socket.closed() == 4401


@pytest.mark.parametrize("kind", ["text", "binary", "pieces"])
def test_a_message_that_is_too_large_ends_it(stack: Stack, me: str, kind: str) -> None:
    large = " " * (LARGE + 1)
    said = {"text": large, "binary": large.encode(), "pieces": [large[:LARGE], large[LARGE:]]}
    with opened(stack.web, me) as socket:
        with suppress(ConnectionClosed):  # by its last piece
            socket.ws.send(said[kind])
        assert socket.closed() == 1009
    with opened(stack.web, me) as socket:
        socket.ws.send('{"type":"ping"}'.ljust(LARGE))
        assert socket.hear() == {"type": "pong"}


def test_too_many_messages_end_it(stack: Stack, crowded: Web) -> None:
    with opened(crowded, stack.newcomer()) as socket:
        for _ in range(CROWDED.messages):
            assert socket.say("ping").hear("pong")
        assert socket.refused("ping") == "RATE_LIMIT_EXCEEDED"
        assert socket.closed() == 4429


def test_one_connection_follows_so_many_and_no_more(
    stack: Stack, crowded: Web, me: str, job: Submit
) -> None:
    running = [job(chunks=1_000, interval_ms=1_000) for _ in range(CROWDED.subjects + 1)]
    with opened(crowded, me) as socket:
        for each in running[:-1]:
            socket.say("subscribe", subject=each).hear("subscribed")
        assert socket.refused("subscribe", subject=running[-1]) == "RATE_LIMIT_EXCEEDED"
        socket.say("unsubscribe", subject=running[0]).hear("unsubscribed")
        socket.say("subscribe", subject=running[-1]).hear("subscribed")
    for each in running:
        stack.call("POST", f"/v1/jobs/{each}/cancel", me)


def test_one_person_and_one_process_have_so_many_and_no_more(stack: Stack) -> None:
    web = stack.processes.web(f"{NARROW}:crowded()")
    with ExitStack() as stacked:
        for number in range(CROWDED.per_process // CROWDED.per_person):
            token = stack.newcomer()
            for _ in range(CROWDED.per_person):
                stacked.enter_context(opened(web, token))
            if number == 0:
                with opened(web, token, is_ready=False) as socket:
                    assert socket.hear()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
                    assert socket.closed() == 4429
        with opened(web, stack.newcomer(), is_ready=False) as socket:
            assert socket.hear()["error"]["code"] == "SERVICE_UNAVAILABLE"
            assert socket.closed() == 1013


def test_who_is_silent_is_parted_with_and_who_answers_is_not(stack: Stack, hasty: Web) -> None:
    with opened(hasty, stack.newcomer()) as silent, opened(hasty, stack.newcomer()) as alive:
        with ThreadPoolExecutor(1) as threads:
            ended = threads.submit(silent.closed)
            while not ended.done():
                alive.hear("ping")
                alive.say("pong")
            assert ended.result() == 4408
        assert alive.say("ping").hear("pong")


def test_a_client_that_does_not_read_slows_nobody_and_is_cut_off(
    stack: Stack, blunt: Web, me: str, job: Submit, read: Read
) -> None:
    running = [job(chunks=5_000, text="x" * 50_000) for _ in range(3)]
    whole = [read(each) for each in running]
    quick = job(chunks=50, interval_ms=10)
    process = psutil.Process(web_pid(blunt))
    deaf = {"max_queue": 1, "ping_interval": None, "close_timeout": 1}
    with narrow_line(blunt) as line, opened(blunt, me, sock=line, **deaf) as slow:
        port = line.getsockname()[1]
        for each in running:
            slow.say("subscribe", subject=each)
        with opened(blunt, me) as fast:
            assert fast.follow(quick).told() == read(quick)
            until(lambda: port not in ports_of(process), "its line is still there")
            assert fast.say("ping").hear("pong")
    until(lambda: closed_with(stack, blunt) == {4409: 1, 1006: 1}, "it ended otherwise")
    with opened(stack.web, me) as again:
        assert again.follow(running[0]).told() == whole[0]


def narrow_line(web: Web) -> socket.socket:
    """Return a line that takes little at a time."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    host, _, port = web.address.removeprefix("http://").partition(":")
    line.connect((host, int(port)))
    return line


def closed_with(stack: Stack, web: Web) -> dict[int, int]:
    """Return with which codes the connections of a process have ended, by its log."""
    (log,) = (
        path.read_text() for path in stack.home.glob(f"web-{web.address.rpartition(':')[2]}-*.log")
    )
    lines = [json.loads(line) for line in log.splitlines() if '"live.closed"' in line]
    return dict(Counter(line["code"] for line in lines))


def web_pid(web: Web) -> int:
    """Return the process that serves, which gunicorn started."""
    (served,) = psutil.Process(web.process.pid).children()
    return int(served.pid)


def ports_of(process: psutil.Process) -> set[int]:
    """Return the ports at the other end of a process's connections."""
    return {each.raddr.port for each in process.net_connections("tcp") if each.raddr}


def test_a_process_that_is_told_to_stop_sends_its_clients_elsewhere(
    stack: Stack, me: str, job: Submit, read: Read
) -> None:
    leaving = stack.processes.web()
    running = job(chunks=1_000, interval_ms=100)
    with opened(leaving, me) as socket, opened(leaving, me) as idle, opened(leaving) as unknown:
        seen = socket.follow(running).told(4)
        leaving.process.send_signal(signal.SIGTERM)
        seen += [each for each in socket.told() if each[0]]
        assert socket.last["reason"] == "interrupted"
        assert [socket.closed(), idle.closed(), unknown.closed()] == [1012] * 3

    assert leaving.process.wait(PATIENCE) == 0
    with opened(stack.web, me) as elsewhere:
        seen += elsewhere.follow(running, after=seen[-1][0]).told(4)
        stack.call("POST", f"/v1/jobs/{running}/cancel", me)
        seen += elsewhere.told()
    assert seen == read(running)


def test_nothing_is_lost_while_redis_is_away(
    stack: Stack, settings: Settings, me: str, job: Submit, read: Read
) -> None:
    with Relay(settings.redis_url) as relay:
        web = stack.processes.web(REDIS_URL=relay.url)
        running = job(chunks=100, interval_ms=30)
        with opened(web, me) as socket:
            seen = socket.follow(running).told(5)
            relay.cut()
            with opened(stack.web, me) as near:
                near.follow(running, after=seen[-1][0]).told(10)
            relay.mend()
            seen += socket.told()
        web.process.send_signal(signal.SIGTERM)
        assert web.process.wait(PATIENCE) == 0
    assert seen == read(running)


@pytest.fixture
def database_of(stack: Stack, pools: tuple[Pool, Pool]) -> Pool:
    """The owner's way to the rows of the stack."""
    return pools[1]
