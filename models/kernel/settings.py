"""Settings: parsed once, strictly, into one frozen value. `os.environ` is read nowhere else.

A missing, odd or unknown `ILM_…` variable stops the boot with its name. `.env` in the working
directory is read too; the environment wins over it.
"""

import dataclasses
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from dotenv import dotenv_values
from marshmallow import ValidationError

from models.kernel.access_settings import AccessSettings
from models.kernel.setting_fields import count, folder, listed, text

Network = IPv4Network | IPv6Network

OPENAI: Final = "openai"
"""The moderation endpoint that needs no address."""


class BadSettings(Exception):
    """A setting is missing, odd or unknown; the message names it and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(AccessSettings):
    """Everything an operator can set. One sentence each; `.env.example` repeats them."""

    home: Path = folder("ILM_HOME", "var")
    """Folder of the embedded servers, blobs, mail and generated secrets."""
    port: int = count("ILM_PORT", 8000, 1, 65535)
    """Port the web process listens on."""
    bind: str = text("ILM_BIND", "127.0.0.1")
    """Address the web process listens on; `0.0.0.0` inside a container."""
    public_url: str = text("ILM_PUBLIC_URL")
    """Address clients use; default `http://127.0.0.1:$ILM_PORT`. https here enforces HTTPS."""
    secret_key: str = text("ILM_SECRET_KEY")
    """Seals keys and signs URLs; made in `$ILM_HOME/secret` when empty, required in fleets."""

    database_url: str = text("DATABASE_URL")
    """PostgreSQL as its owner; empty means the embedded server."""
    database_app_url: str = text("DATABASE_APP_URL")
    """PostgreSQL as an own login with the rights of `ilm_app`; empty sets the role instead."""
    redis_url: str = text("REDIS_URL")
    """Redis or Valkey; empty means the embedded server."""
    broker_url: str = text("BROKER_URL")
    """`amqp://…` for RabbitMQ; empty queues through Redis."""
    storage_url: str = text("STORAGE_URL")
    """`s3://bucket/prefix`, `gs://…` or `file:///…`; empty keeps blobs in `$ILM_HOME/blobs`."""

    admin_email: str = text("ILM_ADMIN_EMAIL")
    """E-mail of the first super_admin; empty makes `admin@ilm.localhost`."""
    admin_password: str = text("ILM_ADMIN_PASSWORD")
    """Password of the first super_admin; empty makes one in `$ILM_HOME/admin.txt`."""
    admin_mfa: str = text("ILM_ADMIN_MFA", "", "required", "optional")
    """Second factor before administering; empty requires it unless ILM_PUBLIC_URL is loopback."""
    require_verified_email: str = text("ILM_REQUIRE_VERIFIED_EMAIL", "", "on", "off")
    """Whether logging in wants a verified e-mail address; empty means on with SMTP_URL."""
    smtp_url: str = text("SMTP_URL")
    """`smtp://user:password@host:587` or `smtps://…`; empty leaves mail in `$ILM_HOME/mail`."""
    mail_from: str = text("ILM_MAIL_FROM", "Ilm <no-reply@localhost>")
    """Sender of our mail."""

    web_processes: int = count("ILM_WEB_PROCESSES", 1, 1, 64)
    """gunicorn workers of one web process group."""
    web_threads: int = count("ILM_WEB_THREADS", 8, 1, 64)
    """Threads that answer requests in one web process; each may hold one database connection."""
    llm_threads: int = count("ILM_LLM_THREADS", 64, 1, 512)
    """Threads of a worker on the queue `llm`: one per running call."""
    pages_threads: int = count("ILM_PAGES_THREADS", 0, 0, 256)
    """Threads of a worker on the queue `pages`; 0 means one per core."""
    default_threads: int = count("ILM_DEFAULT_THREADS", 8, 1, 256)
    """Threads of the worker on the queues `default`, `webhooks`, `mail` and `billing`."""
    database_connections: int = count("ILM_DATABASE_CONNECTIONS", 20, 1, 1000)
    """Most database connections of one process; a thread that finds none free waits (J-02)."""
    lease_seconds: int = count("ILM_LEASE_SECONDS", 0, 0, 3600)
    """Lease of running jobs and schedules; 0 keeps each queue's own, and a minute of schedules."""
    reconcile_seconds: int = count("ILM_RECONCILE_SECONDS", 2, 1, 60)
    """Pause between two rounds of the reconciler."""
    stream_hours: int = count("ILM_STREAM_HOURS", 24, 1, 720)
    """How long the events of a job can be replayed from Redis."""
    retention_days: int = count("ILM_RETENTION_DAYS", 30, 1, 3650)
    """How long what was deleted is kept before it is purged (X-16)."""
    run_days: int = count("ILM_RUN_DAYS", 90, 1, 3650)
    """How long runs of schedules are remembered."""
    events_days: int = count("ILM_EVENTS_DAYS", 90, 30, 730)
    """How long events can be read, and delivered again (H-11)."""
    backup_command: str = text("ILM_BACKUP_COMMAND")
    """Command that backs up, run every night without a shell; empty runs none (J-06)."""
    usage_days: int = count("ILM_USAGE_DAYS", 90, 30, 730)
    """How long each operation is listed with its cost (B-12)."""
    usage_aggregate_days: int = count("ILM_USAGE_AGGREGATE_DAYS", 730, 400, 3650)
    """How long the sums of a day's usage are kept; statements stay (B-12)."""

    cors_origins: tuple[str, ...] = listed("ILM_CORS_ORIGINS")
    """Origins browsers may call from, comma-separated; empty allows none but our own."""
    trusted_proxies: tuple[str, ...] = listed("ILM_TRUSTED_PROXIES")
    """CIDRs whose X-Forwarded-* headers are believed; empty believes none."""
    egress_allow: tuple[str, ...] = listed("ILM_EGRESS_ALLOW")
    """CIDRs beside the public Internet that addresses somebody names may lead to, by http too."""
    rate_limits: str = text("ILM_RATE_LIMITS", "on", "on", "off")
    """Whether requests are limited; guesses at passwords and codes are in any case (L-01)."""
    cache_mib: int = count("ILM_CACHE_MIB", 256, 0, 4_000)
    """Most of Redis that kept answers to reads may take, in MiB; 0 keeps none (G-22)."""
    request_seconds: int = count("ILM_REQUEST_SECONDS", 30, 1, 600)
    """Time a request may take before it ends as 504 (G-07)."""
    max_upload_bytes: int = count("ILM_MAX_UPLOAD_BYTES", 500 * 2**20, 1, 2**40)
    """Largest file of a book (K-02)."""
    log_level: str = text("ILM_LOG_LEVEL", "info", "debug", "info", "warning")
    """Least severity that is logged."""
    metrics_token: str = text("ILM_METRICS_TOKEN")
    """Bearer token that reads /metrics from elsewhere; empty lets loopback read it, nobody else."""
    metrics_port: int = count("ILM_METRICS_PORT", 0, 0, 65535)
    """Port at which workers and scheduler tell their metrics; 0 leaves them to web's /metrics."""
    alert_email: str = text("ILM_ALERT_EMAIL")
    """Address of mail that is told when something goes wrong and when it is over (I-08)."""
    alert_url: str = text("ILM_ALERT_URL")
    """Address that is told the same as JSON, such as a chat program's incoming webhook."""
    sentry_dsn: str = text("SENTRY_DSN")
    """Where errors are reported, as Sentry gives it; empty reports none."""
    otlp_endpoint: str = text("OTEL_EXPORTER_OTLP_ENDPOINT")
    """OTLP/HTTP collector of traces, such as `http://127.0.0.1:4318`; empty traces nothing."""

    @property
    def base_url(self) -> str:
        """The public address without a trailing slash."""
        return (self.public_url or f"http://127.0.0.1:{self.port}").rstrip("/")

    @property
    def is_https(self) -> bool:
        """Whether clients reach us by https, so that plain http is refused (A-11)."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def reachable(self) -> tuple[Network, ...]:
        """The networks that may be called although they are not public."""
        return tuple(ip_network(cidr) for cidr in self.egress_allow)

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks whose forwarded headers are believed."""
        return tuple(ip_network(cidr) for cidr in self.trusted_proxies)


def variables() -> dict[str, str]:
    """Return every variable a `Settings` reads, with the name of its field."""
    return {entry.metadata["name"]: entry.name for entry in dataclasses.fields(Settings)}


def environment() -> dict[str, str]:
    """Return a copy of this process's environment, for the children it starts."""
    return dict(os.environ)


def load(source: Mapping[str, str] | None = None, *, dotenv: Path | None = None) -> Settings:
    """Parse the settings; raise `BadSettings` naming the first variable that is wrong.

    `source` is the environment by default, and then `.env` of the working directory is read too.
    """
    if source is None:
        source, dotenv = os.environ, dotenv or Path(".env")
    given = {**_dotenv(dotenv), **source}
    unknown = sorted(n for n in given if n.startswith("ILM_") and n not in variables())
    if unknown:
        raise BadSettings(f"{unknown[0]} is not a setting of Ilm; .env.example lists them all")
    settings = Settings(
        **{
            entry.name: _parsed(entry, given[entry.metadata["name"]])
            for entry in dataclasses.fields(Settings)
            if given.get(entry.metadata["name"])
        }
    )
    _check(settings)
    return settings


def _dotenv(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    return {name: value or "" for name, value in dotenv_values(path).items()}


def _parsed(entry: dataclasses.Field[Any], text: str) -> Any:
    try:
        return entry.metadata["parser"].deserialize(text)
    except ValidationError as error:
        words = " ".join(str(message) for message in error.messages)
        raise BadSettings(f"{entry.metadata['name']}: {words}") from error


def _check(settings: Settings) -> None:
    """Refuse values that are well-formed alone and wrong together."""
    if urlsplit(settings.base_url).scheme not in {"http", "https"}:
        raise BadSettings("ILM_PUBLIC_URL: must begin with http:// or https://")
    if settings.access_token_minutes > settings.session_idle_minutes:
        raise BadSettings("ILM_ACCESS_TOKEN_MINUTES: at most ILM_SESSION_IDLE_MINUTES, or who is"
                          " at work would be logged out")  # fmt: skip
    if settings.moderation not in {"", OPENAI} and not _is_address(settings.moderation):
        raise BadSettings("ILM_MODERATION: must be openai, or begin with http:// or https://")
    if settings.broker_url and urlsplit(settings.broker_url).scheme not in {"amqp", "amqps"}:
        raise BadSettings("BROKER_URL: must begin with amqp://; leave it empty to use Redis")
    if settings.smtp_url and urlsplit(settings.smtp_url).scheme not in {"smtp", "smtps"}:
        raise BadSettings("SMTP_URL: must begin with smtp:// or smtps://")
    if settings.alert_url and not _is_address(settings.alert_url):
        raise BadSettings("ILM_ALERT_URL: must begin with http:// or https://")
    _check_command("ILM_BACKUP_COMMAND", settings.backup_command)
    if urlsplit(settings.redis_url).path not in {"", "/", "/0"}:
        raise BadSettings("REDIS_URL: leave the database number out; Ilm uses 0 and 1 of a server")
    _check_networks("ILM_TRUSTED_PROXIES", settings.trusted_proxies)
    _check_networks("ILM_EGRESS_ALLOW", settings.egress_allow)


def _check_command(name: str, command: str) -> None:
    try:
        shlex.split(command)
    except ValueError as error:
        raise BadSettings(f"{name}: {error}") from error


def _check_networks(name: str, cidrs: tuple[str, ...]) -> None:
    for cidr in cidrs:
        try:
            ip_network(cidr)
        except ValueError as error:
            raise BadSettings(f"{name}: {error}") from error


def _is_address(text: str) -> bool:
    url = urlsplit(text)
    return url.scheme in {"http", "https"} and bool(url.netloc)
