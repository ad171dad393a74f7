"""The reference pages say what the code does."""

import pytest

from tests.reference import FOLDER, pages


@pytest.mark.parametrize("name", ["openapi.json", "errors.md"])
def test_a_reference_page_is_what_make_docs_writes(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name]
