"""A network of its own, where a name means what a test says: `python -m tests.rebinding SCENARIO`

It has a public address, a server of names, and listeners at the public address and within. The
scenario is JSON: `rounds`, what the name means at each look (no round: the server is silent), and
`calls`, what is done in turn. What became of each is printed, with who was connected to. The
network is gone with the process; `NO_NETWORK` is its exit code where none can be made.
"""

import ctypes
import json
import os
import socket
import struct
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from fcntl import ioctl
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, Final

import requests

from models.kernel.http import Egress
from models.kernel.places import is_public
from models.kernel.unanswered import NotAllowed, Unanswered
from tests.authorities import Authority
from tests.listeners import Listener

NO_NETWORK: Final = 77
NAME: Final = "rebind.example"
PUBLIC: Final = "93.184.216.34"

_NEW_MOUNTS, _NEW_NETWORK = 0x00020000, 0x40000000
_BIND, _RECURSIVE, _PRIVATE = 4_096, 16_384, 1 << 18
_SET_FLAGS, _SET_ADDRESS, _SET_MASK = 0x8914, 0x8916, 0x891C
_UP: Final = 1
_A, _AAAA = 1, 28
_SECONDS: Final = 60.0
_SILENCE: Final = 1.0
"""How long a call waits for whoever answers, and for who never does."""

_libc: Final = ctypes.CDLL(None, use_errno=True)


def _asked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def enter(folder: Path) -> None:
    """Go into a network of our own, where names are asked of this machine; raises `OSError`."""
    _asked(_libc.unshare(_NEW_MOUNTS | _NEW_NETWORK))
    _asked(_libc.mount(b"none", b"/", None, _RECURSIVE | _PRIVATE, None))
    settings = {"resolv.conf": "nameserver 127.0.0.1\n", "nsswitch.conf": "hosts: files dns\n"}
    for name, words in settings.items():
        path = folder / name
        path.write_text(words, encoding="ascii")
        if Path("/etc", name).exists():
            _asked(_libc.mount(bytes(path), f"/etc/{name}".encode(), None, _BIND, None))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
        for request, address in ((_SET_ADDRESS, PUBLIC), (_SET_MASK, "255.255.255.255")):
            place = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
            ioctl(control, request, struct.pack("16s16s", b"lo:1", place))


class Server:
    """A server of names (RFC 1035): every answer holds for no second."""

    def __init__(self, rounds: Sequence[Sequence[str]]) -> None:
        self.looks: Counter[int] = Counter()
        self._rounds = rounds
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            question, asker = self._socket.recvfrom(512)
            (kind,) = struct.unpack_from("!H", question, question.index(b"\x00", 12) + 1)
            self.looks[kind] += 1
            if self._rounds:
                self._socket.sendto(self._answer(question, kind), asker)

    def _answer(self, question: bytes, kind: int) -> bytes:
        end = question.index(b"\x00", 12) + 5
        meaning = self._rounds[min(self.looks[kind], len(self._rounds)) - 1]
        version = {_A: 4, _AAAA: 6}.get(kind)
        found = [each.packed for each in map(ip_address, meaning) if each.version == version]
        head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, len(found), 0, 0)
        records = (struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(each)) + each for each in found)
        return head + question[12:end] + b"".join(records)


def send(egress: Egress, seconds: float = _SECONDS) -> str:
    """Call the name through the guard."""
    try:
        return str(egress.send("GET", f"https://{NAME}/", seconds=seconds).status)
    except (NotAllowed, Unanswered) as error:
        return f"{type(error).__name__} {error.cause}"


def send_in_vain(egress: Egress) -> str:
    """The same, and wait for a moment only."""
    return send(egress, _SILENCE)


def send_afresh(egress: Egress) -> str:
    """The same, with nothing kept from before."""
    egress.close()
    return send(egress)


def send_naively(_: Egress) -> str:
    """Look at what the name means, and call it then: what the guard is not."""
    if not is_public(ip_address(socket.gethostbyname(NAME))):
        return "refused"
    with requests.Session() as session:
        session.trust_env = False
        return str(session.get(f"http://{NAME}/", timeout=_SECONDS).status_code)


CALLS: Final[Mapping[str, Callable[[Egress], str]]] = {
    "send": send,
    "send afresh": send_afresh,
    "send in vain": send_in_vain,
    "send naively": send_naively,
}


def play(scenario: Mapping[str, Any], authority: Authority) -> dict[str, Any]:
    """Do what the scenario says; return what became of it."""
    server = Server(scenario["rounds"])
    egress = Egress(authorities=str(authority.path))
    with ExitStack() as held:
        tls = authority.serves(NAME)
        public = held.enter_context(Listener(host=PUBLIC, port=443, tls=tls))
        within = [
            held.enter_context(Listener(host=host, port=port, tls=authority.serves(NAME)))
            for host, port in (("127.0.0.1", 443), ("::1", 443))
        ]
        within.append(held.enter_context(Listener(host="127.0.0.1", port=80)))
        outcomes = [CALLS[each](egress) for each in scenario["calls"]]
        egress.close()
    inside = sum(each.accepted for each in within)
    looks = server.looks[_A]
    return {"outcomes": outcomes, "public": public.accepted, "within": inside, "looks": looks}


def main(scenario: str) -> int:
    """Print what became of a scenario."""
    with TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        try:
            enter(Path(folder))
        except OSError as error:
            sys.stderr.write(f"no network of its own: {error.strerror}\n")
            return NO_NETWORK
        sys.stdout.write(json.dumps(play(json.loads(scenario), authority)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
