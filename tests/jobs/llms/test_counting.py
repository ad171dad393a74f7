"""Counting tokens: near enough to reserve by, in any script, tools and images included."""

import pytest

from jobs.llms.counting import PER_IMAGE, PER_MESSAGE, count_tokens, prompt_tokens, reserved


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


def test_half_as_many_again_are_reserved() -> None:
    assert [reserved(n) for n in (0, 1, 2, 3)] == [0, 2, 3, 5]
