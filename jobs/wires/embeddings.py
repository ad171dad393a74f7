"""The wire of OpenAI's embeddings (XC-01)."""

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from jobs.llms.provider import Embedded
from jobs.wires.fields import choice, count, fault, text
from jobs.wires.wire import Body

MOST_TEXTS: Final = 2_048
FLOAT: Final = "float"
BASE64: Final = "base64"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingAsk:
    """Texts to make vectors of; `dimensions` shortens them, `encoding` is float or base64."""

    model: str
    texts: tuple[str, ...]
    dimensions: int | None = None
    encoding: str = FLOAT


def ask_of_embeddings(body: Body) -> EmbeddingAsk:
    """Read a request; raise `Invalid` with the field that is wrong."""
    encoded = body.get("encoding_format") is not None
    encoding = choice(body, "encoding_format", (FLOAT, BASE64)) if encoded else FLOAT
    return EmbeddingAsk(
        model=text(body, "model"),
        texts=_texts(body.get("input")),
        dimensions=count(body, "dimensions"),
        encoding=encoding,
    )


def embeddings_body(ask: EmbeddingAsk, model: str, embedded: Embedded) -> dict[str, Any]:
    """Write vectors in the order of the texts; `model` is who made them."""
    data = [
        {"object": "embedding", "index": place, "embedding": _written(vector, ask.encoding)}
        for place, vector in enumerate(embedded.vectors)
    ]
    usage = {"prompt_tokens": embedded.tokens, "total_tokens": embedded.tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def _texts(given: object) -> tuple[str, ...]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts:
        raise fault("input", "must be a text or a list of texts, and not empty")
    if len(texts) > MOST_TEXTS:
        raise fault("input", f"must be {MOST_TEXTS} texts at most")
    if not all(isinstance(entry, str) for entry in texts):
        raise fault("input", "must be texts: tokens mean something else to every model")
    if not all(texts):
        raise fault("input", "must not hold an empty text")
    return tuple(texts)


def _written(vector: Sequence[float], encoding: str) -> str | list[float]:
    """Write a vector; in base64 its numbers have four bytes each, the lowest first."""
    if encoding == FLOAT:
        return list(vector)
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
