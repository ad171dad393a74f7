"""What is one person's is not there for another: every route with an id, asked by both (A-27)."""

import json
import re
from itertools import count
from typing import Any, Final

import pytest

from tests.gateway import Gateway
from tests.reference import FOLDER
from tests.streams import eventually
from tests.wires import WIRES, WireCase

REFERENCE: Final = json.loads((FOLDER / "openapi.json").read_text(encoding="utf-8"))
ROUTES: Final = {
    f"{method.upper()} {path}": operation
    for path, operations in REFERENCE["paths"].items()
    for method, operation in operations.items()
}
MANY: Final = 25
NOT_YET: Final = {
    "GET /v1/books/{book_id}/cover", "GET /v1/files/{file_id}/content",
    "GET /v1/chats/{chat_id}/stream",
}  # fmt: skip
"""What is not there for its owner either, as soon as this."""

_numbers = count(1)


def test_what_is_one_persons_is_not_there_for_another(ilm: Gateway) -> None:
    mine, ids = ilm.key, _belongings(ilm)
    ilm.newcomer(f"stranger{next(_numbers)}@example.org")
    theirs = [route for route in sorted(ROUTES) if fields_of(route) and fields_of(route) <= {*ids}]
    assert len(theirs) > MANY

    seen = {route: status_of(ilm, route, ids) for route in theirs}
    assert {route: status for route, status in seen.items() if status != 404} == {}

    ilm.key = mine
    reads = [route for route in theirs if route.startswith("GET ") and "{number}" not in route]
    lost = {route for route in reads if status_of(ilm, route, ids) in {401, 403, 404}}
    assert lost <= NOT_YET


def test_what_is_an_organizations_is_there_for_who_acts_for_it_alone(ilm: Gateway) -> None:
    alone, inside = ilm.key, _organization(ilm)
    ids = _belongings(ilm)
    ours = ilm.key
    owned = [route for route in sorted(ROUTES) if fields_of(route) and fields_of(route) <= {*ids}]
    within = [each for each in sorted(ROUTES) if "org_id" in fields_of(each) <= {*inside}]
    assert len(owned) > MANY
    assert len(within) > MANY / 2

    ilm.key = alone
    seen = {route: status_of(ilm, route, ids) for route in owned}
    assert {route: status for route, status in seen.items() if status != 404} == {}

    ilm.newcomer(f"stranger{next(_numbers)}@example.org")
    keys = [ilm.key]
    _organization(ilm)
    for key in (*keys, ilm.key):
        ilm.key = key
        seen = {route: status_of(ilm, route, {**ids, **inside}) for route in (*owned, *within)}
        assert {route: status for route, status in seen.items() if status != 404} == {}

    ilm.key = ours
    reads = [
        each for each in (*owned, *within) if each.startswith("GET ") and "{number}" not in each
    ]
    lost = {each for each in reads if status_of(ilm, each, {**ids, **inside}) in {401, 403, 404}}
    assert lost <= NOT_YET


def _organization(ilm: Gateway) -> dict[str, str]:
    """Make an organization and go on with a key of its own; return the ids of what is in it."""

    def made(path: str, body: dict[str, Any], **options: Any) -> dict[str, Any]:
        answer = ilm.post(path, body, **options)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    org = made("/v1/organizations", {"name": "A"})["id"]
    place = f"/v1/organizations/{org}"
    team = made(f"{place}/teams", {"name": "A", "role": "viewer"})["id"]
    email = f"invited{next(_numbers)}@example.org"
    invited = made(f"{place}/invitations", {"email": email})["id"]
    me = ilm.get("/v1/users/me").json()["id"]
    acting = {"X-Organization": org}
    ilm.key = made("/v1/api-keys", {"name": "its own"}, headers=acting)["key"]
    return {"org_id": org, "team_id": team, "invitation_id": invited, "user_id": me}


def fields_of(route: str) -> set[str]:
    """Return the names of the fields of a route's path."""
    return set(re.findall(r"{(\w+)}", route))


def status_of(ilm: Gateway, route: str, ids: dict[str, str]) -> int:
    """Ask as whoever the gateway is now, with the body that the reference gives as an example."""
    method, path = route.format_map(ids).split(" ", 1)
    content = ROUTES[route].get("requestBody", {}).get("content", {})
    body = (
        {"json": content["application/json"].get("example", {})}
        if content.get("application/json")
        else {}
    )
    with ilm.web.call(method, path, ilm.key, stream=True, **body) as answer:
        return answer.status_code


def _belongings(ilm: Gateway) -> dict[str, str]:
    """Make one of each kind of thing; return their ids by the names of the paths' fields."""

    def made(path: str, body: dict[str, Any]) -> str:
        answer = ilm.post(path, body)
        answer.raise_for_status()
        return str(answer.json()["id"])

    book = ilm.web.call(
        "POST", "/v1/books", ilm.key, data={"title": "A"}, files={"file": ("a.txt", b"some text")}
    )
    file = ilm.web.call(
        "POST", "/v1/files", ilm.key, data={"purpose": "batch"},
        files={"file": ("a.jsonl", b"{}")},
    )  # fmt: skip
    told = eventually(lambda: ilm.get("/v1/events", params={"types": "book.*"}).json()["data"])
    chat = made("/v1/chats", {"title": "A"})
    said = ilm.post(f"/v1/chats/{chat}/messages", {"content": "Hello", "answer": False}).json()
    return {
        "book_id": book.json()["id"],
        "file_id": file.json()["id"],
        "evt_id": told[0]["id"],
        "chat_id": chat,
        "msg_id": said["id"],
        "job_id": made("/v1/jobs", {"type": "system.echo", "input": {"text": "a"}}),
        "key_id": made("/v1/api-keys", {"name": "mine"}),
        **_webhook(ilm),
        "prompt_id": made("/v1/prompts", {"title": "A", "template": "Say {{word}}."}),
        "number": "1",
    }


def _webhook(ilm: Gateway) -> dict[str, str]:
    """Make a webhook and a delivery to it."""
    wish = {"url": "https://93.184.215.14/hook", "events": ["book.*"]}
    webhook = ilm.post("/v1/webhooks", wish).json()["id"]
    pinged = ilm.post(f"/v1/webhooks/{webhook}/ping", {}).json()
    return {"wh_id": webhook, "delivery_id": pinged["deliveryId"]}


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
def test_an_answer_on_a_wire_is_its_askers_alone(ilm: Gateway, wire: WireCase) -> None:
    answer = ilm.post(wire.path, wire.body).json()["id"]
    assert ilm.get(f"{wire.path}/{answer}").status_code == 200

    ilm.newcomer(f"stranger{next(_numbers)}@example.org")
    assert ilm.get(f"{wire.path}/{answer}").status_code == 404
    assert ilm.get(f"{wire.path}/{answer}", params={"stream": "true"}).status_code == 404
