"""Which release this is; `setup.cfg` reads it from here."""

from typing import Final

VERSION: Final = "0.1.0"
