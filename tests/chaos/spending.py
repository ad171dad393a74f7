"""Limits under a crowd: `python -m tests.chaos.spending [--trials 10000] [--cuts 500] [--seed N]`

A hundred clients at a time ask three web processes, with four workers behind, for more than one of
four accounts has left: each is at the end of something else, its balance, its month, its day's
tokens, a hard budget. Each round leaves it room for a few calls. Then streams are cut after ever
more of their bytes. Counted is what was spent past a limit, what stays held, and every line of the
ledger that the vendor's own meter does not confirm; exit code 1 unless every count is 0.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import requests

from jobs.llms.costs import charge
from jobs.llms.provider import Tokens
from models.kernel import database as databases
from models.kernel.clock import SystemClock
from models.kernel.database import Pool
from models.kernel.settings import Settings
from models.llms import llm_named
from models.migrate import migrate
from tests.chaos.audit import audit
from tests.fakes.vendor.scripts import Script
from tests.gateway import RICH, Gateway, gateway
from tests.processes import Web, until
from tests.servers import Servers

LLM: Final = "gpt-4o-mini"
SAID: Final = "The walrus lives in the cold sea near the pole and eats clams."
CALL: Final = {"model": LLM, "messages": [{"role": "user", "content": "Where?"}], "max_tokens": 40}
AT_ONCE: Final = 100
WEBS: Final = 3
WORKERS: Final = 4
ROOM: Final = 60_000
"""Nano-USD of room a round leaves: a call is held for 38 000 of them, and costs 15 000."""
TOKENS: Final = 130

_ACCOUNT: Final = "(select account_id from person where email = %(email)s)"
_ROOM: Final = {
    "balance": f"select money_grant({_ACCOUNT}, %(room)s, 'grants', gen_random_uuid()::text)",
    "month": f"""
        update account set cost_limit_nano = spent_nano + held_nano + %(room)s
        where id = {_ACCOUNT}
    """,
    "tokens": f"""
        update account set tokens_limit = day_tokens + day_tokens_held + %(tokens)s
        where id = {_ACCOUNT}
    """,
    "budget": f"""
        update budget set amount_nano = spent_nano + held_nano + %(room)s
        where account_id = {_ACCOUNT}
    """,
}
"""What leaves each account room for a call or two: whatever it has spent is all it had."""
OVER: Final = """
select account.id, balance_nano, account.spent_nano, cost_limit_nano, day_tokens, tokens_limit,
    budget.spent_nano, budget.amount_nano
from account left join budget on budget.account_id = account.id
where balance_nano < 0 or account.spent_nano > cost_limit_nano or day_tokens > tokens_limit
   or budget.is_hard and budget.spent_nano > budget.amount_nano
"""
_UNDER_WAY: Final = "select 1 from lane where queue = 'llm' and in_flight + waiting > 0"
HELD: Final = """
select id, held_nano, day_tokens_held from account where held_nano > 0 or day_tokens_held > 0
"""
_ESTIMATED: Final = """
select coalesce(sum(tokens_in + tokens_out), 0) from usage_line where estimated and not is_borne
"""
_ABOVE: Final = """
select job_id, cost_nano, amount_nano from usage_line join credit_hold using (job_id)
where estimated and cost_nano > amount_nano
"""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who asks, whom, with what dice."""

    ilm: Gateway
    webs: list[Web]
    pool: Pool
    dice: Random
    keys: dict[str, str]

    def ask(self, key: str, **more: Any) -> requests.Response:
        """Ask any of the processes; the caller reads the answer."""
        web, headers = self.dice.choice(self.webs), {"Authorization": f"Bearer {key}"}
        return requests.post(
            f"{web.address}/v1/chat/completions", json={**CALL, **more}, headers=headers,
            timeout=120, stream=bool(more),
        )  # fmt: skip

    def settled(self) -> None:
        """Wait until nothing is under way."""
        until(
            lambda: self.pool.rows(_UNDER_WAY) == [],
            "jobs are left",
            seconds=60,
        )


def crowd_out(crowd: Crowd, trials: int) -> Counter[int]:
    """Have a hundred ask at once for what is enough for one or two, again and again."""
    codes: Counter[int] = Counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for turn in range(trials // AT_ONCE):
            name = list(_ROOM)[turn % len(_ROOM)]
            room = {"email": email_of(name), "room": ROOM, "tokens": TOKENS}
            crowd.pool.rows(_ROOM[name], room)
            keys = [crowd.keys[name]] * AT_ONCE
            codes.update(answer.status_code for answer in pool.map(crowd.ask, keys))
    crowd.settled()
    return codes


def cut_streams(crowd: Crowd, cuts: int) -> None:
    """Cut streams after ever more bytes, from the first to the last, in even steps."""
    crowd.ilm.vendor.script(LLM, Script(text=SAID * 4, deltas=40, pace=0.1))
    length = len(crowd.ask(crowd.keys["rich"], stream=True, max_tokens=400).content)

    def cut(offset: int) -> None:
        with crowd.ask(crowd.keys["rich"], stream=True, max_tokens=400) as answer:
            answer.raise_for_status()
            taken = 0
            for piece in answer.iter_content(1):
                taken += len(piece)
                if taken > offset:
                    return

    with ThreadPoolExecutor(48) as pool:
        list(pool.map(cut, (length * turn // cuts for turn in range(cuts))))
    crowd.settled()


def unconfirmed(crowd: Crowd) -> list[str]:
    """Return the charges that the vendor's meter, priced by itself, does not bear out."""
    llm = llm_named(LLM)
    assert llm is not None
    price = llm.price_on(SystemClock().now().date())
    billed = Counter(
        charge(Tokens(input=call.input, output=call.output), price).amount
        for call in crowd.ilm.vendor.meter(LLM).calls
        if call.finished
    )
    exact = "select cost_nano from usage_line where not estimated and not is_borne"
    charged = Counter(cost for (cost,) in crowd.pool.rows(exact))
    return [f"{count} at {cost} nano-USD" for cost, count in (charged - billed).items()]


def estimated(crowd: Crowd) -> str:
    """Say how our counts of what was cut compare with the vendor's."""
    ours = crowd.pool.rows(_ESTIMATED)[0][0]
    calls = [call for call in crowd.ilm.vendor.meter(LLM).calls if not call.finished]
    theirs = sum(call.input + call.output for call in calls)
    return f"{ours} tokens estimated, {theirs} by the vendor's meter ({len(calls)} calls)"


def email_of(name: str) -> str:
    """Return the address of whoever is at the end of something."""
    return f"{name}@example.org"


@contextmanager
def gathered(dice: Random) -> Iterator[Crowd]:
    """Start it all, with an account for each limit and one without."""
    with ExitStack() as held:
        home = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="ilm-spending-")))
        home.chmod(0o755)
        servers = held.enter_context(Servers(home / "home"))
        settings = Settings(
            home=servers.home, database_url=servers.database_url, redis_url=servers.redis_url
        )
        migrate(settings)
        pool = databases.connect(settings)
        held.callback(pool.close_all)
        ilm = held.enter_context(gateway(settings, home))
        webs = [ilm.web, *(ilm.processes.web() for _ in range(WEBS - 1))]
        for _ in range(WORKERS - 1):
            ilm.processes.worker("llm")
        keys = {}
        for name in (*_ROOM, "rich"):
            ilm.newcomer(email_of(name), nano=0 if name == "balance" else RICH)
            keys[name] = ilm.key
            if name == "budget":
                wish = {"period": "day", "amount_nano_usd": "1"}
                ilm.post("/v1/billing/budgets", wish).raise_for_status()
        ilm.vendor.script(LLM, Script(text=SAID))
        yield Crowd(ilm, webs, pool, dice, keys)


def main(arguments: list[str]) -> int:
    """Crowd, cut, and count."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.spending")
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--cuts", type=int, default=500)
    parser.add_argument("--seed", type=int, default=Random().randrange(10**6))
    asked = parser.parse_args(arguments)
    print(f"spending: seed={asked.seed} trials={asked.trials} cuts={asked.cuts}", flush=True)
    with gathered(Random(asked.seed)) as crowd:
        codes = crowd_out(crowd, asked.trials)
        print(f"answers: {dict(sorted(codes.items()))}", flush=True)
        counts = {"charges the vendor does not confirm": unconfirmed(crowd)}
        cut_streams(crowd, asked.cuts)
        print(estimated(crowd), flush=True)
        counts |= {
            "charges after cuts it does not confirm": unconfirmed(crowd),
            "accounts past a limit": crowd.pool.rows(OVER),
            "accounts with something held": crowd.pool.rows(HELD),
            "estimates above their hold": crowd.pool.rows(_ABOVE),
            "answers that are neither": [code for code in codes if code not in {200, 402}],
            "invariants": [str(each) for each in audit(crowd.pool) if each.breaches],
        }
    for name, found in counts.items():
        print(f"{len(found)} {name} {found[:3] or ''}")
    is_sound = not any(counts.values()) and codes[200] > 0 and codes[402] > 0
    print(f"spending: {'ok' if is_sound else 'BROKEN'} seed={asked.seed}")
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
