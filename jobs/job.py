"""The job value: what to do, frozen, and made of ids rather than rows."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self, get_type_hints
from uuid import UUID

from models.kernel.money import NOTHING, Estimate


@dataclass(frozen=True, slots=True)
class Job:
    """The parent of every job value. Its fields are the `input` of the job's row.

    `name` is the type on the wire and of its actor; `queue` has a policy in `queues.toml`;
    `is_public` says whether clients may submit it (CONTRACT §4).
    """

    name: ClassVar[str]
    queue: ClassVar[str]
    is_public: ClassVar[bool] = False

    @property
    def subject(self) -> UUID | None:
        """What the job is about (a book), so that its latest job can be found."""
        return None

    @property
    def estimate(self) -> Estimate:
        """What the job may take at most: held when it is accepted."""
        return NOTHING

    def to_input(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {name: _plain(value) for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_input(cls, source: Mapping[str, Any]) -> Self:
        """Rebuild the value from its row; fields a newer release added take their defaults."""
        hints = _hints(cls)  # type: ignore[arg-type]  # a class is hashable
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{n: _rich(hints[n], v) for n, v in source.items() if n in known})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _rich(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if hint is UUID or hint == UUID | None:
        return UUID(value)
    return tuple(value) if isinstance(value, list) else value
