"""Rules: when a number means that something is wrong. They stand in `catalogue/alerts.toml`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from models.catalogue.reader import entries
from models.kernel.exposition import Sample
from models.kernel.ledgers import Series
from models.kernel.measures import measures

ALL: Final = "all"
JOINT: Final = " at "

_DECLARED: Final = {metric.name: metric for metric in measures()}


class Readings:
    """Every number at one moment; of what is spread, how often it was."""

    def __init__(self, counted: Series, found: Sequence[Sample]) -> None:
        """Take what processes counted and what was found out."""
        self._values: dict[str, dict[tuple[str, ...], float]] = {}
        for (kind, name, labels), numbers in counted.items():
            amount = sum(numbers[:-1]) if kind == "histogram" else numbers[0]
            self._values.setdefault(name, {})[labels] = amount
        for metric, labels, value in found:
            self._values.setdefault(metric.name, {})[labels] = float(value)

    def has(self, name: str) -> bool:
        """Say whether anything is known of a metric."""
        return name in self._values

    def sums(
        self, name: str, by: Sequence[str], where: Mapping[str, str] | None = None
    ) -> dict[str, float]:
        """Return the sums of a metric by labels, of the parts whose labels match."""
        words = _DECLARED[name].labels
        told: dict[str, float] = {}
        for labels, value in self._values.get(name, {}).items():
            named = dict(zip(words, labels, strict=False))
            if all(re.fullmatch(rule, named.get(n, "")) for n, rule in (where or {}).items()):
                subject = JOINT.join(named[word] for word in by)
                told[subject] = told.get(subject, 0.0) + value
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """Something that is so at this moment, and may become an alert."""

    name: str
    subject: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the catalogue, which explains its fields."""

    severity: str
    words: str
    metric: str
    by: Sequence[str] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    within: int = 0
    share_of: str = ""
    least: float = 0
    above: float | None = None
    below: float | None = None
    unless: str = ""
    after: int = 0

    def is_known(self, now: Readings, before: Readings | None) -> bool:
        """Say whether it can be judged by what is known."""
        return now.has(self.metric) and (not self.within or before is not None)

    def symptoms(self, name: str, now: Readings, before: Readings | None) -> Iterator[Symptom]:
        """Yield what it holds of; `before` are the readings from the beginning of its window."""
        excused = now.sums(self.unless, self.by) if self.unless else {}
        for subject, value in self._values(now, before).items():
            if self._holds(value) and not excused.get(subject):
                told = self.words.format(subject=subject, value=value)
                yield Symptom(name=name, subject=subject, words=told)

    def _values(self, now: Readings, before: Readings | None) -> dict[str, float]:
        parts = self._grown(self.metric, self.where, now, before)
        if not self.share_of:
            return parts
        whole_name = self.metric if self.share_of == ALL else self.share_of
        wholes = self._grown(whole_name, {}, now, before)
        return {
            subject: parts.get(subject, 0.0) / whole
            for subject, whole in wholes.items()
            if whole > 0 and whole >= self.least
        }

    def _grown(
        self, name: str, where: Mapping[str, str], now: Readings, before: Readings | None
    ) -> dict[str, float]:
        sums = now.sums(name, self.by, where)
        if not self.within or before is None:
            return sums
        past = before.sums(name, self.by, where)
        return {subject: value - past.get(subject, 0.0) for subject, value in sums.items()}

    def _holds(self, value: float) -> bool:
        is_high = self.above is not None and value > self.above
        return is_high or (self.below is not None and value < self.below)


def rules() -> Mapping[str, Rule]:
    """Return the rules there are, by name."""
    return entries("alerts", Rule)
