"""gunicorn's configuration; each name is one of its settings.

A worker that is told to stop has 25 s for its requests and streams. The file by which it shows it
is alive lies in the home, and there is no control socket: nothing is written outside.
"""

import signal
from typing import Any

from api.live.bounds import MOST_BYTES
from models.kernel.logs import log_to_stderr, take_over
from models.kernel.settings import load

_settings = load()
_run = _settings.home.resolve() / "run"
_run.mkdir(parents=True, exist_ok=True)

_host = f"[{_settings.bind}]" if ":" in _settings.bind else _settings.bind

bind = f"{_host}:{_settings.port}"
workers = _settings.web_processes
worker_class = "asgi"
worker_tmp_dir = str(_run)
control_socket_disable = True
graceful_timeout = 25
timeout = 60
keepalive = 5
loglevel = "warning"
websocket_max_message_size = MOST_BYTES
forwarded_allow_ips = ""  # whose forwarded headers count is ILM_TRUSTED_PROXIES, decided in api


def on_starting(_server: Any) -> None:
    """Log as every other process does, before the first worker."""
    log_to_stderr(_settings.log_level)
    take_over()


def post_worker_init(worker: Any) -> None:
    """Begin to drain when SIGTERM comes.

    gunicorn tells the app only after the last connection has ended, which a live stream never
    does by itself.
    """

    def drain() -> None:
        worker.asgi.drain.begin()
        worker.handle_exit_signal()

    worker.loop.add_signal_handler(signal.SIGTERM, drain)
