"""Memory: what a process has freed goes back to the machine, not into a heap that only grows.

glibc raises the size from which it maps and unmaps to that of the largest block it has freed. One
argon2 hash, and its 19 MiB stay with a web process for good. A limit ends that (mallopt(3)).
"""

from contextlib import suppress
from ctypes import CDLL
from typing import Final

LARGE: Final = 1024 * 1024
"""From how many bytes on a block is mapped by itself, and how many free ones a heap keeps."""

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3


def give_freed_back() -> None:
    """Let what is large be unmapped as soon as it is freed; without glibc nothing changes."""
    with suppress(AttributeError, OSError):
        c_library = CDLL(None)
        c_library.mallopt(_TRIM_THRESHOLD, LARGE)
        c_library.mallopt(_MMAP_THRESHOLD, LARGE)
