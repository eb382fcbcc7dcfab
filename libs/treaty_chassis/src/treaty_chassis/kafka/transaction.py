"""One transaction, from begin to a known outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from treaty_chassis.kafka.ledger import Batch
from treaty_chassis.kafka.port import Client, FatalError, TimedOutError

__all__ = ["persist", "transact"]

T = TypeVar("T")
# Of five seconds each, as a rule: a broker on a busy machine takes a minute to come back, and a process that
# stays keeps its children and its place.
_TRIES = 24


def persist(call: Callable[[], T], what: str, over: Callable[[], bool] = lambda: False) -> T:
    """Repeats a call that timed out, a bounded number of times and not once it is `over`. Then FatalError: a
    new process takes the slot over and so finds out what became of it."""
    for _ in range(_TRIES):
        try:
            return call()
        except TimedOutError as error:
            last = str(error)
            if over():
                raise FatalError(f"{what}: no answer before the process is to end: {last}") from error
    raise FatalError(f"{what}: timed out {_TRIES} times: {last}")


def transact(client: Client, batch: Batch, over: Callable[[], bool] = lambda: False) -> None:
    """Produces the batch and commits its offsets, both or neither. Raises AbortedError with the transaction
    still to be aborted."""
    client.begin()
    client.produce(batch.outputs)
    persist(lambda: client.send_offsets(batch.offsets), "sending offsets", over)
    # A commit that timed out may have succeeded: only the same call again can tell.
    persist(client.commit, "commit", over)
