"""Lets the runner read what governance has admitted, as decisions come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import structlog

from treaty_chassis.kafka.runner import Runner
from treaty_chassis.kafka.view import CompactedView
from treaty_events.codec import decode
from treaty_events.decisions import ContractDecided
from treaty_events.headers import VERSION
from treaty_events.topics import CONTRACT_DECIDED
from treaty_normalization.decisions import objection, orders

__all__ = ["Gate"]

log = structlog.get_logger(__name__)


class Gate:
    """Follows `view` (contract.decided.v1). Nothing is let in before the view was read to its end: the
    topic's past holds decisions that no longer stand."""

    def __init__(self, runner: Runner, digests: Mapping[str, str], *, topic: str = CONTRACT_DECIDED) -> None:
        self.view: CompactedView[ContractDecided] = CompactedView(
            topic,
            lambda body: decode(ContractDecided, body),
            version_header=VERSION,
            on_change=lambda *_: self._apply(),
        )
        self._runner = runner
        self._digests = digests
        self._lock = threading.Lock()
        self._open = False

    def open(self, complete: Callable[[float], bool]) -> None:
        """Waits in a thread until `complete(seconds)` is true, and lets what is admitted in."""

        def wait() -> None:
            while not complete(60.0):
                log.info("waiting for decisions")
            self._open = True
            self._apply()

        threading.Thread(target=wait, name="gate", daemon=True).start()

    def objection(self, plugin: str) -> str | None:
        """Why a plugin is not worked on, None: it may be."""
        return objection(self._digests[plugin], self.view.get(plugin))

    def _apply(self) -> None:
        with self._lock:
            if not self._open:
                return
            wanted = orders(self._digests, dict(self.view.items()))
            self._runner.pause(wanted.held)
            self._runner.subscribe(wanted.read)
            self._runner.resume(wanted.read - wanted.held)
