"""Streams cut at random, over the three wires and two web processes: is what is read the same?

`python -m tests.bench.cuts [--cuts 1000] [--seed N]` counts the answers that differ from one that
was never cut; the count is the result, and should be 0.
"""

import argparse
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from random import Random

from models.kernel import database as databases
from models.kernel.settings import Settings
from models.migrate import migrate
from tests.bench.rig import say
from tests.fakes.vendor.scripts import Script
from tests.gateway import gateway
from tests.servers import Servers
from tests.wires import WIRES, Reader, frames, text_in

SAID = "The walrus lives in the cold sea near the pole and eats clams, ünïcödé and all. " * 2
STAY = {"X-Ilm-On-Disconnect": "continue"}


def read(reader: Reader) -> bool:
    """Read one answer, cut again and again; say whether it is what one never cut reads."""
    answer = reader.wire.ask(reader.ilm, **STAY)
    told = reader.read(answer)
    name = reader.wire.name_of(answer)
    whole = list(frames(reader.wire.resume(reader.ilm, reader.webs[0], name, None)))
    return text_in(told) == SAID and told == whole


def main() -> None:
    """Cut until there were enough cuts."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cuts")
    parser.add_argument("--cuts", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=Random().randrange(10**6))
    asked = parser.parse_args()
    dice = Random(asked.seed)
    with ExitStack() as held:
        home = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="ilm-cuts-")))
        home.chmod(0o755)
        servers = held.enter_context(Servers(home / "home"))
        settings = Settings(
            home=servers.home, database_url=servers.database_url, redis_url=servers.redis_url
        )
        migrate(settings)
        held.callback(databases.connect(settings).close_all)
        ilm = held.enter_context(gateway(settings, home))
        webs = [ilm.web, ilm.processes.web()]
        ilm.newcomer("cuts@example.org")
        ilm.vendor.script("gpt-4o-mini", Script(text=SAID, pace=0.005, deltas=40))
        counts: Counter[str] = Counter()
        while counts["cuts"] < asked.cuts:
            reader = Reader(ilm, webs, dice.choice(list(WIRES.values())), dice)
            wrong = not read(reader)
            counts.update(answers=1, cuts=reader.cuts, wrong=wrong)
        say(
            f"{counts['cuts']} cuts of {counts['answers']} answers on three wires, seed"
            f" {asked.seed}: {counts['wrong']} read differently"
        )


if __name__ == "__main__":
    main()
