"""Reading lines: cut anywhere they are the same, and what is wrong is told by its number."""

import json
from random import Random
from typing import Any

import pytest

from jobs.batches import reading
from jobs.batches.reading import Reader, pieces
from models.batches import ANTHROPIC, OPENAI
from models.kernel.errors import Malformed
from tests.jobs.batches.conftest import CHAT, line


def read(*chunks: bytes, shape: str = OPENAI) -> Reader:
    reader = Reader(shape, CHAT if shape == OPENAI else "/v1/messages")
    reader.check(chunks)
    return reader


def told(reader: Reader) -> list[tuple[int | None, str, str | None]]:
    return [(fault.number, fault.code, fault.param) for fault in reader.faults]


@pytest.mark.parametrize("seed", range(20))
def test_lines_are_the_same_wherever_the_bytes_are_cut(seed: int) -> None:
    dice = Random(seed)
    content = "\ufeff" + "\r\n".join(json.dumps(line(n), ensure_ascii=False) for n in range(9))
    content = content.replace("number", "nümber") + "\n\n\n"
    whole = content.encode()
    cuts = sorted(dice.choices(range(len(whole)), k=12))
    chunks = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    reader = Reader(OPENAI, CHAT)
    numbered = list(reader.lines(chunks))

    assert reader.faults == []
    assert [each.number for each in numbered] == list(range(1, 10))
    assert [each.line.custom_id for each in numbered] == [f"n{n}" for n in range(9)]
    assert json.loads(numbered[3].asked) == numbered[3].line.body


def test_empty_lines_are_counted_and_left_out() -> None:
    assert list(pieces([b"a\n\n  \nb"])) == [(1, b"a"), (4, b"b")]


@pytest.mark.parametrize(
    ("written", "code", "param"),
    [
        (b"{", "invalid_json_line", None),
        (b"[]", "invalid_json_line", None),
        (b"\xff{}", "invalid_json_line", None),
        (b"{}", "invalid_request", "method"),
        (json.dumps({**line(0), "custom_id": 7}).encode(), "invalid_request", "custom_id"),
        (json.dumps({**line(0), "custom_id": "x" * 257}).encode(), "invalid_request", "custom_id"),
        (json.dumps({**line(0), "body": {}}).encode(), "invalid_request", "body"),
        (json.dumps({**line(0), "url": "/v1/other"}).encode(), "invalid_request", "url"),
        (json.dumps({**line(0), "custom_id": "a\0"}).encode(), "invalid_json_line", None),
        (json.dumps(line(0, user="\ud800")).encode(), "invalid_json_line", None),
    ],
    ids=["cut", "list", "latin", "empty", "id", "long", "body", "url", "NUL", "half"],
)
def test_a_line_that_cannot_be_asked_is_told_by_its_number(
    written: bytes, code: str, param: str | None
) -> None:
    good = json.dumps(line(1)).encode()

    assert told(read(good + b"\n" + written)) == [(2, code, param)]


def test_a_name_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    content = "\n".join(json.dumps(line(n)) for n in (1, 2, 1)).encode()

    assert told(read(content)) == [(3, "invalid_request", "custom_id")]


def test_a_file_without_lines_or_with_too_many_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "MOST_LINES", 3)
    content = "\n".join(json.dumps(line(n)) for n in range(4)).encode()

    assert told(read(b"\n \n")) == [(None, "empty_file", None)]
    assert told(read(content)) == [(None, "too_many_tasks", None)]


def test_a_line_without_end_is_refused_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "LARGEST_LINE", 10)

    with pytest.raises(Malformed, match="line 2 is longer"):
        read(b"{}\n", b"x" * 11)


def test_the_faults_of_a_file_that_is_wrong_all_over_are_bounded() -> None:
    assert len(read(b"{\n" * 1_000).faults) == reading.MOST_FAULTS


def test_anthropics_requests_are_lines_too() -> None:
    params: dict[str, Any] = {"model": "m", "max_tokens": 5, "messages": []}
    lines = [{"custom_id": "a", "params": params}, {"custom_id": "b"}]
    content = "\n".join(map(json.dumps, lines)).encode()

    assert told(read(content, shape=ANTHROPIC)) == [(2, "invalid_request", "params")]
