"""`python -m tests.fakes.vendor [--port N]`: the fake vendor as a program; prints its address."""

import argparse
import asyncio
import signal
from concurrent.futures import Future

from tests.fakes.vendor.server import Server
from tests.fakes.vendor.vendor import HOST, serve


async def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(description="A vendor of language models that is none.")
    parser.add_argument("--port", type=int, default=0)
    port = parser.parse_args().port
    listening: Future[int] = Future()
    ending = asyncio.Event()
    listening.add_done_callback(lambda done: print(f"http://{HOST}:{done.result()}", flush=True))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    await serve(Server(), port, listening, ending)


if __name__ == "__main__":
    asyncio.run(main())
