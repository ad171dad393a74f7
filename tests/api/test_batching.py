"""Several requests in one: each as if it had come alone."""

from threading import Event

import pytest

from api.endpoints import ANY_PRINCIPAL
from tests.api.conftest import code, endpoint

pytestmark = pytest.mark.usefixtures("database")


def batch(browser, me, *requests, **headers):
    items = [{"id": str(number), **each} for number, each in enumerate(requests)]
    answer = browser.post("/v1/batch", json={"requests": items}, headers={**me, **headers})
    assert answer.status_code == 200, answer.text
    return [(each["status"], each["body"]) for each in answer.json["responses"]]


def get(path):
    return {"method": "GET", "path": path}


def test_each_request_has_a_status_and_a_body_of_its_own(browser, me):
    rename = {"method": "PATCH", "path": "/v1/users/me", "body": {"name": "Grace"}}
    (first, second, third, fourth) = batch(
        browser, me, get("/v1/users/me"), rename, get("/v1/users/me"), get("/v1/nowhere")
    )

    assert (first[0], first[1]["name"]) == (200, "Ada")
    assert second[0] == 200
    assert third[1]["name"] == "Grace"
    assert (fourth[0], fourth[1]["error"]["code"]) == (404, "NOT_FOUND")


def test_the_answers_are_those_of_single_requests(browser, me):
    path = "/v1/jobs?limit=5&status=running"
    ((status, body),) = batch(browser, me, get(path))

    alone = browser.get(path, headers=me)
    assert (status, body) == (alone.status_code, alone.json)


def test_what_creates_honours_its_idempotency_key(browser, me):
    wish = {
        "method": "POST",
        "path": "/v1/api-keys",
        "body": {"name": "laptop"},
        "idempotencyKey": "once",
    }
    (first, second) = batch(browser, me, wish, wish)

    assert first[1]["id"] == second[1]["id"]
    assert (first[0], second[0], second[1]["key"]) == (201, 201, None)


def test_an_answer_without_a_body_has_none(browser, me):
    key = browser.post("/v1/api-keys", headers=me, json={"name": "laptop"}).json["id"]

    assert batch(browser, me, {"method": "DELETE", "path": f"/v1/api-keys/{key}"}) == [(204, None)]


def test_requests_carry_ids_that_tell_their_batch(browser, me):
    ((_, body),) = batch(browser, me, get("/v1/nowhere"), **{"X-Request-ID": "mine"})

    assert body["error"]["requestId"] == "mine.1"


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/%62atch"])
def test_a_batch_cannot_hold_a_batch(browser, me, path):
    inner = {"requests": [{"id": "a", **get("/v1/users/me")}]}
    ((status, body),) = batch(browser, me, {"method": "POST", "path": path, "body": inner})

    assert (status, body["error"]["code"]) == (409, "CONFLICT")


def test_streams_and_files_are_refused_for_themselves_alone(open_browser, token):
    async def stream(_req, resp):
        async def parts():
            while True:
                yield b"data: more\n\n"

        resp.content_type = "text/event-stream"
        resp.stream = parts()

    def image(_req, resp):
        resp.data, resp.content_type = b"\xff", "image/jpeg"

    browser = open_browser(
        endpoint(path="/v1/stream", handler=stream, live=True),
        endpoint(path="/v1/image", handler=image),
        endpoint(path="/v1/mine", permission=ANY_PRINCIPAL, handler=image_free),
    )
    me = {"Authorization": f"Bearer {token}"}
    found = batch(browser, me, get("/v1/stream"), get("/v1/image"), get("/v1/mine"))

    assert [status for status, _ in found] == [406, 406, 200]


def test_a_batch_that_is_being_answered_while_the_process_drains_is_finished(open_browser, token):
    entered, leave = Event(), Event()

    def slow(_req, resp):
        entered.set()
        assert leave.wait(60)
        resp.media = {"slow": True}

    browser = open_browser(
        endpoint(path="/v1/slow", handler=slow),
        endpoint(path="/v1/mine", permission=ANY_PRINCIPAL, handler=image_free),
    )
    requests = [{"id": path, **get(path)} for path in ("/v1/slow", "/v1/mine")]
    me = {"Authorization": f"Bearer {token}"}
    pending = browser.send("POST", "/v1/batch", headers=me, json={"requests": requests})
    assert entered.wait(60)
    browser.on_loop(browser.app.drain.begin)
    leave.set()

    assert [each["status"] for each in pending.result(60).json["responses"]] == [200, 200]
    assert browser.get("/v1/mine", headers=me).status_code == 503


def image_free(_req, resp):
    resp.media = {"mine": True}


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [{"id": "a", **get("/v1/users/me")}] * 2,
        [{"id": str(number), **get("/v1/users/me")} for number in range(21)],
        [{"id": "a", **get("/health")}],
        [{"id": "a", **get("https://example.org/v1/users/me")}],
        [{"id": "a", **get("/v1/users /me")}],
        [{"id": "a", "method": "TRACE", "path": "/v1/users/me"}],
        [{"id": "a", **get("/v1/users/me"), "headers": {}}],
    ],
    ids=["none", "same id", "too many", "not ours", "elsewhere", "odd", "method", "unknown field"],
)
def test_what_is_no_batch_is_refused_whole(browser, me, requests):
    answer = browser.post("/v1/batch", headers=me, json={"requests": requests})

    assert code(answer) == (400, "VALIDATION_ERROR")


def test_nobody_without_a_credential_sends_a_batch(browser):
    answer = browser.post("/v1/batch", json={"requests": [{"id": "a", **get("/v1/users/me")}]})

    assert code(answer) == (401, "UNAUTHORIZED")


def test_a_request_without_an_id_is_told_so(ada) -> None:
    answer = ada.post("/v1/batch", json={"requests": [{"method": "GET", "path": "/v1/jobs"}]})

    assert code(answer) == (400, "VALIDATION_ERROR")
