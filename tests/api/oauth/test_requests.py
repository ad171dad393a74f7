"""Requests for authorization that are wrong: who is told, and who is sent nowhere (A-14)."""

import pytest

from tests.api.oauth.actors import BACK, registered, told_at

pytestmark = pytest.mark.usefixtures("database")

LOCAL = "http://127.0.0.1:5000/back"
TRICKS = {
    "nothing": None,
    "empty": "",
    "another host": "https://evil.example/back",
    "a suffix of the path": f"{BACK}/more",
    "a suffix of the host": "https://reader.example.evil.example/back",
    "a prefix of the host": "https://evilreader.example/back",
    "a subdomain": "https://www.reader.example/back",
    "a slash more": f"{BACK}/",
    "a query more": f"{BACK}?x=1",
    "a fragment": f"{BACK}#x",
    "a path that climbs": "https://reader.example/back/../../evil",
    "a path that climbs, encoded": "https://reader.example/back/%2e%2e/evil",
    "a path that is encoded": "https://reader.example/%62ack",
    "a user": "https://reader.example@evil.example/back",
    "a user of it": "https://evil@reader.example/back",
    "capitals": "https://READER.example/back",
    "capitals in the scheme": "HTTPS://reader.example/back",
    "capitals in the path": "https://reader.example/BACK",
    "its port": "https://reader.example:443/back",
    "another port": "https://reader.example:444/back",
    "plain http": "http://reader.example/back",
    "a back slash": "https://reader.example\\@evil.example/back",
    "a blank": f" {BACK}",
    "a line": f"{BACK}\r\nLocation: https://evil.example",
    "two": f"{BACK} https://evil.example",
    "an open redirect": "https://reader.example/go?to=https://evil.example",
    "a script": "javascript:alert(1)",
    "nowhere": "//reader.example/back",
    "a page of ours": "/docs",
    "a local one, elsewhere": "http://127.0.0.1:5000@evil.example/back",
    "a local one, by another name": "http://localhost:5000/back",
}


@pytest.fixture
def app(browser, me):
    return registered(browser, me, redirectUris=[BACK, LOCAL])


def test_there_are_twelve_tricks_and_more():
    assert len(TRICKS) >= 12


@pytest.mark.parametrize("trick", TRICKS, ids=str)
def test_nobody_is_sent_to_an_address_that_is_not_registered(ada, app, trick):
    ada.consent(app.address())

    answer = ada.get(app.address(redirect_uri=TRICKS[trick]))

    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("client_id", ["nobody", "", None, "x' or '1'='1"])
def test_nobody_is_sent_anywhere_for_an_app_that_is_not_known(ada, app, client_id):
    answer = ada.get(app.address(client_id=client_id))

    assert answer.status_code == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize("name", ["redirect_uri", "client_id", "state", "code_challenge"])
def test_a_field_given_twice_goes_nowhere(ada, app, name):
    answer = ada.get(f"{app.address()}&{name}=https://evil.example")

    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_posted_consent_is_sent_nowhere_either(ada, app):
    page = ada.get(ada.log_in(ada.get(app.address())).headers["Location"])

    answer = ada.submit(page, decision="allow", redirect_uri="https://evil.example/")

    assert answer.status_code == 403


def test_on_the_persons_own_machine_the_port_is_the_apps(ada, app):
    place = ada.consent(app.address(redirect_uri="http://127.0.0.1:61234/back"))

    assert place.headers["Location"].startswith("http://127.0.0.1:61234/back?code=")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "é" * 43}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "openid users:admin"}, "invalid_scope"),
        ({"scope": "openid keys:write"}, "invalid_scope"),
        ({"scope": "openid jobs:read"}, "invalid_scope"),
        ({"scope": "made:up"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://evil.example"}, "request_uri_not_supported"),
        ({"nonce": "x" * 1001}, "invalid_request"),
    ],
    ids=str,
)
def test_what_an_app_cannot_have_it_is_told_with_who_says_so(ada, app, changes, error):
    told = told_at(ada.get(app.address(**changes)))

    assert (told["error"], told["state"]) == (error, "a state")
    assert told["iss"] == "http://127.0.0.1:8000"
    assert "code" not in told


def test_a_state_that_is_too_long_does_not_come_back(ada, app):
    told = told_at(ada.get(app.address(state="x" * 1001)))

    assert told["error"] == "invalid_request"
    assert "state" not in told


def test_an_app_of_another_grant_gets_no_code(browser, me, ada):
    app = registered(browser, me, grantTypes=["client_credentials"])

    assert told_at(ada.get(app.address()))["error"] == "unauthorized_client"


def test_what_is_not_known_of_a_request_is_ignored(ada, app):
    assert "code" in told_at(ada.consent(f"{app.address()}&ui_locales=de"))
