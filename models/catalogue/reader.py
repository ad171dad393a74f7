"""The reader of the catalogue: a TOML file beside this one becomes typed entries, once.

A field the type does not know, or one that is missing, stops the boot: data is checked as code is.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, TypeVar

T = TypeVar("T")


@cache
def read(name: str) -> Mapping[str, Any]:
    """Return the whole of `<name>.toml` of the catalogue."""
    text = files("models.catalogue").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


@cache
def entries(name: str, of: type[T]) -> Mapping[str, T]:
    """Return every top-level table of a file as a value of this type, under its own name."""
    return MappingProxyType({key: of(**fields) for key, fields in read(name).items()})
