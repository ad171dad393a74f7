"""The embedders of this machine, by the names the catalogue has for them.

The libraries that one needs are loaded with its first text: most workers never embed any.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Final

from jobs.llms.provider import Embedded, Embedder, OnStop, unstopped
from models.kernel.errors import ModelNotFound
from models.kernel.logs import get_logger
from workers.adapters.embeddings.hashing import Hashing
from workers.adapters.embeddings.weights import Weights

MINILM: Final = "ilm-minilm"
HASHING: Final = "ilm-hashing"

log = get_logger(__name__)


class LocalEmbedder:
    """The vendor `ilm` of vectors: asks the embedder that bears the name."""

    def __init__(self, makers: Mapping[str, Callable[[], Embedder]]) -> None:
        """Take what makes the embedders, by name."""
        self._makers = makers
        self._made: dict[str, Embedder] = {}
        self._lock = Lock()

    @property
    def names(self) -> frozenset[str]:
        """Those that can be asked."""
        return frozenset(self._makers)

    @property
    def usual(self) -> str:
        """The best there is here: what a library is embedded with, unless a setting says more."""
        return MINILM if MINILM in self._makers else HASHING

    def embed(
        self,
        llm: str,
        texts: Sequence[str],
        dimensions: int | None,
        on_stop: OnStop = unstopped,
    ) -> Embedded:
        """Return a unit vector for each text; raise `ModelNotFound` for one that is not here.

        Vectors of different embedders do not compare, so none stands in for another.
        """
        return self._embedder(llm).embed(llm, texts, dimensions, on_stop)

    def _embedder(self, name: str) -> Embedder:
        if name not in self._makers:
            raise ModelNotFound(f"{name} is not installed here")
        with self._lock:
            if name not in self._made:
                self._made[name] = self._makers[name]()
            return self._made[name]


def local_embedder(folder: Path, weights: Weights | None) -> LocalEmbedder:
    """Return what can be run here; without weights, hashing alone, and a line in the log says so.

    `folder` keeps what is built of the weights.
    """
    if weights is None:
        log.warning("embeddings.without_weights", usual=HASHING, missing=MINILM)
        return LocalEmbedder({HASHING: Hashing})
    return LocalEmbedder({HASHING: Hashing, MINILM: partial(_minilm, weights, folder)})


def _minilm(weights: Weights, folder: Path) -> Embedder:
    from workers.adapters.embeddings.minilm import MiniLm

    return MiniLm(weights, folder)
