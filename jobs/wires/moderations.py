"""The wire of OpenAI's moderations: what the lexicon found, under OpenAI's names."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from jobs.safety.screen import BLOCK, WARN, Verdict
from jobs.wires.fields import fault
from jobs.wires.wire import Body
from models.lexicon import HIGH, LOW, MEDIUM

MOST_TEXTS: Final = 256
MODEL: Final = "ilm-lexicon"

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "hate": ("hate",),
    "violence": ("violence",),
    "sexual": ("sexual",),
    "self_harm": ("self-harm",),
    "illegal": ("illicit",),
}
OTHERS: Final = (
    "harassment", "harassment/threatening", "hate/threatening", "illicit/violent",
    "self-harm/instructions", "self-harm/intent", "sexual/minors", "violence/graphic",
)  # fmt: skip
"""Categories of OpenAI's that the lexicon does not tell apart; never flagged by themselves."""

SCORES: Final[Mapping[str, float]] = {LOW: 0.3, MEDIUM: 0.7, HIGH: 0.95}
"""A lexicon knows no likelihood: a score says how grave the gravest find is."""


def texts_of(body: Body) -> list[str]:
    """Read the texts to judge; raise `Invalid` for what is no text: pictures are not judged."""
    given = body.get("input")
    entries = given if isinstance(given, list) else [given]
    if not entries or len(entries) > MOST_TEXTS:
        raise fault("input", f"must be 1 to {MOST_TEXTS} texts")
    return [_text(entry) for entry in entries]


def moderations_body(request_id: str, verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Write what was found in each text."""
    results = [_result(verdict) for verdict in verdicts]
    return {"id": request_id.replace("req_", "modr-", 1), "model": MODEL, "results": results}


def _text(entry: object) -> str:
    if isinstance(entry, Mapping) and entry.get("type") == "text":
        entry = entry.get("text")
    if not isinstance(entry, str):
        raise fault("input", "must be a text, a list of texts, or parts of the type text")
    return entry


def _result(verdict: Verdict) -> dict[str, Any]:
    names = [name for ours in NAMES.values() for name in ours] + list(OTHERS)
    flagged = dict.fromkeys(names, False)
    scores = dict.fromkeys(names, 0.0)
    for flag in verdict.flags:
        for name in NAMES[flag.category]:
            flagged[name] = flagged[name] or flag.action in {WARN, BLOCK}
            scores[name] = max(scores[name], SCORES[flag.severity])
    return {
        "flagged": any(flagged.values()),
        "categories": flagged,
        "category_scores": scores,
        "category_applied_input_types": {name: ["text"] for name in names},
    }
