"""all-MiniLM-L6-v2 once more, in plain numpy and float64: what the graph is checked against."""

import math
from typing import Any

import numpy as np

from workers.adapters.embeddings.weights import Tensors

LAYERS, HEADS, WIDTH = 6, 12, 384

Array = np.ndarray[Any, Any]


def forward(tensors: Tensors, ids: list[int]) -> Array:
    """Return the unit vector of one text's word pieces, shape (384,)."""
    get = {name: value.astype(np.float64) for name, value in tensors.items()}
    words = get["embeddings.word_embeddings.weight"][ids]
    words = words + get["embeddings.position_embeddings.weight"][: len(ids)]
    words = words + get["embeddings.token_type_embeddings.weight"][0]
    words = norm(words, get, "embeddings.LayerNorm")
    for number in range(LAYERS):
        words = layer(words, get, f"encoder.layer.{number}")
    mean = words.mean(axis=0)
    unit: Array = mean / np.linalg.norm(mean)
    return unit


def layer(words: Array, get: dict[str, Array], name: str) -> Array:
    mixed = attention(words, get, f"{name}.attention.self")
    added = words + dense(mixed, get, f"{name}.attention.output.dense")
    words = norm(added, get, f"{name}.attention.output.LayerNorm")
    wide = gelu(dense(words, get, f"{name}.intermediate.dense"))
    added = words + dense(wide, get, f"{name}.output.dense")
    return norm(added, get, f"{name}.output.LayerNorm")


def attention(words: Array, get: dict[str, Array], name: str) -> Array:
    shape = (len(words), HEADS, WIDTH // HEADS)
    query, key, value = (
        dense(words, get, f"{name}.{part}").reshape(shape) for part in ("query", "key", "value")
    )
    scores = np.einsum("ihd,jhd->hij", query, key) / math.sqrt(WIDTH // HEADS)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return np.einsum("hij,jhd->ihd", shares, value).reshape(len(words), WIDTH)


def dense(words: Array, get: dict[str, Array], name: str) -> Array:
    found: Array = words @ get[f"{name}.weight"].T + get[f"{name}.bias"]
    return found


def norm(words: Array, get: dict[str, Array], name: str) -> Array:
    centred = words - words.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    found: Array = scaled * get[f"{name}.weight"] + get[f"{name}.bias"]
    return found


def gelu(values: Array) -> Array:
    found: Array = values * 0.5 * (1 + np.vectorize(math.erf)(values / math.sqrt(2)))
    return found
