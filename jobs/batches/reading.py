"""Reading the lines of a batch: one after the other, never the whole file at once (XC-02)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jobs.wires.batch_lines import URLS, Line, line_of, message_line_of
from jobs.wires.fields import fault
from models.batches import OPENAI
from models.kernel.errors import IlmError, Invalid, Malformed

MOST_LINES: Final = 50_000
LARGEST_LINE: Final = 32 * 2**20
LONGEST_ID: Final = 256
MOST_FAULTS: Final = 50
"""Of a file that is wrong all over, the first are enough."""

_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A line that can be asked, and its place in the file, from 1."""

    number: int
    line: Line

    @property
    def asked(self) -> str:
        """Its body as rows keep it."""
        return json.dumps(self.line.body, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFault:
    """What is wrong with a line, or with the whole file when it has no number."""

    code: str
    message: str
    number: int | None = None
    param: str | None = None

    def to_row(self) -> dict[str, Any]:
        """Return it as OpenAI's batch has it in `errors.data`."""
        return {
            "code": self.code,
            "message": self.message,
            "line": self.number,
            "param": self.param,
        }


class Reader:
    """Reads lines of one shape, for one endpoint, and gathers what is wrong with them."""

    def __init__(self, shape: str, endpoint: str) -> None:
        """Begin with no fault and no line."""
        self._shape = shape
        self._endpoint = endpoint
        self._ids: set[str] = set()
        self.faults: list[LineFault] = []
        self.count = 0

    def check(self, chunks: Iterable[bytes]) -> None:
        """Read it all, for `count` and `faults`."""
        for _ in self.lines(chunks):
            continue
        if not self.count:
            self.faults.append(LineFault(code="empty_file", message="the file has no line"))

    def lines(self, chunks: Iterable[bytes]) -> Iterator[Numbered]:
        """Yield the lines that can be asked; what is wrong with the others goes to `faults`."""
        for number, written in pieces(chunks):
            self.count += 1
            if self.count > MOST_LINES:
                words = f"the file has more than {MOST_LINES} lines"
                self.faults.append(LineFault(code="too_many_tasks", message=words))
                return
            try:
                yield Numbered(number=number, line=self._line(written))
            except (Malformed, Invalid) as error:
                self.faults.append(_fault(number, error))
            if len(self.faults) >= MOST_FAULTS:
                return

    def _line(self, written: bytes) -> Line:
        text = _text(written)
        line = line_of(text) if self._shape == OPENAI else _message_line(text)
        if self._shape == OPENAI and line.wire != URLS[self._endpoint]:
            raise fault("url", f"must be the batch's endpoint, {self._endpoint}")
        if len(line.custom_id) > LONGEST_ID:
            raise fault("custom_id", f"must have {LONGEST_ID} characters at most")
        if line.custom_id in self._ids:
            raise fault("custom_id", "must be another for every line")
        if "\\u" in text:
            _refuse_odd([line.custom_id, line.body])
        self._ids.add(line.custom_id)
        return line


def pieces(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Cut bytes into lines with their numbers; empty ones are counted and left out."""
    number, rest = 0, b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for written in whole:
            number += 1
            if written.strip():
                yield number, written.removeprefix(_BOM) if number == 1 else written
        if len(rest) > LARGEST_LINE:
            raise Malformed(f"line {number + 1} is longer than {LARGEST_LINE} bytes")
    if rest.strip():
        yield number + 1, rest.removeprefix(_BOM) if number == 0 else rest


def _text(written: bytes) -> str:
    try:
        return written.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("the line is not UTF-8") from error


def _message_line(text: str) -> Line:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("the line is not JSON") from error
    if not isinstance(fields, Mapping):
        raise Malformed("the line is not a JSON object")
    return message_line_of(fields)


def _refuse_odd(value: Any) -> None:
    """Refuse text that no row and no vendor can hold: NUL, and halves of characters."""
    for text in _texts(value):
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise Malformed("NUL and lone surrogates are not allowed")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield name
            yield from _texts(item)


def _fault(number: int, error: IlmError) -> LineFault:
    code = "invalid_json_line" if isinstance(error, Malformed) else "invalid_request"
    param = error.details[0].field if error.details else None
    return LineFault(code=code, message=str(error), number=number, param=param)
