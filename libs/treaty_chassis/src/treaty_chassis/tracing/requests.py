"""The span of one HTTP request that a service answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from treaty_chassis.tracing.spans import Tracing, entered, failed

__all__ = ["RequestSpan", "RequestSpans"]

_PROPAGATOR = TraceContextTextMapPropagator()
_PATH: Final = 1024
"""The most characters of a path that are kept: whoever asks chooses it, and many spans wait at a time."""


class RequestSpan:
    """Nothing more is kept of it once it has ended, early or not."""

    def __init__(self, span: Span, method: str) -> None:
        self._span = span
        self._method = method

    def answered(self, status: int) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            failed(self._span, str(status))

    def routed(self, route: str | None) -> None:
        if route is not None and self._span.is_recording():
            self._span.update_name(f"{self._method} {route}")
            self._span.set_attribute("http.route", route)

    def failed(self, error: BaseException) -> None:
        """The error's text is not kept: it may quote the request."""
        if self._span.is_recording():
            failed(self._span, type(error).__name__)

    def end(self) -> None:
        if self._span.is_recording():
            self._span.end()


class RequestSpans:
    def __init__(self, tracing: Tracing) -> None:
        self._tracer = tracing.tracer

    @contextmanager
    def span(
        self, method: str, path: str, scheme: str, headers: Sequence[tuple[bytes, bytes]]
    ) -> Iterator[RequestSpan]:
        """While a request is answered. What the block raises makes it a failure."""
        carried = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in headers
            if name in (b"traceparent", b"tracestate")
        }
        parent = _PROPAGATOR.extract(carried, context=Context())
        attributes = {"http.request.method": method, "url.path": path[:_PATH], "url.scheme": scheme}
        span = self._tracer.start_span(method, parent, SpanKind.SERVER, attributes)
        request = RequestSpan(span, method)
        try:
            with entered(span):
                yield request
        except BaseException as error:
            request.failed(error)
            raise
        finally:
            request.end()
