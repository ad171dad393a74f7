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
from tests.gateway import Gateway, gateway
from tests.processes import Web
from tests.servers import Servers
from tests.wires import WIRES, WireCase, cursor_in, frames, is_end, kept, text_in

SAID = "The walrus lives in the cold sea near the pole and eats clams, ünïcödé and all. " * 2
STAY = {"X-Ilm-On-Disconnect": "continue"}


def read(ilm: Gateway, webs: list[Web], wire: WireCase, dice: Random) -> tuple[bool, int]:
    """Read one answer, cut again and again; say whether it is right, and how often it was cut."""
    answer = wire.ask(ilm, **STAY)
    name, told, after, cuts = wire.name_of(answer), [], -1, 0
    while not (told and is_end(told[-1])):
        for frame in frames(answer):
            told.append(frame)
            number = cursor_in(frame)
            after = after if number is None else number
            if dice.random() < 0.2:
                cuts += 1
                break
        answer.close()
        told = kept(told, after)
        if not (told and is_end(told[-1])):
            answer = wire.resume(ilm, dice.choice(webs), name, after)
    whole = list(frames(wire.resume(ilm, ilm.web, name, 0)))
    return text_in(told) == SAID and told[-len(whole) :] == whole, cuts


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
            wire = dice.choice(list(WIRES.values()))
            is_right, cuts = read(ilm, webs, wire, dice)
            counts.update(answers=1, cuts=cuts, wrong=not is_right)
        say(
            f"{counts['cuts']} cuts of {counts['answers']} answers on three wires, seed"
            f" {asked.seed}: {counts['wrong']} read differently"
        )


if __name__ == "__main__":
    main()
