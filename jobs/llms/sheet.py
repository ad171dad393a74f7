"""The sheet: what LLMs have written of an answer so far, and how much of it was shown.

Commit point = the first piece that is shown. Until then another LLM may begin anew and nobody
notices; after it, only what the caller chose may happen (CONTRACT §5).
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

from jobs.llms.ask import ToolCall
from jobs.llms.provider import Delta, Piece, Reasoning, ToolDelta
from jobs.run import Run
from jobs.sayings import Said, Saying

TEXT: Final = "delta"
THINKING: Final = "reasoning"
TOOL: Final = "tool"
"""The kinds of what is said; the first two are screened."""


class Screen(Protocol):
    """Reads what an LLM writes before anybody else does, and may hold some of it back (S-02)."""

    def feed(self, text: str) -> str:
        """Take a piece of text; return what may be shown by now.

        Raises `ContentBlocked` for what nobody may read: the answer ends there.
        """
        ...

    def flush(self) -> str:
        """Return the rest, since nothing follows on it; raise as `feed` does."""
        ...

    def aside(self) -> "Screen":
        """Return a screen as strict as this one, for the thinking beside the text."""
        ...


class Open:
    """A screen that lets everything through."""

    def feed(self, text: str) -> str:
        """Return the piece."""
        return text

    def flush(self) -> str:
        """Return nothing: nothing was kept."""
        return ""

    def aside(self) -> Screen:
        """Return another that does."""
        return Open()


class Sheet:
    """One answer in the making. `shows` says whether pieces are streamed as they come."""

    def __init__(self, run: Run, make_screen: Callable[[], Screen], *, shows: bool) -> None:
        """Begin with nothing written."""
        self._run = run
        self._shows = shows
        self._make_screen = make_screen
        self._screens = {TEXT: make_screen()}
        self._kind = TEXT
        self._server: dict[str, Any] = {}
        self._is_announced = False
        self.said = Said()
        self.drawn: list[str] = []
        """What the LLM that writes now has generated, screened or not: for counting it."""
        self.is_shown = False

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return "".join(self.said.text)

    @property
    def has_tools(self) -> bool:
        """Whether a tool call has begun, which nobody else can go on with."""
        return bool(self.said.tools)

    @property
    def is_empty(self) -> bool:
        """Whether the LLM that writes now has generated nothing."""
        return not self.drawn

    def begin(self, vendor: str, llm: str, *, continued: bool = False) -> None:
        """Let an LLM write from here on; what was not shown is thrown away."""
        if not self.is_shown:
            self.said = Said()
        self._screens = {TEXT: self._make_screen()}
        self.drawn = []
        self._server = {
            "vendor": vendor,
            "model": llm,
            **({"continued": True} if continued else {}),
        }
        self._is_announced = False

    def take(self, piece: Piece) -> None:
        """Write down a piece, and show it if that is wished and allowed.

        Raises `ContentBlocked` when a screen does; what was written before stays.
        """
        if isinstance(piece, Delta):
            self._write_screened(TEXT, piece.text)
        elif isinstance(piece, Reasoning):
            self._write_screened(THINKING, piece.text)
        elif isinstance(piece, ToolDelta):
            self.drawn.append(piece.arguments or piece.name or " ")
            self._turn_to(TOOL)
            self._write(Saying(TOOL, piece.arguments, piece.index, piece.id, piece.name))

    def finish(self) -> None:
        """Write down what was held back; raise `ContentBlocked` as `take` does."""
        self._turn_to("")

    def take_back(self) -> None:
        """Say that what was shown does not count; somebody else begins anew."""
        if self.is_shown:
            self._run.tell("restart", attempt=self._run.attempt)
        self.is_shown = False
        self.said = Said()

    def tool_calls(self) -> tuple[ToolCall, ...]:
        """Return the tool calls, in order."""
        return tuple(
            ToolCall(id=tool["id"], name=tool["name"], arguments=tool["arguments"])
            for _, tool in sorted(self.said.tools.items())
        )

    def _write_screened(self, kind: str, text: str) -> None:
        self.drawn.append(text)
        self._turn_to(kind)
        if kind not in self._screens:
            self._screens[kind] = self._screens[TEXT].aside()
        self._write(Saying(kind, self._screens[kind].feed(text)))

    def _turn_to(self, kind: str) -> None:
        """Write down what was held back of one kind, now that another follows or none."""
        before, self._kind = self._kind, kind
        if before != kind and before in self._screens:
            self._write(Saying(before, self._screens[before].flush()))

    def _write(self, saying: Saying) -> None:
        if not saying.text and saying.kind != TOOL:
            return
        self.said.add(saying)
        if self._shows:
            self._announce()
            self._run.say(saying)
            self.is_shown = True

    def _announce(self) -> None:
        if not self._is_announced:
            self._run.tell("served", **self._server)
            self._is_announced = True
