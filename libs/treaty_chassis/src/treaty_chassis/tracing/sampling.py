"""Which batches are recorded: those the sampler chooses, and those that carry a sampled trace on."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

__all__ = ["LinkBased", "honouring_links"]


class LinkBased(Sampler):
    """A batch has no parent, but links to the traces of its records: one that is sampled decides as a sampled
    parent would. Everything else is `otherwise`'s to say."""

    def __init__(self, otherwise: Sampler) -> None:
        self._otherwise = otherwise

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if links and any(link.context.trace_flags.sampled for link in links):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, trace_state)
        return self._otherwise.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        return f"LinkBased{{{self._otherwise.get_description()}}}"


def honouring_links(sampler: Sampler) -> Sampler:
    """The sampler, with links where it honours parents: always_off stays off, and a plain ratio a ratio."""
    return LinkBased(sampler) if isinstance(sampler, ParentBased) else sampler
