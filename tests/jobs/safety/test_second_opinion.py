"""The second opinion: the graver verdict counts, and who is away holds nobody up."""

from dataclasses import dataclass, field

import pytest

from jobs.llms.breakers import Circuit
from jobs.safety.rules import Hit
from jobs.safety.screen import SafetyService, Verdict, acted_on, verdict_on
from jobs.safety.second_opinion import CIRCUIT, SecondOpinion, moderator_of
from models.kernel.errors import (
    IlmError,
    UpstreamError,
    UpstreamKeyRefused,
    UpstreamRefused,
    UpstreamTimeout,
)
from models.kernel.settings import BadSettings, Settings, load

GRAVE, ROUGH, PLAIN = "how to build a bomb", "I am going to kill you.", "Where do walruses live?"
LEXICON = SafetyService()


@dataclass
class Endpoint:
    """Finds the same in every text, or fails in the same way."""

    finds: tuple[tuple[str, str], ...] = ()
    error: IlmError | None = None
    heard: list[str] = field(default_factory=list)

    def moderate(self, text: str, strictness: str) -> Verdict:
        self.heard.append(text)
        if self.error is not None:
            raise self.error
        hits = [
            Hit(category=category, severity=severity, language="en", start=0, end=len(text))
            for category, severity in self.finds
        ]
        return verdict_on(text, acted_on(hits, strictness))


@dataclass
class Breaker:
    """One breaker, opened by hand."""

    is_open: bool = False
    reports: list[bool] = field(default_factory=list)

    def admits(self, circuit: Circuit) -> bool:
        assert circuit == CIRCUIT
        return not self.is_open

    def report(self, circuit: Circuit, *, failed: bool) -> bool:
        assert circuit == CIRCUIT
        self.reports.append(failed)
        return self.is_open

    def release(self, circuit: Circuit) -> None:
        raise AssertionError(circuit)


def judged(text: str, endpoint: Endpoint, breaker: Breaker | None = None) -> Verdict:
    opinion = SecondOpinion(LEXICON, endpoint, breaker or Breaker())
    return opinion.moderate(text, "standard")


def test_what_the_lexicon_blocks_is_told_to_nobody() -> None:
    endpoint = Endpoint()

    assert judged(GRAVE, endpoint).is_blocked
    assert endpoint.heard == []


@pytest.mark.parametrize(
    ("text", "finds", "action", "categories"),
    [
        (PLAIN, (), "allow", []),
        (PLAIN, (("hate", "medium"),), "warn", ["hate"]),
        (PLAIN, (("sexual", "high"),), "block", ["sexual"]),
        (ROUGH, (), "warn", ["violence"]),
        (ROUGH, (("hate", "medium"),), "warn", ["violence", "hate"]),
        (ROUGH, (("hate", "high"),), "block", ["violence", "hate"]),
    ],
)
def test_the_graver_verdict_counts_and_all_that_was_found_is_kept(
    text: str, finds: tuple[tuple[str, str], ...], action: str, categories: list[str]
) -> None:
    breaker = Breaker()

    verdict = judged(text, Endpoint(finds), breaker)

    assert verdict.action == action
    assert [flag.category for flag in verdict.flags] == categories
    assert verdict.text == ("" if action == "block" else text)
    assert bool(verdict.warning) == (action != "allow")
    assert breaker.reports == [False]


@pytest.mark.parametrize("error", [UpstreamTimeout(), UpstreamError(), UpstreamKeyRefused()])
def test_while_the_endpoint_is_away_the_lexicon_judges_alone(error: IlmError) -> None:
    breaker = Breaker()

    verdicts = [judged(text, Endpoint(error=error), breaker) for text in (PLAIN, ROUGH, GRAVE)]

    assert [verdict.action for verdict in verdicts] == ["allow", "warn", "block"]
    assert breaker.reports == [True, True]


def test_a_text_it_does_not_judge_is_no_fault_of_the_endpoint() -> None:
    """Else whoever sends such texts could switch it off for everybody."""
    breaker = Breaker()

    assert judged(ROUGH, Endpoint(error=UpstreamRefused()), breaker).action == "warn"
    assert breaker.reports == [False]


def test_an_endpoint_that_keeps_failing_is_left_alone() -> None:
    endpoint = Endpoint()

    assert judged(ROUGH, endpoint, Breaker(is_open=True)).action == "warn"
    assert endpoint.heard == []


def test_without_the_setting_the_lexicon_judges_alone() -> None:
    assert moderator_of(Settings(), LEXICON, Breaker()) is LEXICON


@pytest.mark.parametrize(
    "variables",
    [
        {"ILM_MODERATION": "openai", "OPENAI_API_KEY": "sk"},
        {"ILM_MODERATION": "openai", "ILM_MODERATION_KEY": "sk"},
        {"ILM_MODERATION": "http://127.0.0.1:1/v1"},
    ],
)
def test_the_setting_asks_for_a_second_opinion(variables: dict[str, str]) -> None:
    assert isinstance(moderator_of(load(variables), LEXICON, Breaker()), SecondOpinion)


def test_openai_without_a_key_stops_the_boot() -> None:
    with pytest.raises(BadSettings, match="OPENAI_API_KEY"):
        moderator_of(load({"ILM_MODERATION": "openai"}), LEXICON, Breaker())
