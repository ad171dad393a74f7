"""MuPDF, loaded lean and silent, for the programs of this folder and the typesetter.

PyMuPDF's package also loads a layout network and a Markdown writer, which cost four times the
start and half the memory and serve nothing here; it does without them when they do not import.
"""

import sys
from importlib import import_module
from typing import Any, Final

UNWANTED: Final = ("pymupdf.layout", "pymupdf4llm")
BLOCKS_KEPT: Final = 4

for _name in UNWANTED:
    sys.modules[_name] = None  # type: ignore[assignment]  # how Python spells "may not import"

pymupdf: Any = import_module("pymupdf")
mupdf: Any = import_module("pymupdf.mupdf")
_pillow: Any = import_module("PIL._imaging")

pymupdf.TOOLS.mupdf_display_errors(on=False)
pymupdf.TOOLS.mupdf_display_warnings(on=False)
_pillow.set_blocks_max(BLOCKS_KEPT)
