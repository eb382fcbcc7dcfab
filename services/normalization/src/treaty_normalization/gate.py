"""Lets the runner read what governance has admitted, once it was judged here too, as decisions come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from treaty_chassis.kafka.view import CompactedView
from treaty_contracts.probe.channel import close_templates
from treaty_events.codec import decode
from treaty_events.decisions import PACKAGE_CHANGED, ContractDecided
from treaty_events.headers import VERSION
from treaty_events.topics import CONTRACT_DECIDED
from treaty_normalization.decisions import in_use, objection, orders
from treaty_normalization.downlinks.together import Subscriptions
from treaty_normalization.plugins import Judge, Plugin
from treaty_normalization.shelf import Shelf

__all__ = ["Gate"]

log = structlog.get_logger(__name__)
LOOK_EVERY_S: Final = 2.0
"""How soon a package that was put on the shelf after it was admitted is found."""


class Gate:
    """Follows `view` (contract.decided.v1), and hands over each package that is decided on and in use.

    Only such packages are judged, in a thread of its own: a plugin nobody uses costs nothing. Nothing is
    let in before the view was read to its end: the topic's past holds decisions that no longer stand.
    `host` is called from that thread, first for a new plugin, then for each version that replaces another.
    """

    def __init__(
        self,
        runner: Subscriptions,
        shelf: Shelf,
        judge: Judge,
        host: Callable[[Plugin], None],
        *,
        lost: Callable[[Plugin, str, str], None] = lambda *_: None,
        rehash_s: float = 900.0,
        topic: str = CONTRACT_DECIDED,
    ) -> None:
        """Every `rehash_s` packages are hashed again; `lost` is told of those of which a restart would not
        find what is hosted now."""
        self.view: CompactedView[ContractDecided] = CompactedView(
            topic,
            lambda body: decode(ContractDecided, body),
            version_header=VERSION,
            on_change=lambda *_: self._changed(),
        )
        self._runner = runner
        self._shelf = shelf
        self._judge = judge
        self._host = host
        self._lost = lost
        self._rehash_s = rehash_s
        self._rehash_at = time.monotonic() + rehash_s
        self._hosted: dict[str, str] = {}
        self._plugins: dict[str, Plugin] = {}
        self._held: frozenset[str] = frozenset()
        self._why: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._open = False

    def open(self, complete: Callable[[float], bool], failed: Callable[[str], None]) -> None:
        """Waits in a thread until `complete(seconds)` is true, then lets in what is admitted, and follows
        what is decided. `failed` is told should the thread end for a fault."""

        def follow() -> None:
            try:
                while not complete(60.0) and not self._closing.is_set():
                    log.info("waiting for decisions")
                self._look()
                self._open = True
                self._apply()
                while not self._closing.is_set():
                    woken = self._woken.wait(LOOK_EVERY_S)
                    self._woken.clear()
                    if woken or self._why or self._shelf.changed():
                        self._look()
                        self._apply()
                    if time.monotonic() >= self._rehash_at:
                        self._rehash()
            except Exception as error:
                # The thread ends: readiness tells it by way of whoever was asked to be told.
                log.exception("gate failed")
                failed(f"decisions are not followed any more: {error}")

        threading.Thread(target=follow, name="gate", daemon=True).start()

    def close(self) -> None:
        self._closing.set()
        self._woken.set()

    @property
    def opened(self) -> bool:
        """Whether what is decided has been taken up once."""
        return self._open

    def concerned(self) -> list[str]:
        """Plugins on the shelf that are in use, or that governance has not admitted."""
        found = []
        for name in sorted(self._shelf.names):
            decided = self.view.get(name)
            if (decided is not None and in_use(decided)) or objection(None, decided) is not None:
                found.append(name)
        return found

    def objection(self, plugin: str) -> str | None:
        """Why a plugin is not worked on, None: it may be."""
        decided = self.view.get(plugin)
        digest, why = self._why.get(plugin, ("", ""))
        if decided is not None and in_use(decided) and decided.digest == digest:
            return why
        return objection(self._hosted.get(plugin), decided)

    def _changed(self) -> None:
        """What is held must not wait until something else was judged."""
        self._woken.set()
        if self._open:
            self._apply()

    def _look(self) -> None:
        try:
            self._shelf.look()
        except OSError as error:
            # What is hosted is in memory; packages are looked for again in a moment.
            log.warning("the plugins' folder cannot be read", detail=str(error))
        judged = False
        known = self._shelf.names | self._hosted.keys()
        for gone in self._why.keys() - known:
            self._why.pop(gone)
        for name in sorted(known):
            decided = self.view.get(name)
            if decided is None or not in_use(decided) or self._hosted.get(name) == decided.digest:
                self._why.pop(name, None)
            else:
                judged = True
                self._take(name, decided.digest)
        if judged:
            close_templates()

    def _take(self, name: str, digest: str) -> None:
        found = self._shelf.take(name, digest, self._judge)
        if isinstance(found, Plugin):
            self._host(found)
            self._hosted[name], self._plugins[name] = digest, found
            self._why.pop(name, None)
        elif self._why.get(name) != (digest, found):
            log.warning("plugin cannot be hosted", plugin=name, why=found)
            self._why[name] = (digest, found)

    def _rehash(self) -> None:
        """What runs is in memory and stays what was judged; but the shelf is what the next start takes."""
        self._rehash_at = time.monotonic() + self._rehash_s
        for name, plugin in self._plugins.items():
            decided = self.view.get(name)
            if decided is None or decided.digest != plugin.digest or not in_use(decided):
                continue
            if not self._shelf.holds(name, plugin.digest):
                why = f"no folder holds {plugin.digest} any more: a restart would not find it"
                log.warning("package has changed", plugin=name, detail=why)
                self._lost(plugin, PACKAGE_CHANGED, why)

    def _apply(self) -> None:
        with self._lock:
            refused = [digest for digest, _ in list(self._why.values())]
            wanted = orders(dict(self._hosted), dict(self.view.items()), refused, self._held)
            self._held = wanted.held
            self._runner.pause(wanted.held)
            self._runner.subscribe(wanted.read)
            self._runner.resume(wanted.read - wanted.held)
