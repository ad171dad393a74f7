"""Embeddings as a job: vectors of texts, priced and durable like any call (XC-01, B-11).

Vectors of different models do not compare, so that nobody stands in for the one that is named.
"""

import base64
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Final, Self

from jobs.job import Job
from jobs.llms.costs import charge, vendor_cost
from jobs.llms.counting import count_tokens, reserved
from jobs.llms.provider import Embedded, Embedder, Tokens
from jobs.llms.router import SANDBOX_VENDOR, TEST, Caller
from jobs.run import Outcome, Run, Usage
from models.embedders import EmbedderModel, embedder_named
from models.kernel.errors import Detail, Invalid, ModelNotAvailable, ModelNotFound, Unavailable
from models.kernel.money import EXACT, Estimate, Nano

SANDBOX: Final = "ilm-hashing"

Embedders = Mapping[str, Embedder]
"""The adapters of this process, by vendor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """Who makes the vectors, and what is held for them, as a job's row keeps it."""

    vendor: str
    priced_as: str
    hold_nano: int
    hold_tokens: int = 0
    rounding: str = EXACT

    @property
    def hold(self) -> Nano:
        """What is held."""
        return Nano(self.hold_nano)

    @property
    def estimate(self) -> Estimate:
        """What is held, tokens too."""
        return Estimate(self.hold, self.hold_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Vectors, who made them, and what that used."""

    model: str
    embedded: Embedded
    usage: Usage

    def to_row(self) -> dict[str, Any]:
        """Return it as a job's row keeps it; numbers have four bytes each, the lowest first."""
        numbers = array("f", (number for vector in self.embedded.vectors for number in vector))
        if sys.byteorder == "big":
            numbers.byteswap()
        return {
            "model": self.model,
            "vendor": self.usage.vendor,
            "count": len(self.embedded.vectors),
            "vectors": base64.b64encode(numbers.tobytes()).decode(),
            "tokens": self.embedded.tokens,
            "costNanoUsd": self.usage.cost.wire,
            "estimated": self.usage.estimated,
        }


def embedded_of(result: Mapping[str, Any]) -> Embedded:
    """Read the vectors that `Made.to_row` wrote."""
    numbers = array("f", base64.b64decode(result["vectors"]))
    if sys.byteorder == "big":
        numbers.byteswap()
    length = len(numbers) // max(result["count"], 1)
    vectors = [numbers[at : at + length] for at in range(0, len(numbers), length)]
    return Embedded(vectors, result["tokens"])


@dataclass(frozen=True, slots=True)
class Embed(Job):
    """Make a vector of each text. `plan` is a `Booked` as rows keep it."""

    name: ClassVar[str] = "llm.embedding"
    queue: ClassVar[str] = "llm"

    model: str
    texts: tuple[str, ...]
    dimensions: int | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)

    @property
    def estimate(self) -> Estimate:
        """The dearest it can become."""
        return Booked(**self.plan).estimate

    def booked(self, caller: Caller) -> Self:
        """Return this job with who makes it.

        Raises `ModelNotFound`, `ModelNotAvailable`, and `Invalid` for a length that cannot be.
        """
        return replace(self, plan=asdict(_booked(self, caller)))


def embed(job: Embed, embedders: Embedders, run: Run) -> Outcome:
    """Make the vectors; raise what `make_vectors` raises."""
    made = make_vectors(job, embedders, run)
    return Outcome(made.to_row(), usage=(made.usage,))


def make_vectors(job: Embed, embedders: Embedders, run: Run) -> Made:
    """Return vectors with their price; the vendor's count of tokens wins over ours.

    Raises what an `Embedder` and `Run.check` raise.
    """
    booked, model = Booked(**job.plan), _named(job.model)
    if booked.vendor not in embedders:
        raise ModelNotAvailable(f"{booked.vendor} is not configured at this worker")
    served_as = model.served_as if booked.vendor == model.vendor else booked.priced_as
    shorter = job.dimensions if booked.vendor == model.vendor else None
    try:
        embedded = embedders[booked.vendor].embed(served_as, job.texts, shorter, run.on_stop)
    except Unavailable:
        run.check()  # a socket that was shut from outside is no fault
        raise
    is_estimated = not embedded.tokens
    count = embedded.tokens or _tokens(job.texts)
    price = _named(booked.priced_as).price_on(run.created_at.date())
    cost = charge(Tokens(input=count, output=0), price, booked.rounding)
    usage = Usage(
        operation="embedding",
        llm=job.model,
        price_id=price.id,
        tokens_in=count,
        tokens_out=0,
        cost=min(cost, booked.hold) if is_estimated else cost,
        estimated=is_estimated,
        vendor=booked.vendor,
        vendor_cost=vendor_cost(Tokens(input=count, output=0), price),
    )
    return Made(model=job.model, embedded=replace(embedded, tokens=count), usage=usage)


def _booked(job: Embed, caller: Caller) -> Booked:
    model = _named(job.model)
    if job.dimensions is not None and not (
        job.dimensions == model.dimensions or (model.shortens and job.dimensions < model.dimensions)
    ):
        words = f"{model.name} makes vectors of {model.dimensions} numbers."
        raise Invalid(words, details=[Detail("dimensions", words)])
    if caller.mode == TEST:
        return Booked(vendor=SANDBOX_VENDOR, priced_as=SANDBOX, hold_nano=0)
    if model.vendor not in caller.served:
        raise ModelNotAvailable(f"{model.name} cannot answer: its vendor is not configured here")
    most = Tokens(input=reserved(_tokens(job.texts)), output=0)
    hold = charge(most, model.price_on(caller.today), caller.rounding)
    tokens = most.input if hold else 0
    return Booked(
        vendor=model.vendor,
        priced_as=model.name,
        hold_nano=hold.amount,
        hold_tokens=tokens,
        rounding=caller.rounding,
    )


def _named(name: str) -> EmbedderModel:
    model = embedder_named(name)
    if model is None:
        raise ModelNotFound(f"there is no embedding model called {name}")
    return model


def _tokens(texts: Sequence[str]) -> int:
    return sum(map(count_tokens, texts))
