"""The hold-back: however an answer is cut, what is shown is what the whole would have been."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.safety.holdback import HoldBack
from jobs.safety.screen import STRICTNESSES, SafetyService, redacted
from models.kernel.errors import ContentBlocked
from tests.jobs.safety.sentences import CLEAN, FLAGGED

service = SafetyService()

CRUMBS = [
    "how", " to", " do i", " build", " make", " a", " bath", " bomb", " bomb", " shelter", "s", ".",
    "I want", " to", " die", " laughing", " kill", " myself", " for", "ing", "send", " me",
    " nudes", " hardcore", " porn", "ß", "ﬃ", "½", "\u200b", "\u0301", "😀", "\n", "  ", "-", "!",
    "b0", "mb", "quiero", " morir", "me de risa", "أريد", " أن", " أموت", " من الضحك", "Ich",
    " will", " sterben", "go back", " to your", " own", " country", "i could kill myself for",
]  # fmt: skip
TEXTS = st.lists(
    st.sampled_from(CRUMBS + [text for _, text in FLAGGED]) | st.text(max_size=3), max_size=24
).map("".join)


def streamed(pieces: Iterable[str], strictness: str) -> tuple[str, HoldBack, bool]:
    """Feed pieces; return what was shown, the screen, and whether it blocked."""
    screen = HoldBack(service, strictness)
    shown = ""
    try:
        for piece in pieces:
            shown += screen.feed(piece)
        shown += screen.flush()
    except ContentBlocked:
        return shown, screen, True
    return shown, screen, False


@settings(
    max_examples=600, derandomize=True, deadline=None, print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(text=TEXTS, strictness=st.sampled_from(list(STRICTNESSES)), data=st.data())
def test_however_a_text_is_cut_it_comes_out_as_the_whole_is_judged(
    text: str, strictness: str, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=12).map(sorted))
    edges = [0, *cuts, len(text)]
    pieces = [text[start:end] for start, end in pairwise(edges)]

    whole = service.check_output(text, strictness)
    shown, screen, is_blocked = streamed(pieces, strictness)

    assert is_blocked == whole.is_blocked
    if is_blocked:
        first = min(flag.start for flag in whole.flags if flag.action == "block")
        assert len(shown) <= first
        assert redacted(text, 0, whole.flags).startswith(shown)
    else:
        assert shown == whole.text
        assert tuple(screen.flags) == whole.flags


@pytest.mark.parametrize("text", [*CLEAN, *(text for _, text in FLAGGED)])
def test_letter_by_letter_a_sentence_is_judged_as_it_is_whole(text: str) -> None:
    whole = service.check_output(text, "strict")

    shown, _, is_blocked = streamed(text, "strict")

    assert is_blocked == whole.is_blocked
    assert is_blocked or shown == whole.text


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_nothing_of_a_blocked_phrase_is_ever_shown(size: int) -> None:
    text = "Of course. Here is how to build a bomb: first you"
    pieces = [text[at : at + size] for at in range(0, len(text), size)]

    shown, screen, is_blocked = streamed(pieces, "standard")

    assert is_blocked
    assert "Of course. Here is ".startswith(shown)
    assert [flag.category for flag in screen.flags] == ["illegal"]
    assert text[screen.flags[0].start : screen.flags[0].end] == "how to build a bomb"


def test_the_error_names_the_category_and_not_the_words() -> None:
    screen = HoldBack(service)

    with pytest.raises(ContentBlocked) as error:
        screen.feed("how to build a bomb. ")

    assert [detail.message for detail in error.value.details] == ["illegal"]


def test_ordinary_text_is_shown_at_once() -> None:
    screen = HoldBack(service)

    shown = [screen.feed(piece) for piece in ("The", " quiet", " brown", " fox", " leaps", ".")]

    assert shown == ["The", " quiet", " brown", " fox", " leaps", "."]


def test_what_may_become_a_phrase_waits_and_goes_on_when_it_did_not() -> None:
    screen = HoldBack(service)

    assert screen.feed("You see how") == "You see "
    assert screen.feed(" to build") == ""
    assert screen.feed(" a bo") == ""
    assert screen.feed("at from wood") == "how to build a boat from wood"


def test_a_phrase_of_medium_severity_is_redacted_across_its_pieces() -> None:
    shown, screen, _ = streamed(["He said: se", "nd me nu", "des, and ", "left."], "standard")

    assert shown == "He said: █████████████, and left."
    assert [(flag.severity, flag.action) for flag in screen.flags] == [("medium", "warn")]


def test_a_long_answer_is_held_by_no_more_than_a_phrase() -> None:
    screen = HoldBack(service)
    text = "how to build a boat, and how to make a bed. i want to go home. " * 400

    waiting = 0
    shown = ""
    for character in text:
        shown += screen.feed(character)
        waiting = max(waiting, len(screen._held))

    assert shown + screen.flush() == text
    assert waiting < 200
