"""What the gateway adds: beside a direct call, and beside LiteLLM's proxy when there is one.

`python -m tests.bench.gateway [--litellm PYTHON] [--rounds 3] [--streams 500]`

One fake vendor in a process of its own; direct, Ilm and LiteLLM in turns against it, in every
round. PYTHON is an interpreter that has `litellm[proxy]`, in an environment of its own. Ilm is one
web process, and an LLM worker as it comes, of 64 threads, for every 64 streams.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import requests

from tests.bench.rig import BROKERS, Meter, Rig, percentile, rig, say, share_of_memory
from tests.bench.streaming import Target, run, walk
from tests.fakes.vendor.scripts import Script
from tests.processes import until
from tests.servers import ROOT, environment

THREADS = 64
LITELLM_PORT = 4_791
LITELLM_KEY = "sk-5e1f0b7a9c3d4e8f9a0b1c2d3e4f5a6b"
RICH = 10**15
PACED = Script(pace=0.02, deltas=64)
LENGTH = 64 * 0.02
"""Seconds a paced stream takes."""
SLOW = Script(pace=0.25, deltas=40)
QUICK = Script(deltas=1)


@contextmanager
def vendor() -> Iterator[str]:
    """Start the fake vendor as a program; yield its address."""
    command = [sys.executable, "-m", "tests.fakes.vendor"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def script(address: str, how: Script) -> None:
    """Tell the vendor how to answer."""
    requests.put(f"{address}/_script/", json=how.to_json(), timeout=10).raise_for_status()


@contextmanager
def litellm(python: str, address: str) -> Iterator[tuple[Target, int]]:
    """Start LiteLLM's proxy: one worker, no database, as its documentation starts it."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.yaml")
        config.write_text(
            "model_list:\n  - model_name: gpt-4o-mini\n    litellm_params:\n"
            f"      model: openai/gpt-4o-mini\n      api_base: {address}/v1\n"
            f"      api_key: sk-fake\ngeneral_settings:\n  master_key: {LITELLM_KEY}\n"
        )
        program = str(Path(python).with_name("litellm"))
        process = subprocess.Popen(
            [program, "--config", str(config), "--port", str(LITELLM_PORT), "--num_workers", "1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**environment(), "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        )  # fmt: skip
        url = f"http://127.0.0.1:{LITELLM_PORT}"
        try:
            until(lambda: _answers(f"{url}/health/liveliness"), "LiteLLM did not start", 90)
            yield Target("LiteLLM", f"{url}/v1", LITELLM_KEY), process.pid
        finally:
            process.terminate()
            process.wait()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


@contextmanager
def ilm(
    broker: str, address: str, streams: int
) -> Iterator[tuple[Rig, Target, dict[str, list[int]]]]:
    """Start Ilm, for so many streams at once; give the pids of its processes too."""
    told = {"OPENAI_API_KEY": "sk-fake", "OPENAI_BASE_URL": f"{address}/v1"}
    with rig(broker, ILM_LLM_THREADS=str(THREADS), **told) as stack:
        workers = [stack.processes.worker("llm").pid for _ in range(-(-streams // THREADS))]
        web = stack.processes.web()
        key = stack.key(web, "bench@example.org")
        stack.pool.rows("select money_grant(id, %s, 'grants', id::text) from account", (RICH,))
        stack.pool.rows("update account set cost_limit_nano = %s, tokens_limit = %s", (RICH, RICH))
        target = Target(f"Ilm on {broker}", f"{web.address}/v1", key)
        run(target, at_once=THREADS, calls=2 * streams, stream=False)
        yield stack, target, {"web": [web.process.pid], "a worker": workers}


def measure(targets: Sequence[Target], address: str, rounds: int) -> None:
    """Print calls a second and the time to the first token of every target, in turns."""
    rates: dict[str, list[float]] = defaultdict(list)
    firsts: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(rounds):
        script(address, QUICK)
        for target in targets:
            heard, took = run(target, at_once=16, calls=400, stream=False)
            _check(target, heard)
            rates[target.name].append(len(heard) / took)
        script(address, PACED)
        for streams in (8, 50, 100):
            for target in targets:
                heard = walk(target, every=LENGTH / streams, calls=2 * streams)
                _check(target, heard)
                firsts[target.name, f"{streams} running"] += [h.first * 1_000 for h in heard]
        for target in targets:
            heard, _ = run(target, at_once=100, calls=100, stream=True)
            _check(target, heard)
            firsts[target.name, "100 begun at once"] += [h.first * 1_000 for h in heard]
    for target in targets:
        say(f"{target.name:<14} unstreamed, 16 at once: {median(rates[target.name]):.0f} calls/s")
    for (name, streams), figures in firsts.items():
        p50, p99 = percentile(figures, 0.5), percentile(figures, 0.99)
        say(f"{name:<14} first token, {streams}: p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def cost(stack: Rig, target: Target, address: str, pids: dict[str, list[int]]) -> None:
    """Print what an unstreamed call costs of the processors, by what they work for."""
    script(address, QUICK)
    groups = {name.split()[-1]: found for name, found in pids.items()}
    each = {f"{name}-{n}": pid for name, found in groups.items() for n, pid in enumerate(found)}
    meter = Meter(stack, **each)
    meter.start()
    heard, _ = run(target, at_once=16, calls=400, stream=False)
    sums: dict[str, float] = defaultdict(float)
    for name, seconds in meter.spent().items():
        sums[name.split("-")[0]] += seconds
    told = "   ".join(f"{name} {1_000 * sums[name] / len(heard):.1f} ms" for name in sorted(sums))
    say(f"{target.name:<14} processor time of a call: {told}")


def endure(target: Target, address: str, streams: int, pids: dict[str, list[int]]) -> None:
    """Print the longest stall of many slow streams at once, and what memory they took."""
    script(address, SLOW)
    heard, _ = run(target, at_once=streams, calls=streams, stream=True)
    _check(target, heard)
    stalls = [(each.stall - SLOW.pace) * 1_000 for each in heard]
    late = sum(stall > 200 for stall in stalls)
    say(
        f"{target.name:<14} {streams} streams of a delta per 250 ms: worst stall"
        f" {max(stalls):.0f} ms, p50 {median(stalls):.0f} ms, {late} of them over 200 ms"
    )
    weigh(target, pids, f"after {streams} streams")


def weigh(target: Target, pids: dict[str, list[int]], when: str) -> None:
    """Print what memory the processes take, of several of a kind the median."""
    for name, found in pids.items():
        held = median(map(share_of_memory, found)) / 2**20
        say(f"{target.name:<14} memory of {name} {when}: {held:.0f} MiB")


def _check(target: Target, heard: Sequence[Any]) -> None:
    broken = [each for each in heard if not each.is_whole]
    if broken:
        say(f"{target.name:<14} NOT WHOLE: {len(broken)} of {len(heard)}: {broken[0].refusal:.80}")


def main() -> None:
    """Measure every broker that is here."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gateway")
    parser.add_argument("--litellm", default="")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--broker", default="", help="one broker alone")
    asked = parser.parse_args()
    with ExitStack() as held:
        address = held.enter_context(vendor())
        direct = Target("direct", f"{address}/v1", "sk-fake")
        peers = []
        if asked.litellm:
            peer, pid = held.enter_context(litellm(asked.litellm, address))
            peers.append(peer)
        for broker in (asked.broker,) if asked.broker else BROKERS:
            with ilm(broker, address, asked.streams) as (stack, target, pids):
                weigh(target, pids, "before")
                measure([direct, target, *peers], address, asked.rounds)
                cost(stack, target, address, pids)
                endure(target, address, asked.streams, pids)
        if asked.litellm:
            say(f"{'LiteLLM':<14} memory: {share_of_memory(pid) / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
