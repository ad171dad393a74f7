"""A route that will end says so in every answer, refusals included."""

from datetime import UTC, datetime

import pytest

from api.endpoints import Deprecation
from models.kernel.errors import Conflict
from tests.api.conftest import code, endpoint

ENDING = Deprecation(
    since=datetime(2026, 11, 1, tzinfo=UTC),
    ends=datetime(2027, 5, 1, tzinfo=UTC),
    guide="/docs#leaving",
)


def answered(_req, resp):
    resp.media = {}


def refused(_req, _resp):
    raise Conflict


@pytest.mark.parametrize("handler", [answered, refused])
def test_an_answer_tells_since_when_until_when_and_what_to_read(open_browser, handler):
    answer = open_browser(endpoint(handler=handler, deprecated=ENDING)).get("/test")

    assert answer.headers["Deprecation"] == "@1793491200"
    assert answer.headers["Sunset"] == "Sat, 01 May 2027 00:00:00 GMT"
    assert answer.headers["Link"].startswith("</docs#leaving>; rel=")


def test_the_reference_says_it_too(open_browser):
    browser = open_browser(endpoint(handler=answered, deprecated=ENDING))

    told = browser.get("/v1/openapi.json").json["paths"]

    assert told["/test"]["get"]["deprecated"] is True
    assert "deprecated" not in told["/health"]["get"]


def test_other_routes_carry_no_notice(open_browser):
    answer = open_browser(endpoint(handler=refused)).get("/test")

    assert code(answer) == (409, "CONFLICT")
    assert "Deprecation" not in answer.headers
