"""Exports: a chat as a person takes it away, in JSON with every branch or to read (M-10)."""

from collections.abc import Iterator, Sequence
from typing import Final

from models.chats import ASSISTANT, USER, Chat, Message
from models.kernel.clock import wire_time

JSON: Final = "json"
MARKDOWN: Final = "markdown"
FORMATS: Final = (JSON, MARKDOWN)
SPEAKERS: Final = {USER: "You", "tool": "Tool", "system": "System"}


def as_markdown(chat: Chat, branch: Sequence[Message]) -> str:
    """Return the branch that is shown, to be read."""
    parts = [f"# {chat.title or 'Chat'}", f"*{wire_time(chat.created_at)}*"]
    parts += [part for message in branch for part in _told(message)]
    return "\n\n".join(parts) + "\n"


def _told(message: Message) -> Iterator[str]:
    who = SPEAKERS.get(message.role) or f"Assistant ({message.llm or 'edited'})"
    yield f"## {who}"
    if message.content:
        yield message.content
    if message.role == ASSISTANT and message.status != "complete":
        yield f"*[{message.status}]*"
    yield from (f"> {c['excerpt']} (p. {c['page']})" for c in message.citations)


def file_name(chat: Chat, form: str) -> str:
    """Return what the file is called: plain ASCII, so that every client takes it."""
    kept = [c if c.isascii() and c.isalnum() else "-" for c in (chat.title or "chat").lower()]
    words = [word for word in "".join(kept).split("-") if word]
    return f"{'-'.join(words)[:60] or 'chat'}.{'md' if form == MARKDOWN else 'json'}"
