"""What a MOBI's header says, which MuPDF does not hand out. Only the child imports this."""

import struct
from pathlib import Path
from typing import Final

HEADER_BYTES: Final = 64 << 10
UTF_8: Final = 65001
AUTHOR_RECORD: Final = 100
TITLE_RECORD: Final = 503

_FIRST_RECORD_AT: Final = 78
_CIPHER_AT: Final = 12
_ENCODING_AT: Final = 28
_NAME_AT: Final = 84
_LANGUAGE_AT: Final = 92
_HEADER_LENGTH_AT: Final = 20

_LANGUAGES: Final = {
    1: "ar",
    4: "zh",
    6: "da",
    7: "de",
    8: "el",
    9: "en",
    10: "es",
    11: "fi",
    12: "fr",
    13: "he",
    16: "it",
    17: "ja",
    18: "ko",
    19: "nl",
    20: "no",
    21: "pl",
    22: "pt",
    25: "ru",
    29: "sv",
    31: "tr",
    42: "vi",
}
"""The low byte of Windows' language numbers."""


def is_locked(path: Path) -> bool:
    """Whether the text is encrypted, as under DRM."""
    try:
        (cipher,) = struct.unpack_from(">H", _first_record(path), _CIPHER_AT)
    except struct.error:
        return False
    return bool(cipher)


def facts(path: Path) -> dict[str, str]:
    """Return title, author and language, each empty when it is not said."""
    record = _first_record(path)
    try:
        return _facts(record)
    except struct.error:
        return {}


def _first_record(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
        if len(head) < _FIRST_RECORD_AT + 4:
            return b""
        (start,) = struct.unpack_from(">I", head, _FIRST_RECORD_AT)
        file.seek(start)
        return file.read(HEADER_BYTES)


def _facts(record: bytes) -> dict[str, str]:
    if record[16:20] != b"MOBI":
        return {}
    (encoding,) = struct.unpack_from(">I", record, _ENCODING_AT)
    start, length = struct.unpack_from(">II", record, _NAME_AT)
    (language,) = struct.unpack_from(">I", record, _LANGUAGE_AT)
    charset = "utf-8" if encoding == UTF_8 else "cp1252"
    extra = _extra_records(record)
    title = extra.get(TITLE_RECORD) or record[start : start + length]
    return {
        "title": title.decode(charset, "replace"),
        "author": extra.get(AUTHOR_RECORD, b"").decode(charset, "replace"),
        "language": _LANGUAGES.get(language & 0xFF, ""),
    }


def _extra_records(record: bytes) -> dict[int, bytes]:
    """Read the EXTH block that follows the header: typed, length-prefixed values."""
    (header,) = struct.unpack_from(">I", record, _HEADER_LENGTH_AT)
    at = 16 + header
    if record[at : at + 4] != b"EXTH":
        return {}
    (count,) = struct.unpack_from(">I", record, at + 8)
    at += 12
    found: dict[int, bytes] = {}
    for _ in range(min(count, 500)):
        kind, size = struct.unpack_from(">II", record, at)
        found.setdefault(kind, record[at + 8 : at + max(size, 8)])
        at += max(size, 8)
    return found
