"""Vendors that say what they are given to say, and break where they are told to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.llms.breakers import Circuit
from jobs.llms.provider import Finish, Limits, OnStop, Piece, Provider, Request, Tokens
from jobs.llms.question import Llms
from models.kernel.errors import ModelNotAvailable
from tests.fakes.clock import FakeClock

USED = Tokens(input=1_000, output=200)
WHOLE = Finish("stop", USED)


class FakeProvider:
    """Answers each call with the next of its scripts; an error in a script is raised there."""

    def __init__(self, *scripts: list[Piece | Exception]) -> None:
        self.scripts = list(scripts)
        self.asked: list[Request] = []
        self.closed = 0

    def stream(self, request: Request, on_stop: OnStop) -> Iterator[Piece]:
        self.asked.append(request)
        on_stop(lambda: None)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        try:
            for piece in script:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.closed += 1


@dataclass
class FakeProviders:
    """The vendors of a worker, by name."""

    house: Mapping[str, Provider]
    own: Mapping[str, Provider] = field(default_factory=dict)

    def for_own_key(self, vendor: str) -> Provider:
        if vendor not in self.own:
            raise ModelNotAvailable("nobody has an address of it")
        return self.own[vendor]


@dataclass
class FakeBreakers:
    """Breakers that open when a test says so, and remember what they were told."""

    open: set[Circuit] = field(default_factory=set)
    reports: list[tuple[str, bool]] = field(default_factory=list)
    released: list[str] = field(default_factory=list)

    def admits(self, circuit: Circuit) -> bool:
        return circuit not in self.open

    def report(self, circuit: Circuit, *, failed: bool) -> bool:
        self.reports.append((circuit.llm, failed))
        return False

    def release(self, circuit: Circuit) -> None:
        self.released.append(circuit.llm)


def llms(own: Mapping[str, Provider] | None = None, **house: Any) -> Llms:
    """Return what calls are made through, with these vendors."""
    return Llms(
        providers=FakeProviders(house, own or {}), breakers=FakeBreakers(), clock=FakeClock(),
        limits=Limits(first=1), reasoning_limits=Limits(first=2),
    )  # fmt: skip
