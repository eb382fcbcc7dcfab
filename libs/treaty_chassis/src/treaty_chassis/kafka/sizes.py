"""How large records are, as the broker counts them; judged before a produce, never found out by one."""

from __future__ import annotations

from treaty_chassis.kafka.work import Headers, Output, Record
from treaty_hotpath import record_bytes as compiled_bytes

__all__ = ["headers_bytes", "output_bytes", "record_bytes", "truncated"]

TRUNCATED = "truncated-bytes"
"""Header of a record whose value was cut: how many bytes the whole value had, decimal."""

# Kafka's record format v2 (KIP-98): a batch header of 61 bytes, a record's attributes and at most
# five varints of five to ten bytes, two varints a header. Rounded up: the limit is on the whole batch.
_RECORD_OVERHEAD = 128
_HEADER_OVERHEAD = 10


def headers_bytes(headers: Headers) -> int:
    size = _HEADER_OVERHEAD * len(headers)
    for name, value in headers:
        size += len(name)
        if value is not None:
            size += len(value)
    return size


def output_bytes(output: Output) -> int:
    """At least what the record takes in a batch of its own."""
    return _bytes(output.key, output.value, output.headers)


def record_bytes(record: Record) -> int:
    """What a record read takes in memory, exactly enough to bound queues by."""
    return _bytes(record.key, record.value, record.headers)


def _bytes(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    counted = compiled_bytes(key, value, headers)
    if counted is not None:
        return counted
    size = _RECORD_OVERHEAD
    if value is not None:
        size += len(value)
    if key is not None:
        size += len(key)
    if headers:
        size += headers_bytes(headers)
    return size


def truncated(output: Output, limit: int) -> Output:
    """The output with its value cut so that it fits, marked by a header; and, where the headers alone are
    too much, without the longest ones and the key."""
    excess = output_bytes(output) - limit
    if excess <= 0:
        return output
    value = output.value or b""
    mark = (TRUNCATED, str(len(value)).encode())
    excess += headers_bytes((mark,))
    headers = [*output.headers, mark]
    key = output.key
    if excess > len(value):
        excess -= len(value)
        value = b""
        for longest in sorted(output.headers, key=lambda h: len(h[1] or b""), reverse=True):
            if excess <= 0:
                break
            headers.remove(longest)
            excess -= headers_bytes((longest,))
        if excess > 0:
            key = None
    else:
        value = value[: len(value) - excess]
    return Output(output.topic, key, value, headers, output.partition)
