"""What the page of the reference shows of its document, in a browser made of a few lines."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from api.examples.calls import ANSWER
from tests.reference import FOLDER

Drawn = dict[str, tuple[list[str], list[str]]]

NODE: Final = Path(sys.executable).parent / "node"
SCRIPT: Final = Path(__file__).parents[2] / "api/reference/script.js"
STAGE: Final = """
const made = (tag) => ({
  tag, attributes: {}, children: [], heard: {}, textContent: "",
  setAttribute(name, value) { this.attributes[name] = value; },
  removeAttribute(name) { delete this.attributes[name]; },
  append(...children) { this.children.push(...children); },
  replaceChildren(...children) { this.children = children; },
  addEventListener(name, on) { this.heard[name] = on; },
});
const names = ["content", "contents", "version", "filter"];
const parts = Object.fromEntries(names.map((name) => [name, made("div")]));
global.document = {
  createElement: made, getElementById: (id) => parts[id] ?? null, addEventListener() {},
};
global.location = { hash: "" };
const doc = JSON.parse(require("fs").readFileSync(process.argv[2]));
global.fetch = async () => ({ json: async () => doc });
const lines = (node) => (typeof node === "string" ? [node]
  : [node.textContent, ...node.children.flatMap(lines)].filter(Boolean));
require(process.argv[1]);
setImmediate(() => {
  const shown = {};
  for (const article of parts.content.children.filter((each) => each.tag === "article")) {
    const before = lines(article);
    const open = (node) => { node.heard?.toggle?.(); (node.children ?? []).forEach(open); };
    open(article);
    shown[article.attributes.id] = [before, lines(article)];
  }
  console.log(JSON.stringify(shown));
});
"""


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    """Every operation by its id: the texts on the page, and those once everything is opened."""
    done = subprocess.run(
        [NODE, "-e", STAGE, SCRIPT, FOLDER / "openapi.json"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return {name: (before, after) for name, (before, after) in found.items()}


def test_an_answer_is_shown_as_its_example(drawn: Drawn) -> None:
    shown, _ = drawn["post_v1_chats"]

    (answer,) = [json.loads(text) for text in shown if text.startswith('{\n  "id"')]
    assert (answer["title"], answer["messageCount"]) == ("Walruses", 0)


def test_an_answer_of_a_wire_is_shown_whole_and_as_a_stream(
    drawn: Drawn,
) -> None:
    shown, _ = drawn["post_v1_chat_completions"]

    assert any(ANSWER in text and text.startswith("{") for text in shown)
    assert any(text.endswith("data: [DONE]") for text in shown)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("post_v1_api_keys", """-d '{"name":"my laptop","mode":"live"}'"""),
        ("post_oauth_token", "--data-urlencode 'grant_type=authorization_code'"),
        ("post_v1_books", "-F 'title=The Voyage Out'"),
        ("post_v1_books", "-F 'file=@file'"),
    ],
)
def test_a_request_can_be_copied(drawn: Drawn, name: str, line: str) -> None:
    (command,) = [text for text in drawn[name][0] if text.startswith("curl ")]

    assert line in command


def test_a_refusal_is_shown_once_it_is_opened(
    drawn: Drawn,
) -> None:
    before, after = drawn["get_v1_users_me"]

    assert "UNAUTHORIZED" in before
    assert not any('"code": "UNAUTHORIZED"' in text for text in before)
    assert any('"code": "UNAUTHORIZED"' in text for text in after)
