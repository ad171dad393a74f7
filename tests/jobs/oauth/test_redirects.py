"""Redirect URIs: what may be registered, and what is the same as what was registered."""

import pytest

from jobs.oauth.redirects import answered, fault_of, is_registered, origin_of

GOOD = [
    "https://app.example/back",
    "https://app.example:8443/back?tenant=1",
    "https://app.example",
    "http://127.0.0.1/back",
    "http://127.0.0.1:5000/back",
    "http://[::1]:5000/",
    "http://localhost:3000/back",
]
BAD = [
    "",
    "app.example/back",
    "/back",
    "//app.example/back",
    "http://app.example/back",
    "http://localhost.evil.example/back",
    "http://127.0.0.1@evil.example/back",
    "http://127.0.0.1:80@evil.example/back",
    "http://127.0.0.1:99999/back",
    "http://127.0.0.2/back",
    "http://0x7f.1/back",
    "https://user@app.example/back",
    "https://user:word@app.example/back",
    "https://app.example/back#part",
    "https://app.example/back#",
    "https://*.example/back",
    "https://app.example/*",
    "https://App.example/back",
    "HTTPS://app.example/back",
    "https://app.example:port/back",
    "https://app.example:70000/back",
    "https:///back",
    "https:app.example/back",
    "https://app.example/a/../back",
    "https://app.example/%2e%2e/back",
    "https://app.example/..",
    "https://app.example\\@evil.example/",
    "https://app.example/back one",
    "https://app.example/back\r\nX-Header: 1",
    "https://аpp.example/back",
    "https://app.example/back?code=mine",
    "https://app.example/back?a=1&iss=mine",
    "https://[::1]/back",
    "javascript:alert(1)",
    "data:text/html,x",
    "com.example.app:/back",
    f"https://app.example/{'x' * 500}",
]


@pytest.mark.parametrize("uri", GOOD)
def test_may_be_registered(uri):
    assert fault_of(uri) == ""


@pytest.mark.parametrize("uri", BAD)
def test_may_not_be_registered(uri):
    assert fault_of(uri)


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1/back", "http://127.0.0.1:1/back", "http://127.0.0.1:65535/back"]
)
def test_on_the_persons_own_machine_any_port_will_do(uri):
    assert is_registered(uri, ["http://127.0.0.1:5000/back"])


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost/back",
        "http://[::1]/back",
        "http://127.0.0.1/other",
        "http://127.0.0.1/back?x=1",
        "http://127.0.0.1:0/back",
        "http://127.0.0.1:65536/back",
        "http://127.0.0.1:1@evil.example/back",
        "https://127.0.0.1/back",
        "http://127.0.0.1/back\n",
    ],
)
def test_but_nothing_else_may_differ(uri):
    assert not is_registered(uri, ["http://127.0.0.1:5000/back"])


def test_an_answer_stands_beside_what_the_query_held():
    assert answered("https://a.example/b?c=1", {"code": "é&"}) == (
        "https://a.example/b?c=1&code=%C3%A9%26"
    )
    assert answered("https://a.example/b", {"code": "x"}) == "https://a.example/b?code=x"


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://a.example:8443/b?c", "https://a.example:8443"),
        ("http://127.0.0.1:5000/b", "http://127.0.0.1:5000"),
        ("http://[::1]:5000/b", "http:"),
    ],
)
def test_a_policy_names_the_origin_as_far_as_policies_can(uri, origin):
    assert origin_of(uri) == origin
