"""Counting tokens: near enough to reserve by, in any script, tools and images included."""

from base64 import b64encode
from typing import Any

import pytest

from jobs.llms.counting import (
    PER_IMAGE,
    PER_MESSAGE,
    count_tokens,
    least_tokens,
    most_tokens,
    prompt_tokens,
    reserved,
    room_beside,
)

BYTES = 48_000
HELD = b64encode(bytes(BYTES)).decode()
PDF = f"data:application/pdf;base64,{HELD}"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("Hello, world!", 4),
        ("internationalization", 4),
        ("موسوعة", 3),
        ("図書館", 2),
        ("x = y + 1", 5),
    ],
)
def test_a_text_is_about_so_many_tokens(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_a_prompt_counts_its_messages_images_tools_and_shapes() -> None:
    plain = prompt_tokens([{"role": "user", "content": "hi"}], {})
    parts = [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "x"}}]
    calls = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}

    assert plain == 1 + PER_MESSAGE
    assert prompt_tokens([{"role": "user", "content": parts}], {}) == plain + PER_IMAGE
    assert prompt_tokens([calls], {}) > PER_MESSAGE
    assert prompt_tokens([], {"tools": [{"name": "look"}]}) > 0


@pytest.mark.parametrize(
    ("part", "likely", "most"),
    [
        ({"type": "file", "file": {"file_data": PDF}}, BYTES // 16, BYTES),
        ({"type": "document", "source": {"type": "base64", "data": HELD}}, BYTES // 16, BYTES),
        ({"type": "document", "source": {"type": "text", "data": "é" * 8}}, 1, 16),
        ({"type": "input_audio", "input_audio": {"data": HELD}}, BYTES // 256 + 1, BYTES // 16),
        ({"type": "refusal", "refusal": "No, never."}, 1, 10),
    ],
    ids=["file", "document", "text", "audio", "refusal"],
)
def test_an_attachment_is_counted_by_its_size(part: dict[str, Any], likely: int, most: int) -> None:
    messages = [{"role": "user", "content": [part]}]

    assert prompt_tokens(messages, {}) == PER_MESSAGE + likely
    assert most_tokens(messages, {}) == reserved(PER_MESSAGE) + most
    assert least_tokens(messages, {}) == PER_MESSAGE


@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"file_data": "https://example.org/a.pdf"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}},
        {"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}},
        {"type": "file"},
    ],
)
def test_what_lies_elsewhere_may_fill_any_window(part: dict[str, Any]) -> None:
    assert most_tokens([{"role": "user", "content": [part]}], {}) > 100_000_000


def test_half_as_many_again_are_reserved() -> None:
    assert [reserved(n) for n in (0, 1, 2, 3)] == [0, 2, 3, 5]


@pytest.mark.parametrize(
    ("prompt", "window", "room"),
    [(100, 1_000, 850), (700, 1_000, 150), (900, 1_000, 50), (1_000, 1_000, 1), (2_000, 1_000, 1)],
)
def test_an_answer_has_the_room_that_a_prompt_leaves(prompt: int, window: int, room: int) -> None:
    assert room_beside(prompt, window) == room
