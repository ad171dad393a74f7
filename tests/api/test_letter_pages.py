"""The pages that letters link to, and what their script does, in a browser made of a few lines."""

import json
import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.api.browser import Browser

HTML = "text/html; charset=utf-8"
NODE = Path(sys.executable).parent / "node"
ROUTES = {
    "/verify-email": "v1/auth/verify-email",
    "/reset-password": "v1/auth/password/reset",
}
STAGE = """
const scene = JSON.parse(process.argv[2]), calls = [];
const told = { textContent: "" }, button = { disabled: false };
let submit;
const form = { dataset: { route: "there", done: "Done." }, hidden: false,
  addEventListener: (_, on) => { submit = on; } };
global.location = { hash: scene.hash, pathname: "/reset-password" };
global.history = { replaceState: (_, __, path) => calls.push(["address", path]) };
global.document = { querySelector: (name) => ({ form, button, output: told })[name] };
global.FormData = class { *[Symbol.iterator]() { yield* scene.fields; } };
global.fetch = async (route, { method, body }) => {
  calls.push([method, route, JSON.parse(body)]);
  if (!scene.answer) throw new Error("away");
  return { ok: scene.answer.ok, json: async () => scene.answer.body };
};
require(process.argv[1]);
(async () => {
  if (scene.submits) await submit({ preventDefault() {} });
  const shown = { told: told.textContent, disabled: button.disabled, hidden: form.hidden };
  console.log(JSON.stringify({ calls, ...shown }));
})();
"""


def played(**scene: Any) -> dict[str, Any]:
    """Run the script of the pages in a scene; return what it did."""
    script = Path(__file__).parents[2] / "api/letters/script.js"
    whole = {"hash": "#token=abc-_1", "fields": [], "submits": True, **scene}
    done = subprocess.run(
        [NODE, "-e", STAGE, script, json.dumps(whole)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("path", ROUTES)
def test_a_page_loads_nothing_and_allows_no_script_but_its_own(browser: Browser, path: str) -> None:
    answer = browser.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (200, HTML)
    assert f'data-route="{ROUTES[path]}"' in answer.text
    assert not re.search(r'(src|href|action)="', answer.text)
    allowed = answer.headers["content-security-policy"]
    for kind in ("script", "style"):
        (inline,) = re.findall(rf"<{kind}>(.*?)</{kind}>", answer.text, re.DOTALL)
        digest = b64encode(sha256(inline.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in allowed
    assert "default-src 'none'" in allowed
    assert "frame-ancestors 'none'" in allowed
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_only_the_page_for_a_password_asks_for_one(browser: Browser) -> None:
    asked = {path: 'type="password"' in browser.get(path).text for path in ROUTES}

    assert asked == {"/verify-email": False, "/reset-password": True}


def test_the_token_leaves_the_address_at_once_and_goes_nowhere_before_the_person_says_so() -> None:
    assert played(submits=False)["calls"] == [["address", "/reset-password"]]


def test_what_the_person_says_is_posted_with_the_token() -> None:
    seen = played(fields=[["password", "a long one"]], answer={"ok": True})

    assert seen["calls"][1:] == [["POST", "there", {"token": "abc-_1", "password": "a long one"}]]
    assert (seen["told"], seen["hidden"]) == ("Done.", True)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "The server did not answer. Try again in a moment."),
        (
            {"details": [{"field": "token", "message": "has expired"}], "message": "Some."},
            "The token has expired.",
        ),
        ({"details": [], "message": "Too many."}, "Too many."),
    ],
    ids=["away", "expired", "limited"],
)
def test_a_refusal_is_told_and_may_be_tried_again(answer: Any, told: str) -> None:
    body = answer and {"ok": False, "body": {"error": answer}}

    seen = played(answer=body)

    assert (seen["told"], seen["disabled"], seen["hidden"]) == (told, False, False)


def test_a_link_without_a_token_says_so() -> None:
    seen = played(hash="", submits=False)

    assert seen["told"].startswith("This link is not whole.")
    assert seen["disabled"]
