"""The three wires as a client without an SDK sees them: frames, cursors, and being cut off."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import requests

from tests.gateway import Gateway
from tests.processes import Web

ASKED: Final = [{"role": "user", "content": "Where does the walrus live?"}]


@dataclass(frozen=True)
class WireCase:
    """How one wire is asked and resumed."""

    path: str
    prefix: str
    body: dict[str, Any]

    def name_of(self, answer: requests.Response) -> str:
        """Return the id under which an answer can be asked for again."""
        return self.prefix + answer.headers["X-Ilm-Job-Id"].removeprefix("job_")

    def ask(self, ilm: Gateway, **headers: str) -> requests.Response:
        """Open a stream."""
        return ilm.post(self.path, {**self.body, "stream": True}, headers=headers, stream=True)

    def resume(self, ilm: Gateway, web: Web, answer: str, after: int) -> requests.Response:
        """Open the rest of a stream, at any web process."""
        return requests.get(
            f"{web.address}{self.path}/{answer}", stream=True, timeout=60,
            params={"stream": "true", "starting_after": after},
            headers={"Authorization": f"Bearer {ilm.key}"},
        )  # fmt: skip


WIRES: Final = {
    "chat": WireCase(
        "/v1/chat/completions", "chatcmpl-", {"model": "gpt-4o-mini", "messages": ASKED}
    ),
    "messages": WireCase(
        "/v1/messages", "msg_", {"model": "gpt-4o-mini", "messages": ASKED, "max_tokens": 500}
    ),
    "responses": WireCase("/v1/responses", "resp_", {"model": "gpt-4o-mini", "input": "Where?"}),
}


def frames(answer: requests.Response) -> Iterator[str]:
    """Yield one frame after the other, keep-alives left out."""
    answer.encoding = "utf-8"
    lines: list[str] = []
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line:
            lines.append(line)
        elif lines:
            frame, lines = "\n".join(lines), []
            if not frame.startswith((":", "event: ping")):
                yield frame


def cursor_in(frame: str) -> int | None:
    """Return the number a client would resume after, None when a frame shows none."""
    data = data_of(frame)
    if "sequence_number" in data:
        return int(data["sequence_number"])
    told = data.get("x_ilm") or data.get("message", {}).get("x_ilm") or {}
    return told.get("seq")


def data_of(frame: str) -> dict[str, Any]:
    """Return what a frame says."""
    text = next(line[6:] for line in frame.splitlines() if line.startswith("data: "))
    found: dict[str, Any] = {} if text == "[DONE]" else json.loads(text)
    return found


def is_error(frame: str) -> bool:
    """Say whether a frame ends its stream with an error."""
    data = data_of(frame)
    return "error" in data or data.get("type") in {"error", "response.failed"}


def is_end(frame: str) -> bool:
    """Say whether a frame says that the answer is whole."""
    ends = {"message_stop", "response.completed"}
    return "[DONE]" in frame or data_of(frame).get("type") in ends


def kept(told: list[str], after: int) -> list[str]:
    """Return what a client keeps when it is cut: all up to the frame that showed its cursor."""
    if is_end(told[-1]):
        return told
    places = [place for place, frame in enumerate(told) if cursor_in(frame) == after]
    return told[: places[-1] + 1] if places else told


def text_in(heard: list[str]) -> str:
    """Return the answer's text out of frames of any wire."""
    return "".join(map(_text, map(data_of, heard)))


def _text(data: dict[str, Any]) -> str:
    if data.get("choices"):
        return data["choices"][0]["delta"].get("content") or ""
    if data.get("type") == "content_block_delta":
        return str(data["delta"].get("text", ""))
    return data["delta"] if data.get("type") == "response.output_text.delta" else ""
