"""What a child gives up before it touches a document. Only the child imports this."""

import ctypes
import os
import resource
import signal
from pathlib import Path
from typing import Final

ADDRESS_BYTES: Final = 1_500 << 20
FILE_BYTES: Final = 128 << 20
OPEN_FILES: Final = 64
CPU_SECONDS: Final = 7_200

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000


def seal(parent: int) -> bool:
    """Bound this process, tie its life to its parent's, and leave the network.

    Return whether the kernel granted the last of these. Must run while there is one thread.
    """
    for limit, most in (
        (resource.RLIMIT_AS, ADDRESS_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the parent is gone")
    return _leave_network(libc)


def grant_cpu(seconds: float) -> None:
    """Let this process burn that much more processor time; past it the kernel ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (min(soft, CPU_SECONDS), CPU_SECONDS))


def resident_bytes() -> int:
    """Return the memory this process holds, 0 where the kernel does not tell.

    The peak that `getrusage` gives would do no good: it begins with the parent's.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _leave_network(libc: ctypes.CDLL) -> bool:
    """Move into a network namespace with nothing in it, as root or through a user namespace."""
    if not hasattr(libc, "unshare"):
        return False
    ways = (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET)
    return any(libc.unshare(way) == 0 for way in ways)
