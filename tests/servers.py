"""Servers for tests: the embedded stack, and a private RabbitMQ node."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Final, Self

from models.kernel.embedded.home import free_port as chosen_port
from models.kernel.settings import environment, variables

ROOT: Final = Path(__file__).parents[1]
STAY: Final = 'echo "$DATABASE_URL $REDIS_URL"; exec sleep 100000'
RABBIT_PROGRAMS: Final = Path("/usr/lib/rabbitmq/bin")
AMQP: Final = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME: Final = b"\x01"
RABBIT_SECONDS: Final = 90
STOP_SECONDS: Final = 60

_given: Final[set[int]] = set()


class Servers:
    """One embedded stack in a home of its own, for as long as the block lasts."""

    def __init__(self, home: Path) -> None:
        """Start nothing yet."""
        self.home = home
        self.database_url = ""
        self.redis_url = ""
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int | None:
        """The supervisor, as whose children the servers run."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "models.kernel.embedded", "--", "sh", "-c", STAY]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**isolated(), "ILM_HOME": str(self.home), "ILM_LOG_LEVEL": "warning"},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout
        line = self._process.stdout.readline().split()
        assert len(line) == 2, "the embedded stack did not start"
        self.database_url, self.redis_url = line
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.communicate(timeout=STOP_SECONDS)


class Rabbit:
    """One RabbitMQ node with its own ports, folders and port mapper."""

    def __init__(self, home: Path) -> None:
        """Choose ports; start nothing yet."""
        self.port = free_port()
        self._home = home
        self._epmd = free_port()
        self._name = f"ilm{self.port}@localhost"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.kill()
        pause = Event()
        for _ in range(STOP_SECONDS * 10):  # it refuses for as long as it knows the node
            told = subprocess.run(
                ["epmd", "-port", str(self._epmd), "-kill"], check=False, capture_output=True
            )
            if b"not allowed" not in told.stdout + told.stderr:
                return
            pause.wait(0.1)

    def start(self) -> None:
        """Start the node, or start it again on what it kept, and wait for it."""
        self._process = subprocess.Popen(
            [_rabbit_program("rabbitmq-server")],
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        pause = Event()
        for _ in range(RABBIT_SECONDS * 4):
            if self._answers():
                return
            assert self._process.poll() is None, "rabbitmq-server ended at once"
            pause.wait(0.25)
        raise TimeoutError("rabbitmq-server does not answer")

    def kill(self) -> None:
        """Kill the node as a power cut would."""
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def forget_voters(self) -> None:
        """Have a killed node forget who votes: its quorum queues come back without a leader."""
        books = list(self._home.glob("mnesia/*/quorum/*/*.dets"))
        assert books
        for book in books:
            book.unlink()

    def tell(self, expression: str) -> None:
        """Have the node do something, said in Erlang."""
        subprocess.run(
            [_rabbit_program("rabbitmqctl"), "-n", self._name, "eval", expression],
            env=self._environment(),
            check=True,
            capture_output=True,
        )

    def _answers(self) -> bool:
        """Say whether the node greets; pika would leave sockets open of a node that is starting."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as line:
                line.settimeout(2)
                line.sendall(AMQP)
                return line.recv(1) == METHOD_FRAME
        except OSError:
            return False

    def _environment(self) -> dict[str, str]:
        folder = str(self._home)
        return {
            **environment(),
            "HOME": folder,
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP": f"{folder}/erl_crash.dump",
        }


def rabbit_is_installed() -> bool:
    """Say whether Debian's RabbitMQ is there."""
    return shutil.which("rabbitmq-server") is not None


def _rabbit_program(name: str) -> str:
    """Return a program itself: Debian's command before it changes the user and the folder."""
    program = RABBIT_PROGRAMS / name
    return str(program) if program.exists() else name


def isolated() -> dict[str, str]:
    """Return our environment with every setting of Ilm emptied, so that `.env` sets none either."""
    return {**environment(), **dict.fromkeys(variables(), "")}


def free_port() -> int:
    """Return a port nobody listens on, below those that clients are given, and never one twice."""
    while (port := chosen_port()) in _given:
        pass
    _given.add(port)
    return port
