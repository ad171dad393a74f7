"""Pausing a queue: what is in it waits, and nothing is lost."""

import pytest

from jobs import queues
from jobs.queue import Queue, Sender
from jobs.system import Echo
from models import engine
from models.kernel.errors import NotFound
from tests.api.conftest import code


@pytest.fixture
def admin(database, browser, email):
    body = {"email": email, "password": "a long sentence"}
    browser.post("/v1/auth/register", json=body)
    database.rows("update person set role = 'admin'")
    token = browser.post("/v1/auth/login", json=body).json["access_token"]
    return {"Authorization": f"Bearer {token}"}


def test_an_operator_sees_every_queue(browser, admin):
    answer = browser.get("/v1/admin/queues", headers=admin)

    assert {queue["name"] for queue in answer.json["data"]} >= {"default", "pages", "llm"}


def test_a_paused_queue_says_so_and_resumes(browser, admin):
    paused = browser.post("/v1/admin/queues/pages/pause", headers=admin)
    resumed = browser.post("/v1/admin/queues/pages/resume", headers=admin)

    assert (paused.json["paused"], resumed.json["paused"]) == (True, False)


def test_a_queue_there_is_none_of_is_not_paused(browser, admin):
    assert code(browser.post("/v1/admin/queues/nowhere/pause", headers=admin)) == (404, "NOT_FOUND")


def test_a_reader_may_not_pause(database, browser, me):
    answer = browser.post("/v1/admin/queues/pages/pause", headers=me)

    assert code(answer) == (403, "INSUFFICIENT_PERMISSIONS")


def test_no_job_of_a_paused_queue_is_claimed(database, queue: Queue, sender: Sender):
    row = queue.put(Echo("hello"), sender)

    queues.pause("default")
    refused = engine.claim(row.id, "a worker", 60)
    queues.resume("default")
    claimed = engine.claim(row.id, "a worker", 60)

    assert refused is None
    assert claimed is not None


def test_only_a_queue_of_the_catalogue_can_be_paused(database):
    with pytest.raises(NotFound):
        queues.pause("nowhere")
