"""Exposition: what was counted, written as Prometheus reads it (text format 0.0.4)."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from models.kernel.ledgers import Series
from models.kernel.measures import measures
from models.kernel.metrics import Histogram, Metric

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[Metric, tuple[str, ...], float]
"""What was found out at the moment of asking, rather than counted."""


def exposition(counted: Series, found: Iterable[Sample] = ()) -> str:
    """Return the page: every measure that has a number, with its words and kind.

    What a process of another release counts under a name we do not know is left out.
    """
    series = dict(counted)
    for metric, labels, value in found:
        series[metric.kind, metric.name, labels] = [value]
    by_name: dict[tuple[str, str], list[tuple[tuple[str, ...], list[float]]]] = {}
    for (kind, name, labels), numbers in sorted(series.items()):
        by_name.setdefault((kind, name), []).append((labels, numbers))
    lines: list[str] = []
    for metric in measures():
        rows = by_name.get((metric.kind, metric.name), ())
        known = [(labels, numbers) for labels, numbers in rows if _fits(metric, labels, numbers)]
        if known:
            lines += (
                f"# HELP {metric.name} {metric.words}",
                f"# TYPE {metric.name} {metric.kind}",
            )
        for labels, numbers in known:
            lines += _lines(metric, labels, numbers)
    return "\n".join(lines) + "\n"


def _fits(metric: Metric, labels: Sequence[str], numbers: Sequence[float]) -> bool:
    return len(labels) == len(metric.labels) and len(numbers) == metric.size


def _lines(metric: Metric, labels: Sequence[str], numbers: Sequence[float]) -> Iterator[str]:
    pairs = [f'{name}="{_escaped(word)}"' for name, word in zip(metric.labels, labels, strict=True)]
    if not isinstance(metric, Histogram):
        yield f"{metric.name}{_braced(pairs)} {_number(numbers[0])}"
        return
    *buckets, total = numbers
    bounds = [*map(_number, metric.bounds), "+Inf"]
    counts = list(accumulate(buckets))
    for bound, count in zip(bounds, counts, strict=True):
        le = f'le="{bound}"'
        yield f"{metric.name}_bucket{_braced([*pairs, le])} {_number(count)}"
    yield f"{metric.name}_sum{_braced(pairs)} {_number(total)}"
    yield f"{metric.name}_count{_braced(pairs)} {_number(counts[-1])}"


def _braced(pairs: Sequence[str]) -> str:
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(word: str) -> str:
    return word.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
