"""Settings: parsed once, strictly, into one frozen value. `os.environ` is read nowhere else.

A missing, odd or unknown `ILM_…` variable stops the boot with its name. `.env` in the working
directory is read too; the environment wins over it.
"""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from dotenv import dotenv_values
from marshmallow import ValidationError, fields, validate

Network = IPv4Network | IPv6Network


RESERVED: Final = frozenset(
    {"ILM_RATE_LIMITS", "ILM_EGRESS_ALLOW", "ILM_REQUIRE_VERIFIED_EMAIL", "ILM_METRICS_TOKEN"}
    | {"ILM_METRICS_PORT"}
)
"""Names the contract has promised and no part reads yet: accepted, and reported at boot."""


class _Commas(fields.Field[tuple[str, ...]]):
    """`a, b` → `("a", "b")`."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:
        return tuple(part.strip() for part in str(value).split(",") if part.strip())


class _Folder(fields.Field[Path]):
    """A path, taken as it is given."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Path:
        return Path(str(value))


class BadSettings(Exception):
    """A setting is missing, odd or unknown; the message names it and says what to do."""


def _text(name: str, default: Any = "", *allowed: str) -> Any:
    """Declare a text, one of those allowed when any are named."""
    choice = validate.OneOf(allowed) if allowed else None
    return _declared(name, default, fields.String(validate=choice))


def _count(name: str, default: int, least: int, most: int) -> Any:
    """Declare a whole number between two bounds."""
    rule = validate.Range(least, most)
    return _declared(name, default, fields.Integer(validate=rule))


def _listed(name: str) -> Any:
    """Declare a comma-separated list, empty by default."""
    return _declared(name, (), _Commas())


def _folder(name: str, default: str) -> Any:
    """Declare a folder."""
    return _declared(name, Path(default), _Folder())


def _declared(name: str, default: Any, parser: fields.Field[Any]) -> Any:
    is_secret = name.endswith(("_KEY", "_PASSWORD", "_URL", "_BOX"))
    return dataclasses.field(
        default=default, metadata={"name": name, "parser": parser}, repr=not is_secret
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can set. One sentence each; `.env.example` repeats them."""

    home: Path = _folder("ILM_HOME", "var")
    """Folder of the embedded servers, blobs, mail and generated secrets."""
    port: int = _count("ILM_PORT", 8000, 1, 65535)
    """Port the web process listens on."""
    bind: str = _text("ILM_BIND", "127.0.0.1")
    """Address the web process listens on; `0.0.0.0` inside a container."""
    public_url: str = _text("ILM_PUBLIC_URL")
    """Address clients use; default `http://127.0.0.1:$ILM_PORT`. https here enforces HTTPS."""
    secret_key: str = _text("ILM_SECRET_KEY")
    """Seals keys and signs URLs; made in `$ILM_HOME/secret` when empty, required in fleets."""

    database_url: str = _text("DATABASE_URL")
    """PostgreSQL as its owner; empty means the embedded server."""
    database_app_url: str = _text("DATABASE_APP_URL")
    """PostgreSQL as an own login with the rights of `ilm_app`; empty sets the role instead."""
    redis_url: str = _text("REDIS_URL")
    """Redis or Valkey; empty means the embedded server."""
    broker_url: str = _text("BROKER_URL")
    """`amqp://…` for RabbitMQ; empty queues through Redis."""
    storage_url: str = _text("STORAGE_URL")
    """`s3://bucket/prefix`, `gs://…` or `file:///…`; empty keeps blobs in `$ILM_HOME/blobs`."""

    admin_email: str = _text("ILM_ADMIN_EMAIL")
    """E-mail of the first super_admin; empty makes `admin@ilm.localhost`."""
    admin_password: str = _text("ILM_ADMIN_PASSWORD")
    """Password of the first super_admin; empty makes one in `$ILM_HOME/admin.txt`."""

    web_processes: int = _count("ILM_WEB_PROCESSES", 1, 1, 64)
    """gunicorn workers of one web process group."""
    web_threads: int = _count("ILM_WEB_THREADS", 8, 1, 64)
    """Threads that answer requests in one web process; each may hold one database connection."""
    llm_threads: int = _count("ILM_LLM_THREADS", 64, 1, 512)
    """Threads of a worker on the queue `llm`: one per running call."""
    pages_threads: int = _count("ILM_PAGES_THREADS", 0, 0, 256)
    """Threads of a worker on the queue `pages`; 0 means one per core."""
    default_threads: int = _count("ILM_DEFAULT_THREADS", 8, 1, 256)
    """Threads of the worker on the queues `default`, `webhooks`, `mail` and `billing`."""
    database_connections: int = _count("ILM_DATABASE_CONNECTIONS", 20, 1, 1000)
    """Most database connections of one process; a thread that finds none free waits (J-02)."""
    lease_seconds: int = _count("ILM_LEASE_SECONDS", 0, 0, 3600)
    """Lease of a running job on every queue; 0 keeps each queue's own from the catalogue."""
    reconcile_seconds: int = _count("ILM_RECONCILE_SECONDS", 2, 1, 60)
    """Pause between two rounds of the reconciler."""
    stream_hours: int = _count("ILM_STREAM_HOURS", 24, 1, 720)
    """How long the events of a job can be replayed from Redis."""

    openai_api_key: str = _text("OPENAI_API_KEY")
    """Key at OpenAI; a vendor without a key is absent from routing."""
    openai_base_url: str = _text("OPENAI_BASE_URL")
    """Address of OpenAI's API, or of anything that speaks it; empty means OpenAI's own."""
    anthropic_api_key: str = _text("ANTHROPIC_API_KEY")
    """Key at Anthropic."""
    anthropic_base_url: str = _text("ANTHROPIC_BASE_URL")
    """Address of Anthropic's API; empty means its own."""
    dashscope_api_key: str = _text("DASHSCOPE_API_KEY")
    """Key at DashScope, which runs Qwen."""
    dashscope_base_url: str = _text("DASHSCOPE_BASE_URL")
    """Address of DashScope's OpenAI-shaped API; empty means the international one."""
    gemini_api_key: str = _text("GEMINI_API_KEY")
    """Key for Google's Gemini."""
    gemini_base_url: str = _text("GEMINI_BASE_URL")
    """Address of Gemini's OpenAI-shaped API; empty means Google's own."""
    xai_api_key: str = _text("XAI_API_KEY")
    """Key at xAI."""
    xai_base_url: str = _text("XAI_BASE_URL")
    """Address of xAI's API; empty means its own."""
    deepseek_api_key: str = _text("DEEPSEEK_API_KEY")
    """Key at DeepSeek."""
    deepseek_base_url: str = _text("DEEPSEEK_BASE_URL")
    """Address of DeepSeek's API; empty means its own."""
    mistral_api_key: str = _text("MISTRAL_API_KEY")
    """Key at Mistral."""
    mistral_base_url: str = _text("MISTRAL_BASE_URL")
    """Address of Mistral's API; empty means its own."""
    llama_api_key: str = _text("LLAMA_API_KEY")
    """Key at the host of Llama models that LLAMA_BASE_URL names."""
    llama_base_url: str = _text("LLAMA_BASE_URL")
    """Address of any OpenAI-shaped host of Llama models; empty means there is none."""
    ollama_base_url: str = _text("OLLAMA_BASE_URL")
    """Address of an Ollama, such as `http://127.0.0.1:11434/v1`; empty means there is none."""

    llm_first_token_seconds: int = _count("ILM_LLM_FIRST_TOKEN_SECONDS", 30, 1, 600)
    """How long an LLM may take to its first content before another is asked."""
    llm_reasoning_first_token_seconds: int = _count(
        "ILM_LLM_REASONING_FIRST_TOKEN_SECONDS", 120, 1, 600
    )
    """The same for an LLM that thinks before it speaks."""
    llm_idle_seconds: int = _count("ILM_LLM_IDLE_SECONDS", 20, 1, 600)
    """How long an LLM may be silent in the middle of an answer."""
    key_box: str = _text("ILM_KEY_BOX")
    """Key pair that seals callers' own keys: `private:…` for LLM workers, `public:…` for web; made
    in `$ILM_HOME/keybox` when empty, required in fleets."""

    cors_origins: tuple[str, ...] = _listed("ILM_CORS_ORIGINS")
    """Origins browsers may call from, comma-separated; empty allows none but our own."""
    trusted_proxies: tuple[str, ...] = _listed("ILM_TRUSTED_PROXIES")
    """CIDRs whose X-Forwarded-* headers are believed; empty believes none."""
    request_seconds: int = _count("ILM_REQUEST_SECONDS", 30, 1, 600)
    """Time a request may take before it ends as 504 (G-07)."""
    max_upload_bytes: int = _count("ILM_MAX_UPLOAD_BYTES", 500 * 2**20, 1, 2**40)
    """Largest file of a book (K-02)."""
    log_level: str = _text("ILM_LOG_LEVEL", "info", "debug", "info", "warning")
    """Least severity that is logged."""

    @property
    def base_url(self) -> str:
        """The public address without a trailing slash."""
        return (self.public_url or f"http://127.0.0.1:{self.port}").rstrip("/")

    @property
    def is_https(self) -> bool:
        """Whether clients reach us by https, so that plain http is refused (A-11)."""
        return urlsplit(self.base_url).scheme == "https"

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
    unknown = sorted(n for n in given if n.startswith("ILM_") and not _is_known(n))
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


def _is_known(name: str) -> bool:
    return name in variables() or name in RESERVED


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
    if settings.broker_url and urlsplit(settings.broker_url).scheme not in {"amqp", "amqps"}:
        raise BadSettings("BROKER_URL: must begin with amqp://; leave it empty to use Redis")
    if urlsplit(settings.redis_url).path not in {"", "/", "/0"}:
        raise BadSettings("REDIS_URL: leave the database number out; Ilm uses 0 and 1 of a server")
    for cidr in settings.trusted_proxies:
        try:
            ip_network(cidr)
        except ValueError as error:
            raise BadSettings(f"ILM_TRUSTED_PROXIES: {error}") from error
