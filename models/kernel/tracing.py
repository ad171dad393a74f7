"""Tracing: what one request led to, across web, broker, worker and vendor (I-04).

    with span("job llm.call", CONSUMER, within=trace_of(row.request_id)): …

A trace is named by the request's id, which the job's row carries anyway: `req_` and 32 digits are
the trace's own id, any other is digested into one. So nothing more travels, a job that is sent
again finds its trace, and who has the `requestId` of an error finds the trace by it.

Without `OTEL_EXPORTER_OTLP_ENDPOINT` a span is nothing and the SDK is not imported.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from models.kernel.masking import masked_field, masked_text
from models.kernel.release import VERSION
from models.kernel.settings import BadSettings

SERVER: Final = "SERVER"
CLIENT: Final = "CLIENT"
PRODUCER: Final = "PRODUCER"
CONSUMER: Final = "CONSUMER"
INTERNAL: Final = "INTERNAL"

FLUSH_MS: Final = 2_000
EXPORT_SECONDS: Final = 5
HINT: Final = (
    "OTEL_EXPORTER_OTLP_ENDPOINT needs the extra `observability`: pip install 'ilm[observability]'"
)

_OURS: Final = re.compile(r"req_([0-9a-f]{32})", re.ASCII)
_NOTHING: Final = nullcontext()


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace and its first span, the request's."""

    id: int
    first_span: int


class _Tracing:
    """This process's SDK, once there is one."""

    library: Any = None
    provider: Any = None
    tracer: Any = None


_first_span: ContextVar[Trace | None] = ContextVar("_first_span", default=None)


def start(collector: str, kind: str) -> None:
    """Trace from now on, as this kind of process; do nothing without a collector.

    Raises `BadSettings` without the SDK.
    """
    if not collector:
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise BadSettings(HINT) from error
    endpoint = f"{collector.rstrip('/')}/v1/traces"
    resource = Resource.create({"service.name": f"ilm-{kind}", "service.version": VERSION})
    provider = TracerProvider(resource=resource, id_generator=_ids())
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _Tracing.library, _Tracing.provider = trace, provider
    _Tracing.tracer = provider.get_tracer("ilm", VERSION)


def stop() -> None:
    """Send what is waiting, for two seconds at most."""
    if _Tracing.provider is not None:
        _Tracing.provider.force_flush(FLUSH_MS)
        _Tracing.provider.shutdown()
        _Tracing.library = _Tracing.provider = _Tracing.tracer = None


def is_on() -> bool:
    """Say whether anything is traced."""
    return _Tracing.tracer is not None


def trace_of(request_id: str) -> Trace:
    """Return the trace of a request: the same in every process, from its id alone."""
    digest = sha256(request_id.encode()).digest()
    ours = _OURS.fullmatch(request_id)
    trace = int(ours[1], 16) if ours else int.from_bytes(digest[:16])
    return Trace(trace or 1, int.from_bytes(digest[16:24]) or 1)


def span(
    name: str,
    kind: str = INTERNAL,
    *,
    within: str = "",
    attributes: Mapping[str, str | int] | None = None,
) -> AbstractContextManager[Any]:
    """Return a block that is a span, of the trace around it or of that of the request `within`.

    What is raised through it is noted by its class alone. Attributes are masked as logs are.
    """
    if _Tracing.tracer is None:
        return _NOTHING
    return _span(name, kind, within, attributes or {})


@contextmanager
def _span(name: str, kind: str, within: str, attributes: Mapping[str, str | int]) -> Iterator[Any]:
    made = _begun(name, kind, _around(within), attributes)
    with _Tracing.library.use_span(
        made, end_on_exit=True, record_exception=False, set_status_on_exception=False
    ):
        try:
            yield made
        except BaseException as error:
            _failed(made, type(error).__name__)
            raise


def begin_request(request_id: str, caller: str = "") -> Any:
    """Begin the first span of a request's trace and let it be the one around what follows.

    `caller` is the `traceparent` a client sent: its span is linked. Returns None when off.
    """
    if _Tracing.tracer is None:
        return None
    from opentelemetry import context

    token = _first_span.set(trace_of(request_id))
    try:
        made = _begun("request", SERVER, context.Context(), {}, links=_links(caller))
    finally:
        _first_span.reset(token)
    context.attach(_Tracing.library.set_span_in_context(made, context.Context()))
    return made


def end_request(made: Any, name: str, status: int, attributes: Mapping[str, str | int]) -> None:
    """End the span of a request, now that its route and its status are known."""
    made.update_name(name)
    made.set_attributes({**_masked(attributes), "http.response.status_code": status})
    if status >= 500:
        _failed(made, str(status))
    made.end()


def _begun(
    name: str, kind: str, around: Any, attributes: Mapping[str, str | int], links: Any = ()
) -> Any:
    return _Tracing.tracer.start_span(
        masked_text(name), around, getattr(_Tracing.library.SpanKind, kind),
        _masked(attributes), links,
    )  # fmt: skip


def _around(within: str) -> Any:
    """Return the context a span belongs to: None is what is around."""
    if not within:
        return None
    trace = trace_of(within)
    library = _Tracing.library
    remote = library.SpanContext(
        trace.id, trace.first_span, is_remote=True, trace_flags=library.TraceFlags(1)
    )
    return library.set_span_in_context(library.NonRecordingSpan(remote))


def _links(caller: str) -> tuple[Any, ...]:
    match = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}", caller, re.ASCII)
    if match is None:
        return ()
    library = _Tracing.library
    theirs = library.SpanContext(int(match[1], 16), int(match[2], 16), is_remote=True)
    return (library.Link(theirs),) if theirs.is_valid else ()


def _failed(made: Any, what: str) -> None:
    made.set_attribute("error.type", what)
    made.set_status(_Tracing.library.Status(_Tracing.library.StatusCode.ERROR))


def _masked(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    return {name: masked_field(name, value) for name, value in attributes.items()}


def _ids() -> Any:
    """Return what names spans: a request's first by its trace, every other by chance."""
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        def generate_span_id(self) -> int:
            named = _first_span.get()
            return named.first_span if named else super().generate_span_id()

        def generate_trace_id(self) -> int:
            named = _first_span.get()
            return named.id if named else super().generate_trace_id()

    return Ids()
