"""The web process as it is really run: gunicorn, a socket, signals."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from models.kernel.settings import Settings, environment
from tests.processes import until

DEADLINE_SECONDS = 60
COMMAND = [sys.executable, "-m", "gunicorn", "-c", "api/gunicorn_conf.py", "api.app:build()"]
HEAVY = ("pymupdf", "fitz", "PIL", "openai", "anthropic", "markdown")


@dataclass
class Web:
    """A running web process and its address."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def connect(self) -> socket.socket:
        host, port = self.url.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS)


def is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=5).status_code == 200
    except (requests.ConnectionError, requests.Timeout):
        return False


@pytest.fixture
def web(database: object, settings: Settings, tmp_path) -> Iterator[Web]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    urls = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    ours = {**urls, "ILM_HOME": str(tmp_path), "ILM_PORT": str(port)}
    log = tmp_path / "web.log"
    with log.open("wb") as file:
        process = subprocess.Popen(COMMAND, env={**environment(), **ours}, stderr=file)
    served = Web(process, f"http://127.0.0.1:{port}", log)
    try:
        until(lambda: process.poll() is not None or is_up(served.url), "it does not serve")
        yield served
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)


def test_a_whole_round_over_a_socket(web):
    email = {"email": "socket@example.org", "password": "correct horse"}
    requests.post(f"{web.url}/v1/auth/register", json=email, timeout=60)
    login = requests.post(f"{web.url}/v1/auth/login", json=email, timeout=60).json()
    bearer = {"Authorization": f"Bearer {login['access_token']}"}

    me = requests.get(f"{web.url}/v1/users/me", headers=bearer, timeout=60)

    assert me.json()["email"] == email["email"]


def test_a_forwarded_scheme_is_not_believed_by_the_server_either(web):
    answer = requests.get(f"{web.url}/docs", headers={"X-Forwarded-Proto": "https"}, timeout=60)

    assert "Strict-Transport-Security" not in answer.headers


def test_odd_paths_are_answered_and_not_with_500(web):
    for path in ("/%00", "/%ff", "/errors/%00", "/v1/api-keys/%00", "/v1/users/me?%ff=%00"):
        assert 400 <= requests.get(web.url + path, timeout=60).status_code < 500


def test_a_body_longer_than_it_says_is_bounded_without_a_length(web):
    def endless():
        for _ in range(40):
            yield b" " * 65_536

    answer = requests.post(
        f"{web.url}/v1/auth/login",
        data=endless(),
        headers={"Content-Type": "application/json"},
        timeout=60,
    )

    assert answer.status_code == 413


def test_sigterm_lets_a_request_in_flight_end_and_refuses_the_next(web):
    head = b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with web.connect() as slow, web.connect() as idle:
        slow.sendall(head + b"Content-Length: 2\r\n\r\n{")
        idle.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in answer_on(idle)  # what came later was answered: the slow one is read
        web.process.send_signal(signal.SIGTERM)
        refused = ask_until_refused(idle)
        until(lambda: b"web.draining" in web.log.read_bytes(), "it does not drain")
        slow.sendall(b"}")
        answered = answer_on(slow)

    assert refused == b"" or b"connection: close" in refused.lower()
    assert b"VALIDATION_ERROR" in answered
    assert web.process.wait(DEADLINE_SECONDS) == 0


def answer_on(line: socket.socket) -> bytes:
    """Return the next answer on a connection, whole; what there is of it, where that ends."""
    read = b""
    while not is_whole(read) and (piece := line.recv(65_536)):
        read += piece
    return read


def is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    return bool(end) and len(body) >= int(length[1] if length else 0)


def ask_until_refused(idle: socket.socket) -> bytes:
    """Ask on one connection until it is refused, or closed between two requests."""
    answer = b"200 OK"
    while b"200 OK" in answer:
        try:
            idle.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = answer_on(idle)
        except ConnectionError:
            return b""
    return answer


def test_the_front_loads_nothing_heavy():
    told = f"import sys, api.app; print([m for m in {HEAVY} if m in sys.modules])"

    printed = subprocess.run(
        [sys.executable, "-c", told], check=True, capture_output=True, env=environment()
    )

    assert printed.stdout.strip() == b"[]"
