"""Embeddings: what is asked, and vectors as OpenAI's own client reads them."""

from typing import Any

import openai
import pytest

from jobs.llms.provider import Embedded
from jobs.wires.embeddings import EmbeddingAsk, ask_of_embeddings, embeddings_body
from models.kernel.errors import Invalid
from tests.jobs.wires.loopback import Loopback

VECTORS = Embedded(vectors=((0.5, -0.25, 1.0), (0.0, 0.125, -1.0)), tokens=7)


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "small", "input": ["a", "b"], **fields}


def test_a_request_is_read() -> None:
    asked = ask_of_embeddings(body(dimensions=3, encoding_format="base64", user="u"))

    assert asked == EmbeddingAsk(model="small", texts=("a", "b"), dimensions=3, encoding="base64")
    assert ask_of_embeddings(body(input="a")).texts == ("a",)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": [1, 2]}, "input"),
        ({"input": [[1, 2]]}, "input"),
        ({"input": ["a"] * 2_049}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"encoding_format": ["float"]}, "encoding_format"),
    ],
)
def test_a_field_that_is_wrong_is_named(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        ask_of_embeddings(body(**wrong))

    assert refused.value.details[0].field == field


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_vectors_arrive_in_either_encoding(
    client: openai.OpenAI, server: Loopback, encoding: str
) -> None:
    asked = ask_of_embeddings(body(encoding_format=encoding))
    server.answers(embeddings_body(asked, "served", VECTORS))

    answer = client.embeddings.create(model="small", input=["a", "b"])

    assert [tuple(entry.embedding) for entry in answer.data] == list(VECTORS.vectors)
    assert [entry.index for entry in answer.data] == [0, 1]
    assert (answer.model, answer.usage.total_tokens) == ("served", 7)
