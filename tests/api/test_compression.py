"""What goes out packed, and who is told that nothing has changed."""

import gzip
import zlib

import brotli
import pytest

from api.compression import LEAST_BYTES, preferred
from tests.api.conftest import code, endpoint

WORDS = "A long enough answer. " * 200
UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress, "deflate": zlib.decompress}


def answering(text, **headers):
    def handler(_req, resp):
        resp.text = text
        resp.content_type = "text/plain"
        resp.set_headers(headers)

    return endpoint(handler=handler)


@pytest.fixture
def wordy(open_browser):
    return open_browser(answering(WORDS))


@pytest.mark.parametrize("coding", UNPACK)
def test_a_long_answer_goes_out_packed_as_the_client_takes_it(wordy, coding):
    answer = wordy.get("/test", headers={"Accept-Encoding": coding})

    assert answer.headers["Content-Encoding"] == coding
    assert UNPACK[coding](answer.content).decode() == WORDS
    assert int(answer.headers["Content-Length"]) == len(answer.content) < len(WORDS)
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_who_takes_nothing_packed_gets_it_plain(wordy):
    answer = wordy.get("/test")

    assert "Content-Encoding" not in answer.headers
    assert answer.text == WORDS
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_a_short_answer_is_not_packed(open_browser):
    browser = open_browser(answering("x" * LEAST_BYTES))
    answer = browser.get("/test", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in answer.headers


def test_a_long_document_is_packed_on_a_thread_and_read_like_any_other(browser):
    asked = {"Accept-Encoding": "gzip"}
    plain = browser.get("/v1/openapi.json")
    packed = browser.get("/v1/openapi.json", headers=asked)

    assert gzip.decompress(packed.content) == plain.content


def test_a_stream_is_not_packed(open_browser):
    async def live(_req, resp):
        async def parts():
            for _ in range(3):
                yield WORDS.encode()

        resp.content_type = "text/plain"
        resp.stream = parts()

    browser = open_browser(endpoint(handler=live, live=True))
    answer = browser.get("/test", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in answer.headers
    assert answer.text == WORDS * 3


def test_what_is_packed_by_its_kind_stays_as_it_is(open_browser):
    def handler(_req, resp):
        resp.data = b"\xff\xd8" + bytes(5_000)
        resp.content_type = "image/jpeg"

    answer = open_browser(endpoint(handler=handler)).get(
        "/test", headers={"Accept-Encoding": "gzip"}
    )

    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("GZIP", "gzip"),
        ("*", "br"),
        ("br;q=0, *;q=0.1", "gzip"),
        ("zstd", None),
        ("gzip;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("gzip;q=odd", None),
        ("", None),
        (",;,", None),
    ],
)
def test_the_coding_is_the_one_the_client_likes_best(accepted, chosen):
    assert preferred(accepted) == chosen


def test_a_read_that_has_not_changed_is_answered_without_its_body(wordy):
    first = wordy.get("/test")
    again = wordy.get("/test", headers={"If-None-Match": f'"other", {first.headers["ETag"]}'})

    assert first.headers["Cache-Control"] == "private, no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


def test_the_tag_is_the_same_however_the_answer_is_packed(wordy):
    tags = {
        wordy.get("/test", headers={"Accept-Encoding": coding}).headers["ETag"]
        for coding in (*UNPACK, "identity")
    }

    assert len(tags) == 1


def test_a_read_that_has_changed_is_answered_anew(open_browser):
    told = iter(["one", "two"])

    def handler(_req, resp):
        resp.media = {"told": next(told)}

    browser = open_browser(endpoint(handler=handler))
    first = browser.get("/test")
    again = browser.get("/test", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.json) == (200, {"told": "two"})


def test_a_refusal_and_a_write_have_no_tag(open_browser):
    def write(_req, resp):
        resp.media = {}

    browser = open_browser(endpoint(method="POST", handler=write))

    assert "ETag" not in browser.post("/test").headers
    refused = browser.get("/nowhere")
    assert code(refused) == (404, "NOT_FOUND")
    assert "ETag" not in refused.headers
    assert refused.headers["Cache-Control"] == "no-store"
