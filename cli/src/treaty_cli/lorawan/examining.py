"""Asks a codec in a confined child: for its examples' outputs, and for whatever else it may emit."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any

import msgspec

from treaty_cli.lorawan.definition import Definition
from treaty_cli.lorawan.refusal import Refusal
from treaty_sandbox import ChildEndedError, ChildRefusedError, Limits, Policy, Session, Target, Template

__all__ = ["RECEIVED_AT_MS", "Answer", "Examiner", "Explored", "probing_inputs"]

RECEIVED_AT_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z, the judge's moment of reception too."""
_ANSWER_MS = 3_000
_EXPLORE_MS = 4_000
_GROUP = 64
_PATIENCE = 2
"""The first that dies is asked again, with more time: a busy host is no codec's fault."""
_LIVES_ANSWERING = 4
_LIVES_EXPLORING = 2
_SLOW_S = 1.5
"""A group takes an honest codec a hundredth of it."""
_MOST_SLOW = 5
_LIMITS = Limits(
    start_deadline=4_000,
    memory=256 * 1024 * 1024,
    cpu_seconds=60,
    message_reply=2 * 1024 * 1024,
    batch_reply=2 * 1024 * 1024 + 1024,
)

Uplink = tuple[bytes, int | None]


class Explored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`values` maps a name to its kinds, `errors` what the language threw to how often.

    `excesses` is how often the codec took too much.
    """

    values: dict[str, str]
    errors: dict[str, int]
    excesses: int = 0


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """The output, or why there is none."""

    output: Any
    why: str | None


class Examiner:
    """One codec's child, replaced when it dies, a few times at most: that bounds what it can cost."""

    def __init__(self, template: Template, definition: Definition) -> None:
        self._template = template
        self._target = Target(
            "treaty_sandbox.inside.javascript:examiner",
            {"codec.js": definition.script or b""},
            {"entry": "codec:decodeUplink"},
        )
        self._session: Session | None = None
        self._lives = _LIVES_ANSWERING
        self.trouble: Refusal | None = None

    def answer(self, function: str, given: Any) -> Answer:
        """The function's answer to one input, by a codec just loaded."""
        message = ["answer", function, json.dumps(given), RECEIVED_AT_MS]
        lives = self._lives
        reply = self._ask(message, _ANSWER_MS)
        if lives == _LIVES_ANSWERING and self._lives < lives:
            reply = self._ask(message, _ANSWER_MS * _PATIENCE)
        match reply:
            case [str(text), None, _]:
                try:
                    return Answer(json.loads(text), None)
                except (ValueError, RecursionError):
                    return Answer(None, "an output that cannot be read")
            case [None, str(why), excess]:
                self._lives -= bool(excess)
                return Answer(None, why[:500].encode(errors="replace").decode())
        return Answer(None, self.trouble.message if self.trouble else "an output that cannot be read")

    def explore(self, inputs: Iterable[Uplink], most: int) -> Explored:
        """Everything the codec was seen to emit and to throw, as far as it lived.

        One that has `most` values already, or takes long again and again, is asked no more: no contract
        can be made that it keeps.
        """
        values: dict[str, set[str]] = {}
        errors: dict[str, int] = {}
        if self._lives > 0:
            self._lives = _LIVES_EXPLORING if self._lives == _LIVES_ANSWERING else 1
        slow = 0
        for group in _groups(inputs):
            if len(values) >= most or slow == _MOST_SLOW:
                break
            began = time.monotonic()
            reply = self._ask(["explore", group, RECEIVED_AT_MS], _EXPLORE_MS)
            slow += time.monotonic() - began > _SLOW_S
            try:
                found = msgspec.convert(reply, Explored)
            except msgspec.ValidationError:
                continue
            for name, kinds in found.values.items():
                values.setdefault(name[:63], set()).update(set(kinds) & set("nsdb"))
            for name, times in found.errors.items():
                errors[name] = errors.get(name, 0) + times
            self._lives -= found.excesses > 0
        return Explored({name: "".join(sorted(kinds)) for name, kinds in values.items() if kinds}, errors)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _ask(self, message: list[Any], deadline_ms: int) -> Any:
        if self._lives <= 0:
            return None
        try:
            if self._session is None:
                self._session = self._start()
            return self._session.ask(message, deadline_ms)
        except ChildEndedError as ended:
            self._lives -= 1 if self._session is not None else 2
            self.close()
            self.trouble = Refusal("L806", f"the codec was ended: {ended.kind}")
        except ChildRefusedError as refused:
            self._lives = 0
            self.trouble = Refusal("L806", f"the codec does not load: {refused.detail}"[:300])
        return None

    def _start(self) -> Session:
        return Session(self._template, self._target, limits=_LIMITS, policy=Policy.BEST_EFFORT)


def _groups(inputs: Iterable[Uplink]) -> Iterator[list[Uplink]]:
    group: list[Uplink] = []
    for each in inputs:
        group.append(each)
        if len(group) == _GROUP:
            yield group
            group = []
    if group:
        yield group


def probing_inputs(examples: Sequence[Uplink]) -> Iterator[Uplink]:
    """Payloads like the examples' with every byte changed, on every port, and random ones; always the same.

    A contract that knew only what the examples happen to hold would be broken by the next uplink.
    """
    random = Random(20260101)  # noqa: S311 - repeatable inputs, not secrets
    ports = sorted({port for _, port in examples if port is not None}) or [1]
    for payload, port in examples[:12]:
        for place in range(min(len(payload), 40)):
            for value in (0, payload[place] ^ 0x80, payload[place] ^ 0x01, random.randrange(256)):
                yield payload[:place] + bytes([value]) + payload[place + 1 :], port
    first = examples[0][0] if examples else bytes(12)
    for number in range(256):
        yield first, number
        yield bytes([number]) + first[1:], ports[number % len(ports)]
        if number % 2:
            yield bytes([number]) + random.randbytes(number % 51), ports[number % len(ports)]
