"""Measures: everything that is counted, in one place, for alerts and dashboards go by these names.

`deploy/observability` may use no other (a house test reads both), and `docs/observability.md` says
what to do about each.
"""

from models.kernel.metrics import LONG_SECONDS, Counter, Gauge, Histogram, Metric

HTTP_SECONDS = Histogram(
    "ilm_http_request_seconds",
    "How long requests took to be answered, streams to begin, by route and class of status.",
    ("method", "route", "status"),
)
HTTP_IN_FLIGHT = Gauge(
    "ilm_http_in_flight", "Requests that are being answered, streams and WebSockets included."
)
HTTP_REFUSED = Counter(
    "ilm_http_refused_total",
    "Requests that ended in an error, by its code: 401s, 403s, 429s and 5xx alike.",
    ("code",),
)
LIVE_CONNECTIONS = Gauge("ilm_live_connections", "WebSockets that are open at `/v1/live`.")
LIVE_EVENTS = Counter("ilm_live_events_total", "Events told over WebSockets.")
LIVE_CLOSED = Counter(
    "ilm_live_closed_total", "WebSockets that ended, by the code they were closed with.", ("code",)
)

JOB_SECONDS = Histogram(
    "ilm_job_seconds",
    "How long one attempt at a job took, by what became of it.",
    ("type", "outcome"),
    LONG_SECONDS,
)
JOB_WAIT_SECONDS = Histogram(
    "ilm_job_wait_seconds",
    "How long jobs waited for their first attempt.",
    ("queue",),
    LONG_SECONDS,
)
QUEUE_JOBS = Gauge(
    "ilm_queue_jobs", "Jobs of a queue that are due, waiting or running.", ("queue", "state")
)
QUEUE_OLDEST_SECONDS = Gauge(
    "ilm_queue_oldest_seconds", "Age of the oldest job that is due.", ("queue",)
)
QUEUE_PAUSED = Gauge("ilm_queue_paused", "1 while an operator has paused a queue.", ("queue",))
QUEUES_ANEW = Counter(
    "ilm_queues_made_anew_total",
    "Queues of RabbitMQ that confirmed nothing for long and were deleted.",
    ("queue",),
)

WEBHOOK_SECONDS = Histogram(
    "ilm_webhook_attempt_seconds",
    "How long attempts at deliveries took, by how they ended.",
    ("outcome",),
)
WEBHOOK_OVERDUE = Gauge(
    "ilm_webhook_overdue",
    "Deliveries that are due for more than a minute though nothing holds them up.",
)
SCHEDULE_SECONDS = Histogram(
    "ilm_schedule_run_seconds",
    "How long runs of schedules took, by how they ended.",
    ("schedule", "outcome"),
    LONG_SECONDS,
)
SCHEDULE_AGE_SECONDS = Gauge(
    "ilm_schedule_success_age_seconds",
    "How long ago a schedule last succeeded, or else was first tried.",
    ("schedule",),
)
SCHEDULE_INTERVAL_SECONDS = Gauge(
    "ilm_schedule_interval_seconds",
    "How long it is from one slot of a schedule to the next.",
    ("schedule",),
)

LLM_SECONDS = Histogram(
    "ilm_llm_call_seconds",
    "How long calls to LLMs took, by how they ended.",
    ("vendor", "llm", "outcome"),
    LONG_SECONDS,
)
LLM_FIRST_SECONDS = Histogram(
    "ilm_llm_first_token_seconds",
    "How long LLMs took to their first content.",
    ("vendor", "llm"),
    LONG_SECONDS,
)
LLM_FAULTS = Counter(
    "ilm_llm_faults_total", "Calls to LLMs that failed, by code.", ("vendor", "llm", "code")
)
BREAKER_OPEN = Gauge(
    "ilm_breaker_open", "1 while an LLM that keeps failing is left alone.", ("vendor", "llm")
)

DATABASE_CONNECTIONS = Gauge(
    "ilm_database_connections",
    "Connections of our processes: in use, idle in the pool, or free to be opened.",
    ("process", "state"),
)
DATABASE_WAIT_SECONDS = Histogram(
    "ilm_database_wait_seconds", "How long a thread waited for a connection it had none of."
)
DATABASE_BACKENDS = Gauge("ilm_database_backends", "Connections to the database, ours and others'.")
DATABASE_BACKENDS_MOST = Gauge("ilm_database_backends_most", "Connections PostgreSQL has room for.")
DATABASE_TRANSACTIONS = Counter(
    "ilm_database_transactions_total", "Transactions of PostgreSQL.", ("outcome",)
)
DATABASE_BLOCKS = Counter(
    "ilm_database_blocks_total", "Blocks PostgreSQL read, by where they were.", ("source",)
)
DATABASE_DEADLOCKS = Counter("ilm_database_deadlocks_total", "Deadlocks PostgreSQL has broken.")
DATABASE_BYTES = Gauge("ilm_database_bytes", "Size of the database.")

DEPENDENCY_UP = Gauge("ilm_dependency_up", "1 while a dependency answers.", ("dependency",))
DEPENDENCY_SECONDS = Gauge(
    "ilm_dependency_seconds",
    "How long a dependency took to answer the last probe.",
    ("dependency",),
)

PROCESSES = Gauge("ilm_processes", "Processes that run, by kind.", ("process",))
PROCESS_CPU_SECONDS = Counter(
    "ilm_process_cpu_seconds_total", "Time on a core, user and system.", ("process",)
)
PROCESS_MEMORY_BYTES = Gauge("ilm_process_memory_bytes", "Memory that is resident.", ("process",))
PROCESS_THREADS = Gauge("ilm_process_threads", "Threads.", ("process",))
PROCESS_FILES = Gauge("ilm_process_open_files", "Open files and sockets.", ("process",))
NETWORK_BYTES = Counter(
    "ilm_network_bytes_total", "What passed the network devices of the host.", ("direction",)
)
DISK_BYTES = Gauge("ilm_disk_bytes", "Size of the disk that the home is on.")
DISK_FREE_BYTES = Gauge("ilm_disk_free_bytes", "What is left of it for us.")
BUILD = Gauge("ilm_build_info", "1, by release.", ("version",))
LOG_LINES = Counter("ilm_log_lines_total", "Lines logged, by severity.", ("level",))

KEPT_ANSWERS = Counter(
    "ilm_kept_answers_total",
    "Reads that a kept answer was looked for: `hit`, `miss`, or `away` without Redis.",
    ("outcome",),
)

ATTEMPTS = Counter(
    "ilm_auth_attempts_total",
    "Tries at a credential: what was wanted, how it ended; `wrong` and `locked` are failures.",
    ("action", "outcome"),
)
ADDRESSES_REFUSED = Counter(
    "ilm_addresses_refused_total",
    "Requests refused for where they came from, by the scope of the rule.",
    ("scope",),
)


def measures() -> tuple[Metric, ...]:
    """Return everything that is counted, in the order of this file."""
    return tuple(entry for entry in globals().values() if isinstance(entry, Metric))
