"""`/metrics`: who may read it, and what is on it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.live.health import Health
from api.live.metrics import Metrics
from jobs.llms.breakers import Circuit, SharedBreakers
from models.kernel import measures
from models.kernel.cache import open_cache
from models.kernel.clock import SystemClock
from models.kernel.exposition import CONTENT_TYPE
from models.kernel.ledgers import Ledgers
from models.kernel.release import VERSION
from models.kernel.settings import Settings
from models.llms import llms
from tests.api.browser import Browser
from tests.streams import eventually

Open = Callable[..., Browser]

TOKEN = "a token of the house"
FAR = "192.0.2.7"
HERE = "127.0.0.1"


def told(browser: Browser, **options: object) -> Mapping[tuple[str, tuple[str, ...]], float]:
    """Return every sample of the page by its name and labels."""
    answer = browser.get("/metrics", remote_addr=HERE, **options)
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def found(browser: Browser, name: str) -> Mapping[tuple[str, tuple[str, ...]], float]:
    """Return every sample of the page once what is found out was found in time."""

    def page() -> Mapping[tuple[str, tuple[str, ...]], float]:
        samples = told(browser)
        return samples if name in {each for each, _ in samples} else {}

    return eventually(page)


@pytest.mark.parametrize(
    ("options", "token", "status"),
    [
        ({"remote_addr": HERE}, "", 200),
        ({"remote_addr": "::1"}, "", 200),
        ({"remote_addr": FAR}, "", 401),
        ({"remote_addr": FAR}, TOKEN, 401),
        ({"remote_addr": FAR, "headers": {"Authorization": f"Bearer {TOKEN}"}}, TOKEN, 200),
        ({"remote_addr": FAR, "headers": {"Authorization": "Bearer wrong"}}, TOKEN, 401),
        ({"remote_addr": FAR, "headers": {"Authorization": "Bearer "}}, "", 401),
        ({"remote_addr": HERE, "headers": {"X-Forwarded-For": FAR}}, "", 401),
        ({"remote_addr": HERE, "headers": {"X-Forwarded-For": "127.0.0.1"}}, "", 401),
    ],
    ids=[
        "this machine", "this machine by IPv6", "elsewhere", "no token given", "the token",
        "a wrong one", "none wanted, an empty one given", "through a proxy",
        "a client that claims to be us",
    ],
)  # fmt: skip
def test_this_machine_and_who_has_the_token_may_read(
    open_browser: Open, options: dict[str, object], token: str, status: int
) -> None:
    answer = open_browser(metrics_token=token).get("/metrics", **options)

    assert answer.status_code == status
    if status == 200:
        assert answer.headers["content-type"] == CONTENT_TYPE


def test_it_is_scraped_behind_the_proxy_without_https_too(open_browser: Open) -> None:
    browser = open_browser(metrics_token=TOKEN, public_url="https://books.example.org")
    bearer = {"Authorization": f"Bearer {TOKEN}"}

    assert browser.get("/metrics", remote_addr=FAR, headers=bearer).status_code == 200
    assert browser.get("/metrics", remote_addr=FAR).status_code == 401
    assert browser.get("/health", remote_addr=FAR).status_code == 308


def test_a_request_is_counted_by_its_template_and_class(open_browser: Open) -> None:
    browser = open_browser()
    key = ("ilm_http_request_seconds_count", ("GET", "/health/{dependency}", "4xx"))
    refused = ("ilm_http_refused_total", ("NOT_FOUND",))
    before = told(browser)

    for name in ("ada@example.org", "book_0193a7b2c4d5e6f708192a3b4c5d6e7f"):
        browser.get(f"/health/{name}")

    after = told(browser)
    assert after[key] - before.get(key, 0) == 2
    assert after[refused] - before.get(refused, 0) == 2
    assert after["ilm_http_in_flight", ()] == 1


def test_what_a_caller_makes_up_adds_no_series(open_browser: Open) -> None:
    browser = open_browser()
    browser.request("BREW", "/nowhere")
    browser.get("/nowhere/at/all")
    before = set(told(browser))

    for number in range(20):
        browser.request(f"BREW{number}", f"/nowhere/{number}")
        browser.get(f"/nowhere/else/{number}", headers={"Authorization": f"Bearer {number}"})

    assert set(told(browser)) == before
    assert "nowhere" not in browser.get("/metrics", remote_addr=HERE).text


def test_what_is_away_is_left_out_and_the_rest_is_told(open_browser: Open) -> None:
    page = found(open_browser(openai_api_key="sk-of-nobody"), "ilm_network_bytes_total")

    assert page["ilm_build_info", (VERSION,)] == 1
    assert page["ilm_network_bytes_total", ("received",)] >= 0
    assert not [name for name, _ in page if name == measures.BREAKER_OPEN.name]


def test_a_breaker_is_told_as_open_while_it_is(open_browser: Open, settings: Settings) -> None:
    browser = open_browser(redis_url=settings.redis_url, openai_api_key="sk-of-nobody")
    failing, fine = [llm.name for llm in llms().values() if llm.vendor == "openai"][:2]
    cache = open_cache(settings)
    breakers = SharedBreakers(cache, SystemClock())

    while not breakers.report(Circuit("openai", failing), failed=True):
        pass
    page = found(browser, measures.BREAKER_OPEN.name)
    cache.delete(Circuit("openai", failing).key)
    cache.close()

    assert page[measures.BREAKER_OPEN.name, ("openai", failing)] == 1
    assert page[measures.BREAKER_OPEN.name, ("openai", fine)] == 0
    after = found(browser, measures.BREAKER_OPEN.name)
    assert after[measures.BREAKER_OPEN.name, ("openai", failing)] == 0


def test_what_hangs_is_left_out_and_not_begun_again(open_browser: Open, tmp_path: Path) -> None:
    leave, begun = Event(), []

    def hang() -> tuple[()]:
        begun.append(1)
        leave.wait(60)
        return ()

    settings = Settings(home=tmp_path)
    health = Health({}, "1.2.3", SystemClock())
    metrics = Metrics(settings, Ledgers(settings), health, hang, patience=0.05)
    browser = open_browser(parts={"metrics": metrics})
    pages = [told(browser), told(browser)]
    leave.set()

    assert begun == [1]
    assert all(("ilm_http_in_flight", ()) in page for page in pages)


def test_queues_and_postgres_are_found_out(open_browser: Open, database: object) -> None:
    page = found(open_browser(), "ilm_database_backends")

    assert page["ilm_queue_jobs", ("llm", "due")] == 0
    assert page["ilm_webhook_overdue", ()] == 0
    assert page["ilm_queue_paused", ("mail",)] == 0
    assert page["ilm_database_backends", ()] >= 1
    assert page["ilm_database_bytes", ()] > 1_000_000
    assert page["ilm_database_transactions_total", ("commit",)] > 0


def test_a_failed_login_is_counted(open_browser: Open, database: object) -> None:
    browser = open_browser()
    key = (measures.ATTEMPTS.name, ("login", "wrong"))
    before = told(browser).get(key, 0)

    wrong = {"email": "nobody@example.org", "password": "not the one"}
    browser.post("/v1/auth/login", json=wrong)

    page = browser.get("/metrics", remote_addr=HERE).text
    assert told(browser)[key] - before == 1
    assert "nobody" not in page
