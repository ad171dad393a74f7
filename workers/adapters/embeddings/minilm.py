"""all-MiniLM-L6-v2 without torch: our own graph of its weights, run by onnxruntime on one thread.

It reads English best. A text counts up to 256 word pieces; what is beyond them is not read.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
from tokenizers import Tokenizer

from jobs.llms.provider import Embedded, OnStop, unstopped
from models.kernel.errors import UpstreamRefused
from models.kernel.ids import new_id
from workers.adapters.embeddings.graph import VERSION, WIDTH, graph_of
from workers.adapters.embeddings.weights import PUBLISHED, WEIGHTS, Weights

MOST_PIECES: Final = 256
BATCH: Final = 16
"""Texts of one run; those of about one length run together, so little is padding."""

_QUIET: Final = 3


class MiniLm:
    """The embedder `ilm-minilm`; what is built of the weights is kept in a folder.

    Loaded at the first call. May be called from several threads.
    """

    def __init__(self, weights: Weights, folder: Path) -> None:
        """Take the weights, and the folder of what is built of them."""
        self._weights = weights
        self._folder = folder
        self._lock = Lock()
        self._loaded: tuple[Tokenizer, onnxruntime.InferenceSession] | None = None

    def embed(
        self,
        llm: str,
        texts: Sequence[str],
        dimensions: int | None,
        on_stop: OnStop = unstopped,
    ) -> Embedded:
        """Return a unit vector of 384 dimensions for each text; a token is a word piece.

        Raises `UpstreamRefused` for another number of dimensions, `Unavailable` when the weights
        are gone or not the published ones.
        """
        del on_stop
        if dimensions not in {None, WIDTH}:
            raise UpstreamRefused(f"{llm} has vectors of {WIDTH} dimensions and no others")
        tokenizer, session = self._load()
        pieces = [tokenizer.encode(text).ids for text in texts]
        vectors: list[Sequence[float]] = [()] * len(texts)
        for places in _batches(pieces):
            ids, mask = _padded([pieces[place] for place in places])
            (found,) = session.run(["vectors"], {"ids": ids, "mask": mask})
            for place, vector in zip(places, found.tolist(), strict=True):
                vectors[place] = vector
        return Embedded(vectors, sum(map(len, pieces)))

    def _load(self) -> tuple[Tokenizer, onnxruntime.InferenceSession]:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._tokenizer(), self._session()
            return self._loaded

    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_str(self._weights.tokenizer())
        tokenizer.no_padding()
        tokenizer.enable_truncation(MOST_PIECES)
        return tokenizer

    def _session(self) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        return onnxruntime.InferenceSession(
            self._graph(), options, providers=["CPUExecutionProvider"]
        )

    def _graph(self) -> Path:
        """Return the file of the graph, built if it is not there; a half-written one never is."""
        path = self._folder / f"minilm-{PUBLISHED[WEIGHTS][:12]}-{VERSION}.onnx"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{new_id().hex}.part")
            onnx.save(graph_of(self._weights.tensors()), part)
            part.replace(path)
        return path


def _batches(pieces: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield the places of texts that run together, the shortest first."""
    order = sorted(range(len(pieces)), key=lambda place: len(pieces[place]))
    for start in range(0, len(order), BATCH):
        yield order[start : start + BATCH]


def _padded(rows: Sequence[Sequence[int]]) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Return word pieces and which of them are there, both of shape (texts, longest)."""
    longest = max(map(len, rows))
    ids = np.zeros((len(rows), longest), np.int64)
    mask = np.zeros_like(ids)
    for row, pieces in enumerate(rows):
        ids[row, : len(pieces)] = pieces
        mask[row, : len(pieces)] = 1
    return ids, mask
