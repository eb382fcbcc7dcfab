"""librdkafka's errors as what the runner may do about them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from treaty_chassis.kafka.port import AbortedError, FatalError, FencedError, KafkaFailure, TimedOutError

__all__ = [
    "EpochError",
    "committing",
    "fatal",
    "inside_transaction",
    "is_by_record",
    "is_fatal",
    "outside_transaction",
]

_EPOCH_OVER: Final = frozenset(
    {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}
)
_FENCED_MEMBER: Final = KafkaError(KafkaError.FENCED_INSTANCE_ID).str()
# What is held against a record itself, and would be again.
_BY_RECORD: Final = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.POLICY_VIOLATION,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._INVALID_ARG,
    }
)
# The generation that would commit is over, or a topic of it is gone.
_MOVED_ON: Final = frozenset(
    {
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)
# What a cluster says while leaders and coordinators move, or a topic has only just been made: librdkafka
# marks no error of a consumer's calls as retriable.
_MOVING: Final = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._WAIT_COORD,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.NOT_COORDINATOR,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
    }
)
# A retriable error that came back at once is given a moment; one that timed out has had it.
_MOMENT_S: Final = 0.5


class EpochError(FatalError):
    """The producer's epoch is over: another process has taken its transactional id, or the coordinator gave
    up a transaction that was open for too long. The broker does not say which."""


def is_by_record(error: KafkaError) -> bool:
    return error.code() in _BY_RECORD


def is_fatal(error: KafkaError) -> bool:
    return error.fatal() or error.code() == KafkaError._FATAL


def fatal(error: KafkaError) -> KafkaFailure:
    # A consumer's fatal error arrives under one code for all, its cause only in the text.
    if error.code() == KafkaError.FENCED_INSTANCE_ID or _FENCED_MEMBER in error.str():
        return FencedError(_words(error))
    return (EpochError if error.code() in _EPOCH_OVER else FatalError)(_words(error))


@contextmanager
def outside_transaction() -> Iterator[None]:
    """Calls that can be repeated or are hopeless."""
    try:
        yield
    except KafkaException as raised:
        error: KafkaError = raised.args[0]
        if is_fatal(error) or not _passing(error):
            raise fatal(error) from raised
        raise _timed_out(error) from raised


@contextmanager
def inside_transaction(rejected: Callable[[], KafkaError | None]) -> Iterator[None]:
    """Calls of an open transaction; `rejected` tells which error, if any, a record met at the broker."""
    try:
        yield
    except KafkaException as raised:
        error: KafkaError = raised.args[0]
        if is_fatal(error) or error.code() == KafkaError.FENCED_INSTANCE_ID:
            raise fatal(error) from raised
        if error.txn_requires_abort():
            # The transaction's own error only says that a message failed.
            cause = rejected() or error
            raise AbortedError(_words(cause), by_record=is_by_record(cause)) from raised
        if _passing(error):
            raise _timed_out(error) from raised
        raise FatalError(_words(error)) from raised


@contextmanager
def committing() -> Iterator[None]:
    """A commit of offsets outside any transaction: the group may have moved on meanwhile."""
    try:
        with outside_transaction():
            yield
    except FatalError as raised:
        cause = raised.__cause__
        if isinstance(cause, KafkaException) and cause.args[0].code() in _MOVED_ON:
            raise AbortedError(str(raised)) from cause
        raise


def _passing(error: KafkaError) -> bool:
    return error.retriable() or error.code() in _MOVING


def _timed_out(error: KafkaError) -> TimedOutError:
    if error.code() != KafkaError._TIMED_OUT:
        time.sleep(_MOMENT_S)
    return TimedOutError(_words(error))


def _words(error: KafkaError) -> str:
    return f"{error.name()}: {error.str()}"
