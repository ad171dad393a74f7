"""The examples of requests, sent: the server reads them all, and what they ask can be asked."""

import io
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import pytest
import requests
from PIL import Image

from api.endpoints import FORM, JSON, MULTIPART
from api.examples.calls import asked
from api.schemas.wire import example_id
from jobs.wires.wires import CHAT
from models.kernel.database import Pool
from tests.api.conftest import Stack
from tests.reference import FOLDER

Told = Callable[[str], requests.Response]

REFERENCE: Final = json.loads((FOLDER / "openapi.json").read_text(encoding="utf-8"))
BODIES: Final[dict[str, dict[str, Any]]] = {
    f"{method.upper()} {path}": operation
    for path, operations in REFERENCE["paths"].items()
    for method, operation in operations.items()
    if "requestBody" in operation
}
"""Every operation that takes a body."""

READ: Final[dict[str, dict[str, Any]]] = {
    f"GET {path}": operations["get"]
    for path, operations in REFERENCE["paths"].items()
    if JSON in operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
}
"""Every operation that only answers."""

OPERATIONS: Final = {**BODIES, **READ}

MAKERS: Final = {
    "book": "POST /v1/books",
    "chat": "POST /v1/chats",
    "file": "POST /v1/files",
    "key": "POST /v1/api-keys",
    "app": "POST /v1/oauth/apps",
    "org": "POST /v1/organizations",
    "prompt": "POST /v1/prompts",
    "team": "POST /v1/organizations/{org_id}/teams",
    "msg": "POST /v1/chats/{chat_id}/messages",
    "job": "POST /v1/jobs",
    "batch": "POST /v1/batches",
    "rule": "POST /v1/admin/ip-rules",
    "wh": "POST /v1/webhooks",
}
"""What makes a thing of a kind, of which the examples speak."""

FIELDS: Final = {
    "kind": "tier", "subject": "premium", "name": "support", "dependency": "database",
    "answer": "resp_0", "number": "1", "period": "2026-11",
}  # fmt: skip
"""What stands in the fields of paths that are no ids."""

FREE: Final = {
    "settings",
    "details",
    "dependencies",
    "figures",
    "tiers",
    "refused",
    "body",
    "headers",
}
"""Fields that hold whatever there is."""

OF_A_TYPE: Final = {".data[].data", ".data[].sample", ".event.data"}
"""What holds other fields for each type of what is listed: tests/api/test_event_samples.py."""

CUT_SHORT: Final = {"GET /v1/openapi.json"}
WANTED: Final = {
    "POST /v1/auth/verify-email": {"token"},
    "POST /v1/auth/password/reset": {"token"},
    "POST /v1/organizations/invitations/accept": {"token"},
    "POST /v1/auth/passkeys": {"credential"},
    "POST /v1/admin/issuers": {"issuerUrl"},
}
"""What only a letter, an authenticator or an issuer could give; all else of it is right."""

ISSUER: Final = "https://tenant.eu.auth0.com"
NOBODY: Final = "http://127.0.0.1:1"
UNREAD: Final = {400, 413, 415}
NO_VENDOR: Final = "its vendor is not configured here"

_RAISE: Final = """
update person set role = 'super_admin' where created_at = (select max(created_at) from person)
"""


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 90), "teal").save(out, "PNG")
    return out.getvalue()


LINE: Final = {
    "custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": asked(CHAT),
}  # fmt: skip
FILES: Final = {
    "(the bytes of voyage.pdf)": ("voyage.txt", b"As the streets that lead from the Strand"),
    "(the bytes of lines.jsonl)": ("lines.jsonl", json.dumps(LINE).encode()),
    "(the bytes of ada.jpg)": ("ada.png", picture()),
    "(the bytes of cover.png)": ("cover.png", picture()),
}
"""What stands for the bytes that examples only name."""


@pytest.fixture(scope="module")
def chief(stack: Stack, pools: tuple[Pool, Pool]) -> str:
    """Somebody who may do everything."""
    token = stack.newcomer()
    pools[0].rows(_RAISE)
    return token


@pytest.fixture(scope="module")
def known(stack: Stack, chief: str) -> dict[str, str]:
    """The ids of things that the examples themselves have made, by the id that examples show."""
    reader = stack.call("GET", "/v1/users/me", stack.newcomer()).json()
    made: dict[str, str] = {example_id("user"): reader["id"]}
    for kind, name in MAKERS.items():
        answer = sent(stack, chief, name, made)
        assert answer.status_code in {200, 201, 202}, (name, answer.text)
        made[example_id(kind)] = answer.json()["id"]
    ping = f"/v1/webhooks/{made[example_id('wh')]}/ping"
    made[example_id("delivery")] = stack.call("POST", ping, chief).json()["deliveryId"]
    return made


@pytest.fixture(scope="module")
def told(stack: Stack, chief: str, known: dict[str, str]) -> Told:
    """Send what an operation shows, once; return what came of it."""

    @cache
    def tell(name: str) -> requests.Response:
        leaver = name == "DELETE /v1/users/me"
        return sent(stack, stack.newcomer() if leaver else chief, name, known)

    return tell


def sent(stack: Stack, token: str, name: str, made: dict[str, str]) -> requests.Response:
    """Send what an operation shows, about what there is."""
    (method, path), operation = name.split(" "), OPERATIONS[name]
    for place in operation["parameters"]:
        if place["in"] == "path":
            value = place["schema"].get("example") or FIELDS[place["name"]]
            path = path.replace(f"{{{place['name']}}}", value)
    contents = operation.get("requestBody", {"content": {"": {"example": None}}})["content"]
    ((kind, content),) = contents.items()
    text = json.dumps([path, content["example"]])
    for shown, real in {**made, ISSUER: NOBODY}.items():
        text = text.replace(shown, real)
    path, body = json.loads(text)
    return stack.call(method, path, token, **parts_of(kind, body))


def parts_of(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return a body in the way of its type."""
    if not kind:
        return {}
    if kind == JSON:
        return {"json": body}
    if kind == FORM:
        return {"data": body}
    assert kind == MULTIPART
    plain = {
        name: said if isinstance(said, str) else json.dumps(said) for name, said in body.items()
    }
    return {"data": plain, "files": {"file": FILES[plain.pop("file")]}}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_read_as_it_is_shown(told: Told, name: str) -> None:
    answer = told(name)

    if name in WANTED:
        wrong = {detail["field"] for detail in answer.json()["error"]["details"]}
        assert wrong == WANTED[name]
    else:
        assert answer.status_code not in UNREAD, answer.text
        assert answer.status_code < 500 or NO_VENDOR in answer.text, answer.text


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in CUT_SHORT])
def test_an_answer_has_the_fields_it_is_shown_with(told: Told, name: str) -> None:
    answer = told(name)

    shown = content_of(name, str(answer.status_code)).get("example")
    if shown is not None:
        assert not list(differing(shown, answer.json()))


def content_of(name: str, status: str) -> dict[str, Any]:
    """Return what the reference says of an operation's answer in JSON."""
    told: dict[str, Any] = OPERATIONS[name]["responses"].get(status, {}).get("content", {})
    return told.get(JSON, {})


def differing(shown: Any, real: Any, path: str = "") -> Iterator[str]:
    """Yield the fields that one of two has and the other has not."""
    if path in OF_A_TYPE:
        return
    if isinstance(shown, dict) and isinstance(real, dict):
        yield from (f"{path}.{name}" for name in (shown.keys() ^ real.keys()) - FREE)
        for name in (shown.keys() & real.keys()) - FREE:
            yield from differing(shown[name], real[name], f"{path}.{name}")
    elif isinstance(shown, list) and isinstance(real, list) and shown and real:
        yield from differing(shown[0], real[0], f"{path}[]")
