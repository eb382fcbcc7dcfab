"""A position in the readings' log, and its opaque text.

A position is the next offset of each partition, in order of the partitions. Offsets only ever compare:
gaps between them (transaction markers, aborted records) mean nothing.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, TypeAlias
from uuid import UUID

from treaty_push_gateway.stream.errors import Code, CodedError

__all__ = ["Log", "Position", "covers", "furthest", "nearest", "read_cursor", "write_cursor"]

Position: TypeAlias = tuple[int, ...]
"""Next offset of each partition. A partition past the end stands at 0: it was added to the topic later."""

VERSION: Final = 1
LONGEST: Final = 4096
"""Characters of the longest cursor that is looked at."""
GREATEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Log:
    """The one log a cursor is good for. A topic deleted and made anew has another UUID."""

    cluster: str
    topic: UUID


def covers(one: Position, other: Position) -> bool:
    """Whether `one` is at or past `other` in every partition."""
    return all(a >= b for a, b in zip_longest(one, other, fillvalue=0))


def furthest(one: Position, other: Position) -> Position:
    """The greater offset of each partition."""
    return tuple(max(pair) for pair in zip_longest(one, other, fillvalue=0))


def nearest(positions: Iterable[Position]) -> Position:
    """The least offset of each partition; one position at least."""
    return tuple(min(offsets) for offsets in zip_longest(*positions, fillvalue=0))


def write_cursor(log: Log, position: Position) -> str:
    """base64url, unpadded, of: version, length and text of the cluster id, topic UUID, number of partitions
    and their offsets (both LEB128), CRC-32 of all that."""
    cluster = log.cluster.encode()
    body = bytearray((VERSION, len(cluster)))
    body += cluster
    body += log.topic.bytes
    for number in (len(position), *position):
        _put(body, number)
    body += zlib.crc32(body).to_bytes(4, "big")
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def read_cursor(log: Log, text: str) -> Position:
    """Raises CodedError: cursor_invalid for what was never written here, cursor_foreign for another log's."""
    if not text or len(text) > LONGEST:
        raise _invalid(f"expected 1 to {LONGEST} characters")
    try:
        body = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid("not base64url") from error
    if len(body) < 5 or body[0] != VERSION:
        raise _invalid("of no version known here")
    if zlib.crc32(body[:-4]).to_bytes(4, "big") != body[-4:]:
        raise _invalid("damaged: the checksum differs")
    end = 2 + body[1]
    try:
        cluster, topic = body[2:end].decode(), UUID(bytes=body[end : end + 16])
        numbers = list(_numbers(body[end + 16 : -4]))
    except ValueError as error:
        raise _invalid("not of the expected form") from error
    if not numbers or numbers[0] != len(numbers) - 1:
        raise _invalid("not of the expected form")
    if Log(cluster, topic) != log:
        what = "Kafka cluster" if cluster != log.cluster else "topic of that name, which was made anew since"
        raise CodedError(Code.CURSOR_FOREIGN, f"the cursor belongs to another {what}")
    return tuple(numbers[1:])


def _put(body: bytearray, number: int) -> None:
    while number > 0x7F:
        body.append(number & 0x7F | 0x80)
        number >>= 7
    body.append(number)


def _numbers(body: bytes) -> Iterable[int]:
    number = shift = 0
    for byte in body:
        number |= (byte & 0x7F) << shift
        shift += 7
        if number > GREATEST:
            raise ValueError("number too large")
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("cut off")


def _invalid(why: str) -> CodedError:
    return CodedError(Code.CURSOR_INVALID, f"the cursor is not one this gateway gave: {why}")
