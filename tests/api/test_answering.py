"""From the body to the handler and back: sizes, kinds, limits of time and of waiting."""

from threading import Event

import pytest
from peewee import OperationalError
from playhouse.pool import MaxConnectionsExceeded

from api.hop import Hop
from models.kernel.errors import Conflict, NotFound, Unavailable
from tests.api.conftest import Note, endpoint

JSON = {"Content-Type": "application/json"}


def echo(req, resp):
    resp.media = {"body": req.context.body, "query": req.context.query}


def raising(error):
    def handler(_req, _resp):
        raise error

    return handler


@pytest.fixture
def writer(open_browser):
    return open_browser(endpoint(method="POST", handler=echo, body=Note(), body_limit=200))


def code(answer):
    return answer.status_code, answer.json["error"]["code"]


def test_a_body_reaches_the_handler_as_its_schema_makes_it(writer):
    answer = writer.post("/test", json={"title": "  A\u0308 ", "pageCount": 2})

    assert answer.json["body"] == {"title": "Ä", "page_count": 2, "parts": []}


def test_every_wrong_field_is_named_as_the_wire_spells_it(writer):
    answer = writer.post("/test", json={"pageCount": "2", "parts": [{"title": 1}], "extra": 1})

    assert code(answer) == (400, "VALIDATION_ERROR")
    named = {detail["field"] for detail in answer.json["error"]["details"]}
    assert named == {"title", "pageCount", "parts.0.title", "extra"}


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"{", JSON, (400, "INVALID_REQUEST")),
        (b"", JSON, (400, "INVALID_REQUEST")),
        (b"\xff", JSON, (400, "INVALID_REQUEST")),
        (b'{"title":NaN}', JSON, (400, "INVALID_REQUEST")),
        (b"[" * 190, JSON, (400, "INVALID_REQUEST")),
        (b"1" * 199, JSON, (400, "VALIDATION_ERROR")),
        (b"[]", JSON, (400, "VALIDATION_ERROR")),
        (b"null", JSON, (400, "VALIDATION_ERROR")),
        (b'{"title":"a\\u0000"}', JSON, (400, "VALIDATION_ERROR")),
        (b'{"title":"\\ud800"}', JSON, (400, "VALIDATION_ERROR")),
        (b'{"\\u0000":"a"}', JSON, (400, "VALIDATION_ERROR")),
        (b'{"title":"a\\u0007"}', JSON, (400, "VALIDATION_ERROR")),
        (b'{"title":true}', JSON, (400, "VALIDATION_ERROR")),
        (b'{"title":"a","pageCount":true}', JSON, (400, "VALIDATION_ERROR")),
        (b'{"title":"a","pageCount":1e3}', JSON, (400, "VALIDATION_ERROR")),
        (b'{"title":"a","pageCount":%s}' % (b"9" * 99), JSON, (400, "VALIDATION_ERROR")),
        (b"{}", {"Content-Type": "text/plain"}, (415, "UNSUPPORTED_MEDIA_TYPE")),
        (b"{}", {**JSON, "Content-Encoding": "gzip"}, (415, "UNSUPPORTED_MEDIA_TYPE")),
        (b" " * 201, JSON, (413, "PAYLOAD_TOO_LARGE")),
    ],
)
def test_a_body_that_cannot_be_taken_is_refused_in_words(writer, body, headers, expected):
    assert code(writer.post("/test", body=body, headers=headers)) == expected


def test_a_body_where_none_is_wanted_may_be_an_empty_object_only(open_browser):
    browser = open_browser(endpoint(method="POST", handler=echo))

    assert browser.post("/test").status_code == 200
    assert browser.post("/test", json={}).status_code == 200
    assert code(browser.post("/test", json={"a": 1})) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a=1", (400, "VALIDATION_ERROR")),
        ("%ff=1", (400, "INVALID_REQUEST")),
        ("a=%00", (400, "VALIDATION_ERROR")),
        ("&".join(f"a{n}=1" for n in range(101)), (400, "INVALID_REQUEST")),
    ],
    ids=["unknown", "not UTF-8", "NUL", "too many"],
)
def test_a_query_nobody_reads_is_refused(open_browser, query, expected):
    browser = open_browser(endpoint(handler=echo))

    assert code(browser.get(f"/test?{query}")) == expected


def test_the_answer_of_a_handler_that_comes_too_late_is_thrown_away(open_browser):
    leave = Event()

    def late(_req, resp):
        leave.wait(60)
        resp.media, resp.status = {"late": True}, 201

    browser = open_browser(endpoint(handler=late, seconds=0.05))
    answer = browser.get("/test")
    leave.set()

    assert code(answer) == (504, "UPSTREAM_TIMEOUT")


def test_past_the_bound_of_waiting_requests_one_is_refused_at_once(open_browser):
    entered, leave = Event(), Event()

    def slow(_req, resp):
        entered.set()
        leave.wait(60)
        resp.media = {}

    browser = open_browser(endpoint(handler=slow), parts={"hop": Hop(1, waiting=1)})
    running, waiting = browser.send("GET", "/test"), browser.send("GET", "/test")
    assert entered.wait(60)
    refused = browser.get("/test")
    leave.set()

    assert code(refused) == (503, "SERVICE_UNAVAILABLE")
    assert refused.headers["Retry-After"] == "1"
    assert running.result(60).status_code == waiting.result(60).status_code == 200


@pytest.mark.parametrize("error", [OperationalError("x"), MaxConnectionsExceeded("x")])
def test_a_database_away_is_a_503_that_says_when_to_come_back(open_browser, error):
    answer = open_browser(endpoint(handler=raising(error))).get("/test")

    assert code(answer) == (503, "SERVICE_UNAVAILABLE")
    assert answer.headers["Retry-After"] == "1"


def test_a_fault_of_ours_is_told_without_its_words(open_browser):
    answer = open_browser(endpoint(handler=raising(KeyError("hush")))).get("/test")

    assert code(answer) == (500, "INTERNAL_ERROR")
    assert "hush" not in answer.text


def test_an_error_has_the_envelope_and_a_page(open_browser):
    answer = open_browser(endpoint(handler=raising(Conflict("taken")))).get("/test")

    error = answer.json["error"]
    assert set(error) == {
        "code", "message", "details", "requestId", "timestamp", "documentation"
    }  # fmt: skip
    assert (error["code"], error["message"], error["details"]) == ("CONFLICT", "taken", [])
    assert error["timestamp"].endswith("Z")
    assert error["documentation"] == "http://127.0.0.1:8000/errors/CONFLICT"
    assert answer.headers["x-should-retry"] == "false"


def test_what_a_handler_wrote_before_it_failed_is_not_sent(open_browser):
    def half(_req, resp):
        resp.set_header("Location", "/somewhere")
        resp.media = {"half": True}
        raise NotFound

    answer = open_browser(endpoint(handler=half)).get("/test")

    assert code(answer) == (404, "NOT_FOUND")
    assert "Location" not in answer.headers


def test_an_id_of_another_kind_in_a_path_is_not_found(open_browser):
    def show(_req, resp, book_id):
        resp.media = {"id": str(book_id)}

    browser = open_browser(endpoint(path="/books/{book_id}", handler=show))
    good = "01a1f90ee9ab7959bdfe0d2b373d4483"

    assert browser.get(f"/books/book_{good}").status_code == 200
    for odd in (good, f"job_{good}", "book_", "book_%00", "%ff", f"book_{'9' * 300}"):
        assert code(browser.get(f"/books/{odd}")) == (404, "NOT_FOUND")


def test_a_live_handler_runs_on_the_loop_after_its_checks(open_browser):
    async def live(req, resp):
        resp.media = {"query": req.context.query}

    browser = open_browser(endpoint(handler=live, live=True))

    assert browser.get("/test").json == {"query": {}}
    assert code(browser.get("/test?a=1")) == (400, "VALIDATION_ERROR")


def test_a_refusal_that_may_pass_later_does_not_forbid_retrying(open_browser):
    answer = open_browser(endpoint(handler=raising(Unavailable(retry_after=2.1)))).get("/test")

    assert answer.headers["Retry-After"] == "3"
    assert "x-should-retry" not in answer.headers


def test_head_is_answered_as_get_without_a_body(browser):
    get, head = browser.get("/docs"), browser.request("HEAD", "/docs")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_a_method_a_path_does_not_take_names_those_it_does(browser):
    answer = browser.request("PUT", "/v1/users/me")

    assert code(answer) == (405, "METHOD_NOT_ALLOWED")
    assert {"GET", "HEAD", "PATCH"} <= set(answer.headers["Allow"].split(", "))


def test_credentials_are_asked_for_before_a_body_is_judged(browser):
    answer = browser.request("PATCH", "/v1/users/me", json={"odd": 1})

    assert code(answer) == (401, "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
