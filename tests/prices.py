"""`make prices`: compare the catalogue's prices with the two public data sets (X-19).

The sets are genai-prices, which is installed, and the price file of LiteLLM, which is taken out of
its wheel as data and never imported. Nothing is changed: what differs is printed, and `--write`
keeps it in `docs/prices.md`. Every figure is USD per million tokens.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from zipfile import ZipFile

from genai_prices.data import providers
from genai_prices.types import TieredPrices

from models.embedders import EmbedderModel, embedders
from models.llms import PICO_PER_TOKEN, Llm, Price, llms

REPORT: Final = Path(__file__).parents[1] / "docs/prices.md"
LITELLM: Final = "1.109.1"
FILE: Final = "litellm/model_prices_and_context_window_backup.json"

KINDS: Final = {
    "input": ("input_mtok", "input_cost_per_token"),
    "cached": ("cache_read_mtok", "cache_read_input_token_cost"),
    "written": ("cache_write_mtok", "cache_creation_input_token_cost"),
    "written_long": ("cache_write_1h_mtok", "cache_creation_input_token_cost_above_1hr"),
    "output": ("output_mtok", "output_cost_per_token"),
}
ABOVE: Final = "above"
"""How many tokens a prompt may have before it is a long one; none is written as 0."""
LONG: Final = tuple(f"long {kind}" for kind in KINDS)
SELLERS: Final = {
    "openai": ("openai", ""),
    "anthropic": ("anthropic", ""),
    "google": ("google", "gemini/"),
    "xai": ("x-ai", "xai/"),
    "deepseek": ("deepseek", "deepseek/"),
    "mistral": ("mistral", "mistral/"),
    "qwen": ("", "dashscope/"),
    "llama": ("groq", "groq/"),
}
"""What the sets call a vendor: the provider of genai-prices, and the prefix of LiteLLM."""

PAGE: Final = """# Prices

The catalogue on {day}, beside genai-prices {genai} and the price file of LiteLLM {litellm}: USD per
million tokens, the vendor's own, without the markup. Written by `make prices` with `--write`; why
our figures are what they are stands at the head of `models/catalogue/llms.toml`.

Where an hour of the day is dearer than another, the dearest counts. Where a long prompt is dearer,
its price is compared too (`long …`), and how many tokens make it one (`above`).

Equal in both sets: {equal}.

## What differs, or is not in both

{table}
"""

Prices = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One model: our prices of a day by kind, and those of the sets; None when a set lacks it."""

    name: str
    ours: Prices
    genai: Prices | None
    litellm: Prices | None

    @property
    def differing(self) -> tuple[str, ...]:
        """The kinds of which a set says something else than we do."""
        stated = [known for known in (self.genai, self.litellm) if known is not None]
        return tuple(
            kind
            for kind, ours in self.ours.items()
            if any(known.get(kind, ours) != ours for known in stated)
        )

    @property
    def verdict(self) -> str:
        """Equal, differs, or which set lacks it."""
        if self.differing:
            return "differs"
        lacking = [
            name
            for name, known in (("genai-prices", self.genai), ("LiteLLM", self.litellm))
            if known is None
        ]
        return f"missing in {' and '.join(lacking)}" if lacking else "equal"


def compared(litellm: Mapping[str, Any], day: date) -> list[Row]:
    """Return a row for every model that somebody else runs, in the catalogue's order."""
    models: list[tuple[Llm | EmbedderModel, tuple[str, ...]]] = []
    models += [(llm, (*KINDS, ABOVE, *LONG)) for llm in llms().values()]
    models += [(embedder, ("input",)) for embedder in embedders().values()]
    return [
        Row(
            name=model.name,
            ours=ours(model.price_on(day), kinds),
            genai=genai_says(SELLERS[model.vendor][0], model.served_as, day),
            litellm=litellm_says(litellm, SELLERS[model.vendor][1] + model.served_as),
        )
        for model, kinds in models
        if model.vendor in SELLERS
    ]


def ours(price: Price, kinds: Sequence[str]) -> Prices:
    """Return a price of the catalogue by kind; of a long prompt, where that has its own."""
    of = {kind: _usd(price, kind) for kind in KINDS} | {ABOVE: Decimal(price.above)}
    if price.long is not None:
        of |= {f"long {kind}": _usd(price.long, kind) for kind in KINDS}
    return {kind: of[kind] for kind in kinds if kind in of}


def _usd(price: Price, kind: str) -> Decimal:
    return Decimal(getattr(price, kind)) / PICO_PER_TOKEN


def genai_says(provider: str, model: str, day: date) -> Prices | None:
    """Return what genai-prices says: of the dearest hour of the day, short prompt and long."""
    found = next((each.find_model(model) for each in providers if each.id == provider), None)
    if found is None:
        return None
    noon = datetime(day.year, day.month, day.day, tzinfo=UTC)
    hours = (vars(found.get_prices(noon + timedelta(hours=hour))) for hour in range(24))
    dearest = max(({k: _tiers(v) for k, v in each.items() if v} for each in hours), key=_input)
    said = {kind: dearest[key] for kind, (key, _) in KINDS.items() if key in dearest}
    return {
        **{kind: short for kind, (short, _, _) in said.items()},
        **{f"long {kind}": long for kind, (_, _, long) in said.items()},
        ABOVE: said["input"][1],
    }


def _tiers(price: Any) -> tuple[Decimal, Decimal, Decimal]:
    """Return the price of a short prompt, where a long one begins, and the price of that."""
    if not isinstance(price, TieredPrices):
        return price, Decimal(0), price
    (tier,) = price.tiers
    return price.base, Decimal(tier.start), tier.price


_input = itemgetter("input_mtok")


def litellm_says(entries: Mapping[str, Any], key: str) -> Prices | None:
    """Return what LiteLLM's file says of an entry; None when it has none, or one without a price.

    A free write into a cache is how it spells that there is no such price.
    """
    entry = entries.get(key, {})
    said = {
        kind: Decimal(entry[field]) * 1_000_000
        for kind, (_, field) in KINDS.items()
        if field in entry and (entry[field] or not kind.startswith("written"))
    }
    if "input" not in said:
        return None
    tier = next(filter(None, map(_TIER.fullmatch, entry)), None)
    suffix = tier[1] if tier else ""
    long = {
        f"long {kind}": Decimal(entry.get(KINDS[kind][1] + suffix, entry[KINDS[kind][1]]))
        * 1_000_000
        for kind in said
    }
    return said | long | {ABOVE: Decimal(tier[2]) * 1_000 if tier else Decimal(0)}


_TIER: Final = re.compile(r"input_cost_per_token(_above_(\d+)k_tokens)")


def litellm_file(given: Path | None) -> Mapping[str, Any]:
    """Return LiteLLM's price file: of this wheel or JSON, else of the wheel pip downloads."""
    with TemporaryDirectory() as folder:
        path = given or _download(Path(folder))
        if path.suffix == ".whl":
            with ZipFile(path) as wheel:
                text = wheel.read(FILE).decode()
        else:
            text = path.read_text(encoding="utf-8")
    found: Mapping[str, Any] = json.loads(text, parse_float=Decimal)
    return found


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    subprocess.run([*command, f"litellm=={LITELLM}"], check=True)
    return next(folder.glob("*.whl"))


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a table: a line for a model, or for each of its kinds that differ."""
    yield "| model | price | ours | genai-prices | LiteLLM | |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        for kind in row.differing or [kind for kind in ("input", "output") if kind in row.ours]:
            says = [_figure(known, kind) for known in (row.ours, row.genai, row.litellm)]
            yield f"| {row.name} | {kind} | {' | '.join(says)} | {row.verdict} |"


def _figure(known: Prices | None, kind: str) -> str:
    return "–" if known is None or kind not in known else f"{known[kind].normalize():f}"


def report(rows: Sequence[Row], day: date) -> str:
    """Return the page of what differs or cannot be compared."""
    equal = ", ".join(f"`{row.name}`" for row in rows if row.verdict == "equal")
    odd = [row for row in rows if row.verdict != "equal"]
    return PAGE.format(
        day=day.isoformat(),
        genai=version("genai-prices"),
        litellm=LITELLM,
        equal=equal,
        table="\n".join(table(odd)),
    )


def main() -> int:
    """Print the comparison; a difference is news and no failure."""
    words = argparse.ArgumentParser(prog="make prices", description=__doc__)
    words.add_argument("--litellm", type=Path, metavar="FILE", help="its wheel or its JSON")
    words.add_argument("--day", type=date.fromisoformat, help="the day of the prices, today if not")
    words.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    wish = words.parse_args()
    day = wish.day or datetime.now(UTC).date()
    rows = compared(litellm_file(wish.litellm), day)
    print("\n".join(table(rows)))
    verdicts = [row.verdict for row in rows]
    counts = {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)}
    print("\n" + ", ".join(f"{verdict}: {count}" for verdict, count in counts.items()))
    if wish.write:
        REPORT.write_text(report(rows, day), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
