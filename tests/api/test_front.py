"""What happens to every request, whatever its route."""

import json
import logging
from io import StringIO
from threading import Event

import pytest

from models.kernel.logs import log_to_stderr
from tests.api.browser import Browser
from tests.api.conftest import Open, endpoint

ORIGIN = {"Origin": "https://reader.example"}


def test_a_request_id_is_kept_and_returned(browser):
    assert (
        browser.get("/health", headers={"X-Request-ID": "a.B_9-"}).headers["X-Request-ID"]
        == "a.B_9-"
    )


@pytest.mark.parametrize("odd", ["a b", "x" * 129, "é", "a;b", ""])
def test_an_odd_request_id_is_replaced(browser, odd):
    answer = browser.get("/health", headers={"X-Request-ID": odd})

    assert answer.headers["X-Request-ID"].startswith("req_")


def test_an_error_carries_the_id_of_its_request(browser):
    answer = browser.get("/nowhere", headers={"X-Request-ID": "mine"})

    assert answer.json["error"]["requestId"] == "mine" == answer.headers["X-Request-ID"]


@pytest.fixture
def logged():
    """What the process writes to its log."""
    root = logging.getLogger()
    before = root.handlers, root.level
    log_to_stderr()
    text = StringIO()
    root.handlers[0].setStream(text)
    yield text
    root.handlers = before[0]
    root.setLevel(before[1])


def test_a_request_is_logged_once_without_its_query_or_credentials(logged, browser):
    browser.get("/v1/users/me?token=hush", headers={"Authorization": "Bearer ilm_live_hush"})

    text = logged.getvalue()
    (line,) = [json.loads(each) for each in text.splitlines() if '"http.request"' in each]
    assert line["route"] == "/v1/users/me"
    assert line["method"] == "GET"
    assert line["request_id"].startswith("req_")
    assert "hush" not in text
    assert "127.0.0.1" not in text


@pytest.mark.parametrize("path", ["/health", "/nowhere", "/docs", "/v1/users/me"])
def test_every_answer_forbids_sniffing_and_framing(browser, path):
    headers = browser.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_answers_are_not_stored_by_caches(browser):
    assert browser.get("/nowhere").headers["Cache-Control"] == "no-store"


def test_a_preflight_of_an_allowed_origin_is_answered_before_any_check(open_browser):
    browser = open_browser(cors_origins=("https://reader.example",))
    asked = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "x-api-key",
    }

    answer = browser.request("OPTIONS", "/v1/users/me", headers={**ORIGIN, **asked})

    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "https://reader.example"
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "x-api-key"
    assert answer.headers["Vary"] == "Origin"


def test_an_answer_to_an_allowed_origin_may_be_read_errors_too(open_browser):
    answer = open_browser(cors_origins=("https://reader.example",)).get("/nowhere", headers=ORIGIN)

    assert answer.headers["Access-Control-Allow-Origin"] == "https://reader.example"
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("origins", [(), ("https://other.example",)])
def test_another_origin_may_read_nothing(open_browser, origins):
    answer = open_browser(cors_origins=origins).get("/health", headers=ORIGIN)

    assert "Access-Control-Allow-Origin" not in answer.headers


def https_browser(open_browser: Open, **settings: object) -> Browser:
    return open_browser(public_url="https://ilm.example", **settings)


AFAR = {"remote_addr": "203.0.113.9"}


def test_plain_http_is_redirected_for_reading(open_browser):
    answer = https_browser(open_browser).get("/docs?a=1", **AFAR)

    assert answer.status_code == 308
    assert answer.headers["Location"] == "https://ilm.example/docs?a=1"


def test_plain_http_is_refused_for_writing(open_browser):
    answer = https_browser(open_browser).post("/v1/auth/login", json={}, **AFAR)

    assert (answer.status_code, answer.json["error"]["code"]) == (403, "FORBIDDEN")


def test_https_answers_bind_the_browser_to_https(open_browser):
    answer = https_browser(open_browser).get("/docs", protocol="https", **AFAR)

    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


def test_loopback_is_exempt_from_https(open_browser):
    assert https_browser(open_browser).get("/docs", remote_addr="127.0.0.1").status_code == 200


@pytest.mark.parametrize(
    ("proxies", "status"), [(("203.0.113.0/24",), 200), ((), 308)], ids=["trusted", "not trusted"]
)
def test_a_forwarded_scheme_counts_only_from_a_trusted_proxy(open_browser, proxies, status):
    browser = https_browser(open_browser, trusted_proxies=proxies)
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}

    assert browser.get("/docs", headers=forwarded, **AFAR).status_code == status


def test_a_client_behind_a_local_proxy_is_not_local(open_browser):
    browser = https_browser(open_browser, trusted_proxies=("127.0.0.0/8",))
    forwarded = {"X-Forwarded-Proto": "http", "X-Forwarded-For": "198.51.100.7"}

    assert browser.get("/docs", headers=forwarded, remote_addr="127.0.0.1").status_code == 308


def test_a_draining_process_refuses_new_requests_and_closes_the_connection(open_browser):
    ended = []
    browser = open_browser(parts={"end_streams": lambda: ended.append(1)})

    browser.on_loop(browser.app.drain.begin)
    answer = browser.get("/health")

    assert answer.status_code == 503
    assert answer.headers["Connection"] == "close"
    assert answer.headers["Retry-After"] == "1"
    assert ended == [1]


def test_shutting_down_waits_for_a_request_in_flight(open_browser):
    entered, leave = Event(), Event()

    def slow(_req, resp):
        entered.set()
        assert leave.wait(60)
        resp.media = {"done": True}

    browser = open_browser(endpoint(handler=slow))
    pending = browser.send("GET", "/test")
    assert entered.wait(60)
    browser.on_loop(browser.app.drain.begin)
    leave.set()

    assert pending.result(60).json == {"done": True}
