"""Titles made of first messages (M-07)."""

import pytest

from jobs.chats.titles import LONGEST, title_of


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("Where does the walrus live? And why?", "Where does the walrus live?"),
        ("\n\n## **Walruses** of the `north`\nmore", "Walruses of the north"),
        ("Explain this.", "Explain this"),
        ("  many   spaces\there ", "many spaces here"),
        ("", ""),
        ("\n \n", ""),
    ],
)
def test_a_title_is_the_first_sentence_plain(message: str, title: str) -> None:
    assert title_of(message) == title


@pytest.mark.parametrize("message", ["word " * 100, "x" * 500, "كلمة " * 100])
def test_a_long_one_is_cut_and_says_so(message: str) -> None:
    title = title_of(message)

    assert len(title) <= LONGEST
    assert title.endswith("…")
    assert message.startswith(title[:-1])
