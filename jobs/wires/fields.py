"""Fields of a wire's request: read just enough to route it, in words that name what is wrong."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from models.kernel.errors import Detail, Invalid


def fault(field: str, words: str) -> Invalid:
    """Return the refusal of one field."""
    return Invalid(f"{field}: {words}", details=[Detail(field, words)])


def text(fields: Mapping[str, Any], name: str, at: str = "") -> str:
    """Return a text that is there and not empty; `at` is the path of the object it is in."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise fault(at + name, "must be a text, and not empty")
    return value


def choice(fields: Mapping[str, Any], name: str, among: Collection[str], at: str = "") -> str:
    """Return a text that is one of some."""
    value = fields.get(name)
    if not isinstance(value, str) or value not in among:
        raise fault(at + name, f"must be one of {', '.join(among)}")
    return value


def items(fields: Mapping[str, Any], name: str, at: str = "") -> Sequence[Mapping[str, Any]]:
    """Return a list of objects; an empty one, or none, is refused."""
    value = fields.get(name)
    if not isinstance(value, list) or not value:
        raise fault(at + name, "must be a list, and not empty")
    return objects(value, at + name)


def objects(value: object, at: str) -> Sequence[Mapping[str, Any]]:
    """Return a list of objects, which may be empty; null counts as empty."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise fault(at, "must be a list")
    for place, entry in enumerate(value):
        if not isinstance(entry, Mapping):
            raise fault(f"{at}[{place}]", "must be an object")
    return value


def mapping(fields: Mapping[str, Any], name: str, at: str = "") -> Mapping[str, Any]:
    """Return an object; one that is absent or null is empty."""
    value = fields.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise fault(at + name, "must be an object")
    return value


def count(fields: Mapping[str, Any], *names: str) -> int | None:
    """Return the first of some whole numbers above zero that is there; None when none is."""
    for name in names:
        value = fields.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise fault(name, "must be a whole number above zero")
        return value
    return None


def flag(fields: Mapping[str, Any], name: str, *, usual: bool = False) -> bool:
    """Return a truth value; one that is absent or null is as usual."""
    value = fields.get(name)
    if value is None:
        return usual
    if not isinstance(value, bool):
        raise fault(name, "must be true or false")
    return value


def others(fields: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Return what is passed on as it is: every field not known here, unless it is null."""
    return {
        name: value for name, value in fields.items() if name not in known and value is not None
    }
