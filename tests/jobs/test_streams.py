"""Streams: numbers that only grow, replays that are the same, and nothing a zombie can add."""

from threading import Event
from types import SimpleNamespace

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.producers import Producers
from jobs.queue import job_body
from jobs.streams import END, FINAL_SNAPSHOT, MOST_EVENTS, PER_ATTEMPT, Streams, stream_key
from models.jobs import JobRow
from models.kernel.ids import new_id
from tests.fakes.clock import FakeClock
from tests.streams import eventually, kinds_of, stream_of


def job_row(attempt: int = 1, **columns) -> JobRow:
    common = {"id": new_id(), "type": "system.echo", "state": "running", "completed": 0, "total": 0}
    return JobRow(**{**common, "max_attempts": 3, "attempt": attempt, **columns})


def over(job: JobRow) -> dict[str, object]:
    """End a row, and return its body."""
    job.state, job.result = "succeeded", {"text": "hello world"}
    job.created_at = FakeClock().now()
    return job_body(job)


def text_of(events) -> str:
    """Put an answer together as a client does."""
    text = ""
    for event in events:
        if event["type"] in {"restart", "snapshot"}:
            text = event.get("text", "")
        elif event["type"] == "delta":
            text += event["text"]
    return text


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def still(cache, clock):
    """Streams whose time stands still."""
    return Producers(Streams(cache, clock, 3_600))


@pytest.fixture
def away():
    """Streams whose Redis is not there."""
    client = redis.Redis(port=1, retry=Retry(NoBackoff(), 0))
    yield Streams(client, FakeClock(), 3_600)
    client.close()


def test_a_whole_attempt_reads_as_it_was_written(cache, producers):
    job = job_row()
    producer = producers.producer(job)
    producer.begin()
    producer.progress(1, 2)
    producer.delta("hello ")
    producer.delta("world")
    producer.end(over(job))

    events = stream_of(cache, job.id)
    assert [event["type"] for event in events][:2] == ["status", "progress"]
    assert text_of(events) == "hello world"
    assert events[-1]["type"] == "end"
    assert events[-1]["job"]["status"] == "succeeded"


def test_numbers_grow_over_the_attempts_and_the_end_has_the_last(cache, producers):
    job = job_row()
    first = producers.producer(job)
    first.begin()
    first.delta("hello")
    first.flush()
    job.attempt = 2
    second = producers.producer(job)
    second.begin()
    second.end(over(job))

    numbers = [event["seq"] for event in stream_of(cache, job.id)]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == PER_ATTEMPT + 1
    assert numbers[-1] == 2 * PER_ATTEMPT + END
    assert kinds_of(cache, job.id)[-3:] == ["restart", "status", "end"]


@pytest.fixture
def going_on(still, monkeypatch):
    """What the thread that sends for all waits for before it does."""
    made = Event()
    monkeypatch.setattr(still, "_pause", SimpleNamespace(wait=lambda _: made.wait(60)))
    yield made
    made.set()


def test_the_first_delta_goes_at_once_and_those_that_follow_together(cache, still, clock, going_on):
    job = job_row()
    producer = still.producer(job)
    producer.delta("a")
    assert text_of(stream_of(cache, job.id)) == "a"

    producer.delta("b")
    producer.delta("c")
    going_on.set()
    eventually(lambda: text_of(stream_of(cache, job.id)) == "abc")
    assert kinds_of(cache, job.id) == ["delta", "delta"]

    clock.move(1)
    producer.delta("d")
    assert text_of(stream_of(cache, job.id)) == "abcd"


def test_where_many_speak_a_first_word_waits_for_nobody(cache, still, going_on):
    speaker, newcomer = still.producer(job_row()), still.producer(job_row())
    for word in ("to ", "be"):
        speaker.delta(word)
    assert still.is_busy

    newcomer.delta("or ")
    newcomer.delta("not")
    assert text_of(stream_of(cache, newcomer.job.id)) == "or "
    assert text_of(stream_of(cache, speaker.job.id)) == "to "

    going_on.set()
    eventually(lambda: text_of(stream_of(cache, newcomer.job.id)) == "or not")
    assert text_of(stream_of(cache, speaker.job.id)) == "to be"


def test_where_many_speak_each_is_heard_and_in_its_own_order(cache, producers):
    jobs = [job_row() for _ in range(20)]
    crowd = [producers.producer(job) for job in jobs]
    for word in ("to ", "be ", "or ", "not"):
        for producer in crowd:
            producer.begin()
            producer.delta(word)
    for job, producer in zip(jobs, crowd, strict=True):
        producer.end(over(job))

    for job in jobs:
        events = stream_of(cache, job.id)
        assert text_of(events) == "to be or not"
        assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)
        assert events[-1]["type"] == "end"


def test_order_is_kept_between_text_and_progress(cache, still):
    job = job_row()
    producer = still.producer(job)
    for step in range(3):
        producer.delta(str(step))
        producer.progress(step, 3)

    assert kinds_of(cache, job.id) == ["delta", "progress"] * 3


def test_a_zombie_adds_nothing_to_the_stream_of_a_later_attempt(cache, producers):
    job = job_row()
    zombie = producers.producer(job)
    zombie.begin()
    zombie.flush()
    later = job_row(2, id=job.id)
    producers.producer(later).progress(1, 2)
    before = stream_of(cache, job.id)

    zombie.progress(2, 2)
    zombie.end(over(job))

    assert stream_of(cache, job.id) == before


def test_a_stream_that_was_lost_begins_again_with_everything_so_far(cache, producers):
    job = job_row()
    producer = producers.producer(job)
    producer.delta("hello ")
    cache.flushall()
    producer.delta("wor")
    producer.flush()
    producer.delta("ld")
    producer.flush()

    events = stream_of(cache, job.id)
    assert events[0]["type"] == "snapshot"
    assert text_of(events) == "hello world"


def test_a_zombie_after_a_loss_makes_no_gap_for_the_attempt_that_holds_the_row(cache, producers):
    job = job_row()
    zombie = producers.producer(job)
    zombie.delta("old ")
    later = producers.producer(job_row(2, id=job.id))
    later.begin()
    later.delta("hello ")
    later.flush()
    cache.flushall()
    zombie.progress(1, 2)
    later.delta("world")
    later.flush()

    assert text_of(stream_of(cache, job.id)) == "hello world"


def test_an_end_after_a_loss_brings_the_whole_result(cache, producers):
    job = job_row()
    producer = producers.producer(job)
    producer.begin()
    producer.delta("hello world")
    producer.flush()
    cache.flushall()
    producer.end(over(job))

    snapshot, end = stream_of(cache, job.id)
    assert (snapshot["type"], snapshot["result"]) == ("snapshot", {"text": "hello world"})
    assert snapshot["seq"] == PER_ATTEMPT + FINAL_SNAPSHOT
    assert end["type"] == "end"


def test_a_job_that_never_ran_ends_with_one_event(cache, streams):
    job = job_row(0)
    streams.end(job, over(job))

    assert kinds_of(cache, job.id) == ["end"]


def test_whoever_listens_gets_the_same_events_the_stream_has(cache, producers):
    job = job_row()
    with cache.pubsub(ignore_subscribe_messages=True) as ear:
        ear.subscribe(stream_key(job.id))
        eventually(lambda: cache.pubsub_numsub(stream_key(job.id))[0][1])
        producer = producers.producer(job)
        producer.begin()
        producer.delta("hello")
        producer.end(over(job))
        heard = [
            eventually(lambda: ear.get_message(timeout=1))["data"] for _ in stream_of(cache, job.id)
        ]

    entries = [fields[b"e"] for _, fields in cache.xrange(stream_key(job.id))]
    assert heard == entries


def test_a_stream_expires_and_is_bounded(cache, still):
    job = job_row()
    still.producer(job).progress(1, 2)

    assert 3_500 < cache.ttl(stream_key(job.id)) <= 3_600
    assert MOST_EVENTS < PER_ATTEMPT


def test_empty_text_is_no_event(cache, producers):
    job = job_row()
    producers.producer(job).delta("")

    assert stream_of(cache, job.id) == []


def test_without_redis_nothing_fails(away):
    job = job_row()
    producer = Producers(away).producer(job)
    producer.begin()
    producer.progress(1, 2)
    producer.delta("hello")
    producer.snapshot()
    producer.end(over(job))
    away.ring_cancel(job.id)

    assert away.exist([job.id]) == [True]


def test_streams_that_were_lost_are_told_from_those_that_are_there(streams, producers):
    kept, lost = job_row(), job_row()
    producers.producer(kept).progress(1, 2)

    assert streams.exist([kept.id, lost.id]) == [True, False]
