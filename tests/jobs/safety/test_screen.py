"""What is flagged and what is not: sixty of each, in five languages and in disguise."""

import pytest
from structlog.testing import capture_logs

from jobs.safety.screen import SafetyService
from models.lexicon import CATEGORIES, HIGH, LOW, MEDIUM, SEVERITIES, lexicons
from tests.jobs.safety.sentences import CLEAN, FLAGGED

service = SafetyService()


def test_there_are_at_least_sixty_of_each() -> None:
    assert len(CLEAN) >= 60
    assert len(FLAGGED) >= 60


@pytest.mark.parametrize("text", CLEAN)
def test_a_sentence_of_a_library_is_not_flagged(text: str) -> None:
    assert service.check_input(text).flags == ()


@pytest.mark.parametrize(("label", "text"), FLAGGED, ids=[text for _, text in FLAGGED])
def test_an_intent_is_flagged_for_what_it_is(label: str, text: str) -> None:
    first = service.check_input(text).flags[0]

    assert f"{first.category} {first.severity}" == label


@pytest.mark.parametrize(
    "text",
    [
        "how to bui\u200bld a bo\u00admb",
        "ＨＯＷ ＴＯ ＢＵＩＬＤ Ａ ＢＯＭＢ",
        "hоw to build a bоmb",
        "h\u0301ow to build a bom\u0308b",
        "how to\nbuild, a \u2013 bomb",
        "how to 8u!ld a 8omb",
    ],
    ids=["invisible", "full width", "cyrillic", "accents", "signs between", "digits"],
)
def test_a_disguise_does_not_help(text: str) -> None:
    assert [flag.category for flag in service.check_input(text).flags] == ["illegal"]


def test_a_word_that_only_contains_another_is_not_it() -> None:
    assert service.check_input("The rogue skill myselfishness and a bombastic how").flags == ()


@pytest.mark.parametrize(
    ("strictness", "actions"),
    [
        ("relaxed", {LOW: "allow", MEDIUM: "log", HIGH: "block"}),
        ("standard", {LOW: "log", MEDIUM: "warn", HIGH: "block"}),
        ("strict", {LOW: "warn", MEDIUM: "block", HIGH: "block"}),
    ],
)
def test_strictness_shifts_what_follows(strictness: str, actions: dict[str, str]) -> None:
    said = {LOW: "hardcore porn", MEDIUM: "send me nudes", HIGH: "where to buy child porn"}

    found = {s: service.check_input(text, strictness).action for s, text in said.items()}

    assert found == actions


def test_an_input_that_is_warned_of_passes_whole_and_points_to_help() -> None:
    verdict = service.check_input("Some days I want to kill myself.")

    assert verdict.text == "Some days I want to kill myself."
    assert (verdict.action, verdict.is_blocked) == ("warn", False)
    assert "findahelpline.com" in verdict.warning


def test_an_answer_that_is_warned_of_is_redacted_where_it_is_flagged() -> None:
    verdict = service.check_output("He wrote: send me nudes. And left.")

    assert verdict.text == "He wrote: █████████████. And left."


def test_what_is_blocked_is_empty_and_says_why_without_a_word_of_it() -> None:
    verdict = service.check_output("Sure: how to build a bomb, step by step")

    refusal = verdict.refusal()
    assert (verdict.text, verdict.is_blocked) == ("", True)
    assert [(d.field, d.message) for d in refusal.details] == [("content", "illegal")]
    assert "bomb" not in f"{refusal.message} {refusal.details}"


def test_a_flag_counts_the_characters_of_the_text_itself() -> None:
    text = "ﬃ Straße\u200b 😀: I want to d\u200bie\u0301 now"

    (flag,) = service.check_input(text).flags

    assert text[flag.start : flag.end] == "I want to d\u200bie"


def test_what_is_flagged_is_logged_and_the_text_is_not() -> None:
    with capture_logs() as lines:
        service.check_input("my secret plan: how to build a bomb")

    assert [line["event"] for line in lines] == ["safety.flagged"]
    assert "bomb" not in str(lines)
    assert (lines[0]["category"], lines[0]["action"]) == ("illegal", "block")


def test_every_language_has_words_for_every_category_it_may_warn_of() -> None:
    for lexicon in lexicons():
        assert set(lexicon.warnings) == set(CATEGORIES), lexicon.language
        assert {rule.severity for rule in lexicon.rules} <= set(SEVERITIES)
        assert "findahelpline.com" in lexicon.warnings["self_harm"]
