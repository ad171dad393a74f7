"""Logs: one JSON object a line, with the ids of what is going on, and no secret in any."""

import json
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import structlog

from models.kernel.logs import MASK, about, masked

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "token",
        "access_token",
        "authorization",
        "cookie",
        "api_key",
        "apiKey",
        "secret",
        "ILM_SECRET",
        "email",
        "prompt",
    ],
)
def test_a_value_that_is_secret_by_its_name_is_masked(name: str) -> None:
    assert masked(None, "", {name: "anything"}) == {name: MASK}


@pytest.mark.parametrize(
    "secret",
    [
        "ada@example.org",
        "ilm_live_abcdefgh12345678",
        "sk-abcdefgh12345678",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    ],
)
def test_a_secret_inside_a_text_is_masked(secret: str) -> None:
    told = masked(None, "", {"event": f"went wrong for {secret}!"})

    assert told == {"event": f"went wrong for {MASK}!"}


def test_the_password_of_an_address_is_masked_and_its_host_is_not() -> None:
    told = masked(None, "", {"url": "postgresql://ilm:hunter2@db:5432/ilm"})

    assert "hunter2" not in told["url"]
    assert told["url"].endswith("@db:5432/ilm")


def test_what_is_no_secret_stays() -> None:
    event = {"event": "page.drawn", "page": 3, "took_ms": 1.5, "tokens_in": 7}

    assert masked(None, "", dict(event)) == event


def test_ids_ride_along_in_this_thread_alone_and_only_inside() -> None:
    elsewhere: list[Any] = []

    def look() -> None:
        elsewhere.append(dict(structlog.contextvars.get_contextvars()))

    with about(job_id="7"):
        inside = dict(structlog.contextvars.get_contextvars())
        other = Thread(target=look)
        other.start()
        other.join()

    assert inside["job_id"] == "7"
    assert elsewhere == [{}]
    assert "job_id" not in structlog.contextvars.get_contextvars()


def test_a_process_logs_json_to_stderr_its_libraries_included() -> None:
    code = """
import logging
from models.kernel.logs import about, get_logger, log_to_stderr
log_to_stderr("info")
with about(job_id="7"):
    get_logger("here").info("page.drawn", page=3, prompt="psst")
    logging.getLogger("a.library").warning("mail to ada@example.org")
get_logger("here").debug("too.quiet")
logging.getLogger("pika").error("chatty")
logging.getLogger("urllib3.connection").warning("https://hooks.example.org/secret")
try:
    1 / 0
except ZeroDivisionError as error:
    get_logger("here").error("http.failed", exc_info=error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    drawn, library, failed = (json.loads(line) for line in done.stderr.splitlines())

    assert done.stdout == ""
    assert drawn.items() >= {"event": "page.drawn", "page": 3, "job_id": "7"}.items()
    assert (drawn["level"], drawn["logger"], drawn["prompt"]) == ("info", "here", MASK)
    assert library["event"] == f"mail to {MASK}"
    assert library["job_id"] == "7"
    assert "ZeroDivisionError" in failed["exception"]
