"""A gateway to test: web and LLM workers on real servers, and one fake vendor behind every name."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import openai
import requests

from jobs.llms.breakers import Circuit
from models.kernel.cache import open_cache
from models.kernel.database import database
from models.kernel.settings import Settings
from tests.fakes.vendor.vendor import FakeVendor
from tests.processes import Processes, Web

RICH = 1_000_000_000_000
_PREPAID = """
update account set tier = 'enterprise', cost_limit_nano = %s, tokens_limit = %s where id = %s
"""
_BEREAVED = """
update job set lease_until = clock_timestamp() where state = 'running' and worker like %s
"""
IMPATIENT = {
    "ILM_LLM_FIRST_TOKEN_SECONDS": "4",
    "ILM_LLM_REASONING_FIRST_TOKEN_SECONDS": "4",
    "ILM_LLM_IDLE_SECONDS": "4",
}
"""For tests of vendors that hang. Others wait as long as an installation does: a machine that is
busy for a second fails no test, and here one that stands still for three fails none."""
SOON_LOST = {"ILM_LEASE_SECONDS": "15"}
"""For tests that kill workers: what they did is taken up again after so long at the latest, and who
is alive on a machine that stands still for a while loses nothing."""
LLMS = {"openai": "gpt-4o-mini", "anthropic": "claude-3-haiku"}
"""An LLM at the first vendor a plan asks, and who stands in for it."""


@dataclass
class Gateway:
    """Ilm between official clients and a vendor that can misbehave."""

    vendor: FakeVendor
    processes: Processes
    web: Web
    settings: Settings
    key: str = ""
    token: str = ""
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    opened: ExitStack = field(default_factory=ExitStack)
    """Clients and streams: closed after their test, and not whenever they are collected."""

    @property
    def url(self) -> str:
        """Where OpenAI's SDK finds us."""
        return f"{self.web.address}/v1"

    def openai(self, **options: Any) -> openai.OpenAI:
        """Return OpenAI's own client."""
        client = openai.OpenAI(base_url=self.url, api_key=self.key, **options)
        return self.opened.enter_context(client)

    def anthropic(self, **options: Any) -> anthropic.Anthropic:
        """Return Anthropic's own client."""
        client = anthropic.Anthropic(base_url=self.web.address, api_key=self.key, **options)
        return self.opened.enter_context(client)

    def post(self, path: str, body: dict[str, Any], **options: Any) -> requests.Response:
        """Call with the key."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        answer = requests.post(
            f"{self.web.address}{path}", json=body, headers=headers, timeout=60, **options
        )
        return self.opened.enter_context(answer)

    def get(self, path: str, **options: Any) -> requests.Response:
        """Read with the key."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return requests.get(f"{self.web.address}{path}", headers=headers, timeout=60, **options)

    def newcomer(
        self, email: str, *, nano: int = RICH, tier: str = "free", is_limited: bool = False
    ) -> None:
        """Go on as somebody new, with a key and money; credits and limits only where told."""
        self.token = self.web.newcomer(email)
        answer = self.web.call("POST", "/v1/api-keys", self.token, json={"name": "tests"})
        self.key = answer.json()["key"]
        sql = "update person set tier = %s where email = %s returning account_id"
        ((account,),) = database.rows(sql, (tier, email))
        if not is_limited:
            database.rows(_PREPAID, (RICH, RICH, account))
        if nano:
            database.rows(
                "select money_grant(%s, %s, 'grants', %s)", (account, nano, f"grant:{email}")
            )

    def calm(self) -> None:
        """Hang up; forget scripts, meters, and what the breakers have seen."""
        self.opened.close()
        self.vendor.reset()
        cache = open_cache(self.settings)
        for key in cache.scan_iter(f"{Circuit('', '').key[:-1]}*"):
            cache.delete(key)
        cache.close()

    def kill_worker(self) -> None:
        """Kill the worker without a word, and start another; the leases of the dead are over."""
        self.end_worker()
        self.workers.append(self.processes.worker("llm"))

    def end_worker(self) -> None:
        """Kill the worker, and let its leases be over as if their time were."""
        self.workers[-1].kill()
        self.workers[-1].wait()
        database.rows(_BEREAVED, (f"%:{self.workers[-1].pid}",))


@contextmanager
def gateway(settings: Settings, home: Path, **variables: str) -> Iterator[Gateway]:
    """Start it all; every vendor's address is the fake one's."""
    with FakeVendor() as vendor:
        told = {
            "OPENAI_API_KEY": "sk-fake",
            "OPENAI_BASE_URL": vendor.openai_address,
            "ANTHROPIC_API_KEY": "sk-fake",
            "ANTHROPIC_BASE_URL": vendor.address,
            "DASHSCOPE_API_KEY": "sk-fake",
            "DASHSCOPE_BASE_URL": vendor.openai_address,
            "DEEPSEEK_API_KEY": "sk-fake",
            "DEEPSEEK_BASE_URL": vendor.openai_address,
            "ILM_HOME": str(home),
            "ILM_LLM_THREADS": "16",
            "ILM_RECONCILE_SECONDS": "1",
            **variables,
        }
        with Processes(settings, home, **told) as processes:
            worker = processes.worker("llm")
            made = Gateway(vendor, processes, processes.web(), settings, workers=[worker])
            with made.opened:
                yield made
