"""The OpenAPI document, the page that shows it, and the pages of the errors."""

import re

import pytest

from api.problems import catalogue


@pytest.fixture
def document(browser):
    return browser.get("/v1/openapi.json").json


def test_every_route_is_described(browser, document):
    described = {(verb.upper(), path) for path, item in document["paths"].items() for verb in item}
    served = set()
    for node in walk(browser.app._router._roots):
        for verb, responder in (node.method_map or {}).items():
            if responder.__name__ == "respond" and verb != "HEAD":
                served.add((verb, re.sub(r":\w+(\(.*?\))?}", "}", node.uri_template)))

    assert document["openapi"] == "3.1.0"
    assert described == served


def walk(nodes):
    for node in nodes:
        yield node
        yield from walk(node.children)


def test_every_operation_is_complete(document):
    operations = [each for item in document["paths"].values() for each in item.values()]
    names = [operation["operationId"] for operation in operations]

    assert len(set(names)) == len(names)
    for operation in operations:
        assert operation["summary"]
        assert operation["tags"][0] in {tag["name"] for tag in document["tags"]}
        assert {"400", "500", "503", "504"} <= set(operation["responses"])


def test_every_reference_in_the_document_leads_somewhere(browser, document):
    schemas = document["components"]["schemas"]
    pointed = set(
        re.findall(r'"#/components/schemas/([^"]+)"', browser.get("/v1/openapi.json").text)
    )

    assert pointed <= set(schemas)
    assert "Error" in pointed


def test_what_is_shown_once_is_told(document):
    assert (
        "Shown only here"
        in document["components"]["schemas"]["NewApiKey"]["properties"]["key"]["description"]
    )


def test_the_page_runs_only_its_own_script(browser):
    answer = browser.get("/docs")

    policy = answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r'(src|href)="https?:', answer.text)


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_every_error_code_has_a_page(browser, code):
    answer = browser.get(f"/errors/{code}")

    assert answer.status_code == 200
    assert code in answer.text
    assert str(catalogue()[code].status) in answer.text


@pytest.mark.parametrize("odd", ["NOPE", "%00", "<script>", "%ff"])
def test_an_unknown_error_code_has_none(browser, odd):
    assert browser.get(f"/errors/{odd}").status_code == 404
