"""How LLMs do, as operators see it; and two of them compared (E-01, E-02, E-05, M-44)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from jobs.evaluation import arm_of, part_of
from jobs.llms.admission import Admission, Admitted
from jobs.llms.ask import Ask
from jobs.llms.preparing import Planner
from jobs.llms.provider import Delta
from jobs.llms.question import Question
from jobs.llms.screening import Watch
from jobs.safety.screen import SafetyService
from models.kernel.database import Pool, database
from models.kernel.ids import new_id
from models.kernel.settings import Settings
from tests import factories
from tests.api.browser import Browser
from tests.api.conftest import code
from tests.fakes.clock import FakeClock
from tests.fakes.provider import WHOLE, FakeProvider, llms
from tests.fakes.run import FakeRun, applied

PERFORMANCE = "/v1/admin/ai/performance"
EXPERIMENTS = "/v1/admin/ai/experiments"
WANTED = {"name": "small-or-large", "llmA": "gpt-4o-mini", "llmB": "gpt-4o", "share": 50}
SAID = ({"role": "user", "content": "Where does the walrus live?"},)
SAFETY = SafetyService()

Me = dict[str, str]


@dataclass
class Somebody:
    """Whoever asks."""

    account_id: UUID = field(default_factory=new_id)
    tier: str = "premium"
    mode: str = "live"
    ai_preferences: Mapping[str, Any] = field(default_factory=dict)


@pytest.fixture
def admin(database: Pool, browser: Browser, email: str) -> Me:
    body = {"email": email, "password": "a long sentence"}
    browser.post("/v1/auth/register", json=body)
    database.rows("update person set role = 'admin'")
    token = browser.post("/v1/auth/login", json=body).json["access_token"]
    return {"Authorization": f"Bearer {token}"}


def called(first: int | None, whole: int, *, days_ago: int = 0, **given: Any) -> None:
    """Note a call of so many milliseconds."""
    row = factories.llm_call(job_id=new_id(), first_ms=first, whole_ms=whole, **given)
    database.rows(
        "update llm_call set created_at = now() - make_interval(days => %s) where job_id = %s",
        (days_ago, row["job_id"]),
    )


def admitted(who: Somebody, model: str = "auto") -> Admitted:
    planner = Planner(Settings(openai_api_key="sk-house"), FakeClock())
    return Admission(planner, SAFETY).admit(Ask(model=model, messages=SAID), who)


def answered(who: Somebody) -> Admitted:
    """Have a question answered in full, with its end written down."""
    run, made = FakeRun(who.account_id), admitted(who)
    watch = Watch(SAFETY, made.screened)
    question = Question(
        ask=Ask(model="auto", messages=SAID), steps=made.plan.steps, max_tokens=10,
        day=run.created_at.date(), make_screen=watch.screen,
    )  # fmt: skip
    provider = FakeProvider([Delta("In the sea."), WHOLE])
    applied(watch.carry_out(question, made.plan, llms(openai=provider), run).effects)
    return made


def test_an_operator_sees_how_each_llm_does(browser: Browser, admin: Me) -> None:
    gpt: dict[str, Any] = {"vendor": "openai", "llm": "gpt-4o", "outcome": "served"}
    for number in range(1, 101):
        called(number, number * 10, tokens_in=100, tokens_out=25, **gpt)
    called(7, 70, days_ago=1, tokens_in=100, tokens_out=25, **gpt)
    called(None, 9_000, **{**gpt, "outcome": "failed", "error_code": "UPSTREAM_ERROR"})
    called(5, 9_000, **{**gpt, "outcome": "cancelled"})
    called(1, 2, days_ago=3, **{**gpt, "llm": "gpt-4"})

    answer = browser.get(PERFORMANCE, headers=admin, params={"days": "2"})

    (one,) = answer.json["data"]
    assert (one["vendor"], one["model"], one["rating"]) == (
        "openai",
        "gpt-4o",
        {"up": 0, "down": 0},
    )
    assert one["measures"] == {
        "calls": 103, "served": 101, "failed": 1, "successRate": round(101 / 102, 4),
        "firstMs": {"p50": 50, "p95": 95}, "wholeMs": {"p50": 500, "p95": 950},
        "tokensIn": 10_100, "tokensOut": 2_525, "outputRatio": 0.25,
    }  # fmt: skip
    assert [day["measures"]["calls"] for day in one["days"]] == [102, 1]
    assert one["days"][0]["day"] > one["days"][1]["day"]


def test_of_an_llm_that_only_failed_there_are_no_times(browser: Browser, admin: Me) -> None:
    called(None, 9_000, vendor="openai", llm="gpt-4o", outcome="failed")

    (one,) = browser.get(PERFORMANCE, headers=admin).json["data"]

    measures = one["measures"]
    assert (measures["firstMs"], measures["wholeMs"], measures["outputRatio"]) == (None,) * 3
    assert measures["successRate"] == 0


@pytest.mark.parametrize("days", ["0", "91", "many"])
def test_days_have_bounds(browser: Browser, admin: Me, days: str) -> None:
    answer = browser.get(PERFORMANCE, headers=admin, params={"days": days})

    assert code(answer) == (400, "VALIDATION_ERROR")


def test_a_reader_sees_no_measures_and_begins_no_experiment(
    database: Pool, browser: Browser, me: Me
) -> None:
    for answer in (
        browser.get(PERFORMANCE, headers=me), browser.post(EXPERIMENTS, headers=me, json=WANTED)
    ):  # fmt: skip
        assert code(answer) == (403, "INSUFFICIENT_PERMISSIONS")


@pytest.mark.parametrize("share", [1, 20, 50, 99])
def test_an_account_stays_in_its_arm_and_the_arms_are_as_large_as_wished(share: int) -> None:
    accounts = [UUID(int=number) for number in range(4_000)]
    arms = [arm_of("x", share, account) for account in accounts]

    assert arms == [arm_of("x", share, account) for account in accounts]
    assert abs(Counter(arms)["b"] / 40 - share) < 3
    assert arms != [arm_of("y", share, account) for account in accounts]


def test_where_the_choice_is_ours_the_arm_decides_and_it_is_written_down(
    browser: Browser, admin: Me
) -> None:
    begun = browser.post(EXPERIMENTS, headers=admin, json=WANTED)
    assert begun.status_code == 201

    made = [answered(Somebody()) for _ in range(12)]

    shown = browser.get(f"{EXPERIMENTS}/{WANTED['name']}", headers=admin).json
    arms = {arm["name"]: arm for arm in shown["arms"]}
    for name, llm in (("a", "gpt-4o-mini"), ("b", "gpt-4o")):
        mine = [each for each in made if each.plan.arm == name]
        assert {each.plan.steps[0].llm for each in mine} <= {llm}
        assert arms[name]["model"] == llm
        assert arms[name]["answers"] == arms[name]["measures"]["served"] == len(mine)
    assert arms["a"]["answers"] + arms["b"]["answers"] == 12


def test_whoever_has_chosen_or_may_not_use_both_is_in_no_arm(browser: Browser, admin: Me) -> None:
    browser.post(EXPERIMENTS, headers=admin, json=WANTED)

    outside = [
        admitted(Somebody(), "gpt-4"),
        admitted(Somebody(tier="free")),
        admitted(Somebody(ai_preferences={"defaultModel": "gpt-4"})),
        admitted(Somebody(ai_preferences={"priority": "cost"})),
    ]

    assert admitted(Somebody()).plan.experiment == WANTED["name"]
    assert [made.plan.experiment for made in outside] == [""] * 4


def test_an_experiment_that_has_ended_decides_nothing_and_keeps_what_it_found(
    browser: Browser, admin: Me
) -> None:
    browser.post(EXPERIMENTS, headers=admin, json=WANTED)
    answered(Somebody())

    ended = browser.post(f"{EXPERIMENTS}/{WANTED['name']}/end", headers=admin)

    assert ended.json["endedAt"] is not None
    assert sum(arm["answers"] for arm in ended.json["arms"]) == 1
    assert part_of(new_id()) is None
    assert admitted(Somebody()).plan.experiment == ""


def test_one_experiment_runs_at_a_time_and_a_name_is_used_once(browser: Browser, admin: Me) -> None:
    first = browser.post(EXPERIMENTS, headers=admin, json=WANTED)
    second = browser.post(EXPERIMENTS, headers=admin, json={**WANTED, "name": "another"})
    browser.post(f"{EXPERIMENTS}/{WANTED['name']}/end", headers=admin)
    again = browser.post(EXPERIMENTS, headers=admin, json=WANTED)

    assert first.status_code == 201
    assert code(second) == (409, "CONFLICT")
    assert code(again) == (409, "DUPLICATE_RESOURCE")


@pytest.mark.parametrize(
    "change",
    [{"llmA": "no-such"}, {"llmB": "gpt-4o-mini"}, {"share": 0}, {"share": 100}, {"name": "A b"}],
    ids=str,
)
def test_an_experiment_that_compares_nothing_is_refused(
    browser: Browser, admin: Me, change: dict[str, Any]
) -> None:
    answer = browser.post(EXPERIMENTS, headers=admin, json={**WANTED, **change})

    assert code(answer) == (400, "VALIDATION_ERROR")


def test_there_is_no_such_experiment(browser: Browser, admin: Me) -> None:
    assert code(browser.get(f"{EXPERIMENTS}/nothing", headers=admin)) == (404, "NOT_FOUND")
