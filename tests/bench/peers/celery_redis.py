"""Celery on Redis with results: `celery_redis.py URL work THREADS | put JOBS THREADS`.

Runs under an interpreter that has Celery. The same job as ours: 200 bytes in, kept as the result.
`put` prints jobs a second, from the first `delay` to the last result's `date_done`.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import redis
from celery import Celery

QUEUE_DB = 3
RESULTS_DB = 4

app = Celery("peer", broker=f"{sys.argv[1]}/{QUEUE_DB}", backend=f"{sys.argv[1]}/{RESULTS_DB}")
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=4, task_track_started=False)


@app.task(name="peer.echo")
def echo(text):
    return {"text": text}


def put(jobs, threads):
    results = redis.Redis.from_url(f"{sys.argv[1]}/{RESULTS_DB}")
    results.flushdb()
    began = datetime.now(UTC)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: echo.delay("x" * 200), range(jobs)))
    while results.dbsize() < jobs:
        time.sleep(0.02)
    ended = max(json.loads(results.get(key))["date_done"] for key in results.scan_iter(count=1000))
    return jobs / (datetime.fromisoformat(ended) - began).total_seconds()


if __name__ == "__main__":
    if sys.argv[2] == "work":
        words = ["worker", "--pool", "threads", "--concurrency", sys.argv[3], "--loglevel", "error"]
        app.worker_main([*words, "--without-gossip", "--without-mingle", "--without-heartbeat"])
    else:
        sys.stdout.write(f"{put(int(sys.argv[3]), int(sys.argv[4]))}\n")
