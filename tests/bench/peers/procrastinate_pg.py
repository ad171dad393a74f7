"""Procrastinate on PostgreSQL: `procrastinate_pg.py URL prepare | work N | put JOBS THREADS`.

Runs under an interpreter that has Procrastinate. The same job as ours, 200 bytes in; it keeps no
results. `put` prints jobs a second, from the first `defer` to the last `succeeded` event. `prepare`
makes the tables.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import procrastinate

VERB = sys.argv[2]
MOST_THREADS = 32

if VERB == "work":
    connector = procrastinate.PsycopgConnector(conninfo=sys.argv[1])
else:
    connector = procrastinate.SyncPsycopgConnector(conninfo=sys.argv[1], max_size=MOST_THREADS)
app = procrastinate.App(connector=connector)


@app.task(name="peer.echo", queue="peer")
async def echo(text):
    return {"text": text}


def prepare():
    with app.open():
        app.schema_manager.apply_schema()


def put(jobs, threads):
    with app.open():
        began = one("select clock_timestamp() as one")
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda _: echo.defer(text="x" * 200), range(jobs)))
        while one(
            "select count(*) as one from procrastinate_jobs where status in ('todo', 'doing')"
        ):
            time.sleep(0.05)
        ended = one("select max(at) as one from procrastinate_events where type = 'succeeded'")
    return jobs / (ended - began).total_seconds()


def one(query):
    return connector.execute_query_one(query)["one"]


if __name__ == "__main__":
    if VERB == "prepare":
        prepare()
    elif VERB == "work":
        app.run_worker(queues=["peer"], concurrency=int(sys.argv[3]))
    else:
        sys.stdout.write(f"{put(int(sys.argv[3]), int(sys.argv[4]))}\n")
