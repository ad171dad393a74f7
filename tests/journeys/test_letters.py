"""From the door to the letterbox: what we send is what proves, with real processes in between."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import requests

from models.kernel.database import Pool
from models.kernel.settings import Settings
from tests.processes import Processes, Web, until

EMAIL = "ada@example.org"
PASSWORD = "correct horse battery"
NEW = "another long sentence"


@pytest.fixture
def web(database: Pool, settings: Settings, tmp_path: Path) -> Iterator[Web]:
    """One web process and the worker that sends letters, which leaves them in a folder."""
    home = {"ILM_HOME": str(tmp_path), "ILM_REQUIRE_VERIFIED_EMAIL": "on"}
    with Processes(settings, tmp_path, **home) as processes:
        processes.worker("default")
        yield processes.web()


def token_of(subject: str, folder: Path) -> str:
    """Wait for a letter; return the line of it that stands alone and is no link."""
    found: list[str] = []

    def look() -> bool:
        letters = [message_from_bytes(p.read_bytes(), policy=policy.default) for p in mails()]
        found[:] = [letter.get_content() for letter in letters if letter["Subject"] == subject]
        return bool(found)

    def mails() -> Iterator[Path]:
        return (folder / "mail").glob("*.eml")

    until(look, f"no letter is called {subject}")
    lines = (line for line in found[0].splitlines() if line and " " not in line)
    return next(line for line in lines if "://" not in line)


def test_an_address_is_verified_and_a_password_chosen_anew_by_letters_alone(web, tmp_path):
    def post(path: str, **body: str) -> requests.Response:
        return web.call("POST", f"/v1/auth/{path}", json=body)

    assert post("register", email=EMAIL, password=PASSWORD).status_code == 201
    assert post("login", email=EMAIL, password=PASSWORD).status_code == 403
    token = token_of("Your address at Ilm", tmp_path)
    assert post("verify-email", token=token).status_code == 200
    tokens = post("login", email=EMAIL, password=PASSWORD).json()

    assert post("password/forgot", email=EMAIL).status_code == 202
    token = token_of("Your password at Ilm", tmp_path)
    assert post("password/reset", token=token, password=NEW).status_code == 204

    assert web.call("GET", "/v1/users/me", tokens["access_token"]).status_code == 401
    assert post("login", email=EMAIL, password=NEW).status_code == 200
    logs = b"".join(path.read_bytes() for path in tmp_path.glob("*.log")).decode()
    assert not [secret for secret in (token, EMAIL, PASSWORD, NEW) if secret in logs]
