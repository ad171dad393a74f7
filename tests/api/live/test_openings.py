"""Who may open a WebSocket, how they say who they are, and whose pages may (G-26)."""

import json
from typing import Any, Final

import pytest
import requests
from websockets.exceptions import InvalidStatus

from models.kernel.settings import Settings
from tests.api.conftest import PASSWORD, Stack, address
from tests.api.live.conftest import Submit
from tests.processes import Web, until
from tests.sockets import PATH, Socket, opened

FOREIGN: Final = "https://evil.example"
MINUTELY: Final = 12
WRONG: Final = f"ilm_live_{'x' * 43}"


def key_of(stack: Stack, token: str, **wish: Any) -> str:
    body = {"name": "live", **wish}
    return str(stack.call("POST", "/v1/api-keys", token, json=body).json()["key"])


def status_of(web: Web, token: str = "", **options: Any) -> int:
    """Return the status with which an opening is refused."""
    with pytest.raises(InvalidStatus) as refused, opened(web, token, **options):
        pass
    return int(refused.value.response.status_code)


def browsing(stack: Stack) -> tuple[str, str]:
    """Log somebody in at a browser; return their token, and what it sends to the WebSocket."""
    body = {"email": address(), "password": PASSWORD}
    stack.call("POST", "/v1/auth/register", "", json=body)
    with requests.Session() as session:
        url = f"{stack.web.address}/v1/auth/login"
        answer = session.post(url, json={**body, "cookie": True}, timeout=60)
        kept = [each for each in session.cookies if each.path == PATH]
    assert [each.name for each in kept] == ["ilm_live"]
    return str(answer.json()["access_token"]), f"ilm_live={kept[0].value}"


def test_a_key_or_a_token_in_a_header_opens_it(stack: Stack, me: str) -> None:
    key = key_of(stack, me)
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        with opened(stack.web, headers=headers) as socket:
            assert socket.hear() == {"type": "ready", "pingSeconds": 15, "silenceSeconds": 60}


def test_the_first_message_may_say_who_it_is(stack: Stack, me: str, job: Submit) -> None:
    running = job()
    with opened(stack.web) as socket:
        assert (
            socket.say("auth", id=1, token=me).hear().items() >= {"type": "ready", "id": 1}.items()
        )
        assert socket.follow(running).told()


@pytest.mark.parametrize(
    ("first", "code", "end"),
    [
        ({"type": "auth", "token": WRONG}, "UNAUTHORIZED", 4401),
        ({"type": "auth", "token": "eyJhbGciOiJub25lIn0.e30."}, "UNAUTHORIZED", 4401),
        ({"type": "auth", "token": "é" * 50}, "UNAUTHORIZED", 4401),
        ({"type": "auth"}, "VALIDATION_ERROR", 1008),
        ({"type": "subscribe", "subject": "job_1"}, "UNAUTHORIZED", 4401),
        ({"type": "ping"}, "UNAUTHORIZED", 4401),
        ([], "VALIDATION_ERROR", 1008),
    ],
)
def test_who_does_not_say_so_is_shown_out(stack: Stack, first: object, code: str, end: int) -> None:
    with opened(stack.web) as socket:
        socket.ws.send(json.dumps(first))
        assert socket.hear()["error"]["code"] == code
        assert socket.closed() == end


def test_who_says_nothing_is_shown_out(hasty: Web) -> None:
    with opened(hasty) as socket:
        assert socket.hear()["error"]["code"] == "UNAUTHORIZED"
        assert socket.closed() == 4401


def test_a_credential_that_does_not_hold_is_told_so(stack: Stack) -> None:
    with opened(stack.web, WRONG, is_ready=False) as socket:
        assert socket.hear()["error"]["code"] == "UNAUTHORIZED"
        assert socket.closed() == 4401


def test_a_key_that_is_bound_to_other_addresses_is_refused(stack: Stack, me: str) -> None:
    key = key_of(stack, me, ipAllow=["192.0.2.0/24"])
    with opened(stack.web, key, is_ready=False) as socket:
        assert socket.hear()["error"]["code"] == "FORBIDDEN"
        assert socket.closed() == 4403


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://127.0.0.1", "", "http://"])
def test_a_page_of_somebody_else_opens_nothing(stack: Stack, me: str, origin: str) -> None:
    _, cookie = browsing(stack)
    for headers in ({"Cookie": cookie}, {}):
        told = {**headers, "Origin": origin}
        assert status_of(stack.web, headers=told) == 403
    assert status_of(stack.web, me, headers={"Origin": origin}) == 403


def test_a_page_of_ours_opens_it_by_its_login(stack: Stack) -> None:
    _, cookie = browsing(stack)
    with opened(stack.web, headers={"Cookie": cookie, "Origin": stack.web.address}) as socket:
        assert socket.hear()["type"] == "ready"


def test_the_cookie_is_not_believed_without_a_page_of_ours(stack: Stack) -> None:
    _, cookie = browsing(stack)
    anywhere = stack.processes.web(ILM_CORS_ORIGINS="*")
    for headers in ({}, {"Origin": FOREIGN}):
        with opened(anywhere, headers={"Cookie": cookie, **headers}) as socket:
            assert socket.say("ping").hear()["error"]["code"] == "UNAUTHORIZED"
    name, _, value = cookie.partition("=")
    forged = f"{name}={value.translate(str.maketrans('0123456789', '1234567890'))}"
    with opened(stack.web, headers={"Cookie": forged, "Origin": stack.web.address}) as socket:
        assert socket.say("ping").hear()["error"]["code"] == "UNAUTHORIZED"


def test_a_page_that_the_settings_name_opens_it(stack: Stack) -> None:
    _, cookie = browsing(stack)
    friend = stack.processes.web(ILM_CORS_ORIGINS="https://friend.example")
    headers = {"Cookie": cookie, "Origin": "https://friend.example"}
    with opened(friend, headers=headers) as socket:
        assert socket.hear()["type"] == "ready"
    assert status_of(friend, headers={**headers, "Origin": FOREIGN}) == 403


def test_plain_http_is_refused_where_clients_use_https(stack: Stack, me: str) -> None:
    secure = stack.processes.web(
        ILM_PUBLIC_URL="https://ilm.example", ILM_TRUSTED_PROXIES="127.0.0.0/8"
    )
    behind, key = {"X-Forwarded-For": "192.0.2.7"}, key_of(stack, me)
    assert status_of(secure, key, headers={**behind, "X-Forwarded-Proto": "http"}) == 403
    with opened(secure, key, headers={**behind, "X-Forwarded-Proto": "https"}):
        pass


def test_another_persons_credential_does_not_take_a_connection_over(stack: Stack, me: str) -> None:
    with opened(stack.web, me) as socket:
        assert socket.refused("auth", id=1, token=stack.newcomer()) == "FORBIDDEN"
        assert socket.say("auth", id=2, token=key_of(stack, me)).hear()["type"] == "ready"
        assert socket.refused("auth", token=WRONG) == "UNAUTHORIZED"
        assert socket.closed() == 4401


def test_openings_count_among_the_requests_of_a_minute(stack: Stack) -> None:
    limited = stack.processes.web(ILM_RATE_LIMITS="on")
    key = key_of(stack, stack.newcomer(), rateLimitPerMinute=MINUTELY)
    told: dict[str, Any] = {"type": "ready"}
    openings = 0
    while told["type"] == "ready" and openings <= MINUTELY:
        with opened(limited, key, is_ready=False) as socket:
            told, openings = socket.hear(), openings + 1
            if told["type"] == "error":
                assert socket.closed() == 4429

    assert told["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert told["retryAfter"] > 0


def test_a_plain_request_is_told_to_upgrade(stack: Stack, me: str) -> None:
    answer = stack.call("GET", PATH, me)

    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
    assert answer.json()["error"]["code"] == "UPGRADE_REQUIRED"


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/nothing", "/v1/live/x"])
def test_no_other_path_takes_a_socket(stack: Stack, me: str, path: str) -> None:
    elsewhere = Web(stack.web.address, stack.web.process)
    elsewhere.address = f"{stack.web.address}{path}?"
    with pytest.raises(InvalidStatus) as refused, opened(elsewhere, me):
        pass
    assert refused.value.response.status_code == 403


def test_what_happens_is_counted_and_logged_without_a_secret(
    stack: Stack, settings: Settings, me: str, job: Submit
) -> None:
    web = stack.processes.web()

    def counted(name: str) -> float:
        lines = requests.get(f"{web.address}/metrics", timeout=60).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def opened_now() -> bool:
        return counted("ilm_live_connections") == 1

    before = counted("ilm_live_events_total")
    with opened(web, me) as socket:
        told = socket.follow(job()).told()
        until(opened_now, "the open one is not counted")
        assert counted("ilm_live_events_total") - before == len(told)
    until(lambda: counted("ilm_live_connections") == 0, "the closed one is counted")
    assert counted('ilm_live_closed_total{code="1006"}') >= 1

    (log,) = (
        path.read_text() for path in stack.home.glob(f"web-{web.address.rpartition(':')[2]}-*.log")
    )
    lines = [json.loads(line) for line in log.splitlines() if '"/v1/live"' in line]
    assert lines[0].items() >= {"event": "http.request", "status": 101, "method": "GET"}.items()
    closed = [json.loads(line) for line in log.splitlines() if '"live.closed"' in line]
    assert closed[0].items() >= {"code": 1006, "events": len(told)}.items()
    assert me not in log


def test_said_to_a_socket_is_what_the_reference_names(stack: Stack) -> None:
    document = requests.get(f"{stack.web.address}/v1/openapi.json", timeout=60).json()
    told = document["paths"][PATH]["get"]

    assert set(told["responses"]) >= {"101", "401", "426", "429"}
    assert Socket.__doc__
