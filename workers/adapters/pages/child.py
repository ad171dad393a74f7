"""The program that opens documents: `python -m workers.adapters.pages.child TASK PARENT_PID`.

It seals itself, loads what its task needs, says hello, takes one description of the task as a
line of JSON on stdin, and answers in lines of JSON on what was stdout; nothing else may write
there. It ends with its task, with its stdin, with its parent.
"""

import json
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Final

from workers.adapters.pages import sandbox
from workers.adapters.pages.refusal import Refusal
from workers.adapters.pages.tasks import Answer, Message

TASKS: Final = {
    "draw": "workers.adapters.pages.drawing",
    "read": "workers.adapters.pages.reading",
    "avatar": "workers.adapters.pages.avatars",
    "cover": "workers.adapters.pages.covers",
}


def main(task: str, parent: int) -> None:
    """Serve one task."""
    answer = _only_voice()
    is_sealed = sandbox.seal(parent)
    serve = import_module(TASKS[task]).serve
    answer({"hello": True, "sealed": is_sealed})
    lines = _lines()
    try:
        serve(next(lines), lines, answer)
    except Refusal as refusal:
        answer({"refused": refusal.reason})
    except MemoryError:
        answer({"refused": "too-large"})
    except Exception:  # noqa: BLE001 - MuPDF's errors are of five unrelated kinds
        answer({"refused": "corrupt"})


def _only_voice() -> Answer:
    """Keep stdout for answers and point everybody else's at nothing."""
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)

    def answer(message: Message) -> None:
        voice.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n")
        voice.flush()

    return answer


def _lines() -> Iterator[Message]:
    """Yield what the parent sends; its leaving ends this program wherever it stands."""
    for line in sys.stdin:
        yield json.loads(line)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
