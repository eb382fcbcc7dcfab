"""The worker as app.py wires it, on one plugin, with what surrounds it left out; and parts of it.

Kinds: copy (the runner alone: each record out as it came), null (a decoder that finds nothing in the
payload), python (Decentlab's), javascript (the same in a codec). `bare` runs the decoder in the worker, as
a library's function; `sandboxed` is what the product does, `interpreted` what it does where nothing is
compiled.
"""

from __future__ import annotations

import gc
import sys

if "interpreted" in sys.argv:
    # As where it was never built: before anything imports it.
    sys.modules["treaty_hotpath._native"] = None  # type: ignore[assignment]

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cost import Marks
from prometheus_client import CollectorRegistry

from treaty_chassis.kafka.client import ConfluentClient
from treaty_chassis.kafka.delivery import Delivery
from treaty_chassis.kafka.ledger import Batch
from treaty_chassis.kafka.measures import Measures
from treaty_chassis.kafka.runner import Runner
from treaty_chassis.kafka.work import Output, PureWork, Record, Work
from treaty_contracts import Contract, load
from treaty_events.topics import READING_NORMALIZED, spec_of
from treaty_normalization.hosting import Hosting
from treaty_normalization.metrics import Metrics
from treaty_normalization.plugins import Plugin
from treaty_normalization.promises import Promises
from treaty_normalization.work import NormalizationWork
from treaty_sandbox import Done, Failed, Ok, Policy, ReadingValues, Target, Template
from treaty_sandbox.inside import decoding, javascript
from treaty_sandbox.inside.package import Package

HERE = Path(__file__).parent
DECENTLAB = HERE.parents[2] / "plugins" / "decentlab"
NULL = b"from treaty import Reading\n\n\ndef decode(uplink):\n    return [Reading({})]\n"


class InProcess:
    """A Host without a child: for measuring what the sandbox costs, never for use."""

    def __init__(self, target: Target) -> None:
        module = javascript if target.runner.startswith(javascript.__name__) else decoding
        assert not isinstance(target.package, Path)
        self._handle = module.decoder(Package(target.package), target.options)
        self._done: Done[list[ReadingValues]] | None = None
        self.restarts, self.trouble, self.free = 0, None, True

    def submit(self, messages: Sequence[Any], now: float) -> None:
        replies: list[Any] = []
        for message in messages:
            reply = self._handle(message)
            if reply[0] == "ok":
                replies.append(Ok([ReadingValues(*values) for values in reply[1]]))
            else:
                replies.append(Failed(*reply[1:]))
        self._done = Done(1, replies)
        self.free = False

    def poll(self, now: float) -> Done[list[ReadingValues]] | None:
        done, self._done, self.free = self._done, None, True
        return done

    def waits(self) -> list[tuple[int, bool, bool]]:
        return []

    def close(self) -> None:
        """Nothing is held."""


def plugin(kind: str) -> Plugin:
    contract = load(DECENTLAB)
    files = {"decoder.py": (DECENTLAB / "decoder.py").read_bytes()}
    if kind == "null":
        files = {"decoder.py": NULL}
    elif kind == "javascript":
        files = {"decoder.js": (HERE / "decoder.js").read_bytes()}
        given = contract.model_dump()
        for emitted in given["emits"].values():
            if isinstance(emitted, dict):
                emitted.update({javascript.emitted_name((n,)): emitted.pop(n) for n in list(emitted)})
        given |= {"language": "javascript", "entry": {"decode": "decoder:decodeUplink"}}
        contract = Contract.model_validate(given)
    return Plugin("decentlab", "1.0.0", "sha256:" + "a" * 64, contract, Promises(contract), files)


class Gated(ConfluentClient):
    """Feeds nothing past the warm-up before that is done."""

    def __init__(self, servers: str, group: str, delivery: Delivery, marks: Marks) -> None:
        super().__init__(servers, group, "0", delivery)
        self._marks = marks

    def poll(self, limit: int, timeout_s: float) -> Sequence[Record]:
        if self._marks.warm:
            return super().poll(limit, timeout_s)
        room = self._marks.room(limit)
        found = super().poll(room, timeout_s) if room else ()
        self._marks.fed += len(found)
        return found


class Counting(Measures):
    def __init__(self, marks: Marks) -> None:
        super().__init__(CollectorRegistry())
        self._marks = marks
        self.runner: Runner | None = None

    def committed(self, batch: Batch, seconds: float) -> None:
        super().committed(batch, seconds)
        if self._marks.done(batch.records) and self.runner is not None:
            self.runner.stop()


def copy(records: Sequence[Record], out: str) -> list[list[Output]]:
    return [[Output(out, record.key, record.value, record.headers)] for record in records]


def work_of(kind: str, place: str, topic: str, template: Template) -> Work:
    if kind == "copy":
        return PureWork(
            lambda state, batch, _: (state, copy(batch, READING_NORMALIZED)),
            lambda: None,
            lambda record, reason, detail: Output("uplink.deadletter.v1", record.key, record.value),
        )
    metrics = Metrics(CollectorRegistry())
    hosted = plugin(kind)
    hosting = Hosting(hosted, template, Policy.STRICT, "0", metrics)
    if place == "bare":
        hosting._host = InProcess(hosted.target())  # type: ignore[assignment]
    return NormalizationWork({topic: hosting}, metrics)


def limit(topic: str) -> int:
    spec = spec_of(topic)
    assert spec is not None
    return spec.max_message


def main() -> None:
    servers, topic, kind, place, delivery, group, first, last = sys.argv[1:]
    marks = Marks(int(first), int(last))
    template = Template()
    measures = Counting(marks)
    client = Gated(servers, group, Delivery(delivery), marks)
    runner = Runner(client, work_of(kind, place, topic, template), limit, measures=measures)
    measures.runner = runner
    runner.subscribe([topic])
    gc.collect()
    gc.freeze()
    code = runner.run()
    template.close()
    sys.exit(int(code))


if __name__ == "__main__":
    main()
