"""Confined children for the probe: where they come from, what they are held to, how they die."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from treaty_contracts.model import Contract
from treaty_contracts.policy import Policy
from treaty_sandbox import Applied, ChildEndedError, ChildRefusedError, Limits, Session, Target, Template
from treaty_sandbox import Policy as Confinement

__all__ = ["ChildDiedError", "Children", "ConfinementMissingError"]

RUNNER = "treaty_contracts.probe.child:prober"
CODEC_RUNNER = "treaty_contracts.probe.codec:prober"
START_DEADLINE_MS = 5_000
REPLY_BYTES = 2 * 1024 * 1024


class ConfinementMissingError(Exception):
    """The host cannot confine a child as the policy demands; `mechanism` says what is missing."""

    def __init__(self, mechanism: str, detail: str) -> None:
        self.mechanism = mechanism
        self.detail = detail
        super().__init__(f"{mechanism}: {detail}")


class ChildDiedError(Exception):
    """The child gave no answer: `reason` is deadline, memory, exit or output."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


def _died(error: ChildEndedError) -> ChildDiedError:
    if error.kind == "deadline_exceeded":
        return ChildDiedError("deadline", error.detail)
    if error.kind in {"output_too_large", "malformed_output"}:
        return ChildDiedError("output", "an answer that is too large or cannot be read")
    return ChildDiedError("exit", error.detail)


_templates: list[Template] = []
_HASH_SEEDS = (1, 2)


def templates() -> tuple[Template, Template]:
    """Two interpreters to fork from, shared by the process; texts hash otherwise in each, always the same."""
    while len(_templates) < 2:
        preload = ("treaty_contracts.probe.child", "treaty_contracts.probe.codec")
        _templates.append(Template(preload, _HASH_SEEDS[len(_templates)]))
    for template in _templates:
        template.start()
    return _templates[0], _templates[1]


def close_templates() -> None:
    """End the shared interpreters; the next probe starts new ones."""
    while _templates:
        _templates.pop().close()


class Children:
    """Starts children for one package. `applied` is what confined the last one."""

    def __init__(self, contract: Contract, files: Mapping[str, bytes], policy: Policy) -> None:
        resources = contract.resources
        self.policy = Confinement.STRICT if policy.sandbox == "strict" else Confinement.BEST_EFFORT
        self.limits = Limits(
            memory=resources.memory_mib * 1024 * 1024,
            cpu_seconds=30,
            start_deadline=START_DEADLINE_MS,
            message_deadline=resources.message_deadline_ms,
            batch_deadline=resources.batch_deadline_ms,
            message_reply=REPLY_BYTES,
            batch_reply=REPLY_BYTES + 1024,
        )
        third_party = [name for name, rule in contract.packages_in_full().items() if rule.allowed]
        library = (
            tuple(Path(entry) for entry in sys.path if entry.endswith("site-packages")) if third_party else ()
        )
        if contract.language == "javascript":
            entry = contract.entry.decode if contract.entry is not None else ""
            options = {
                "entry": entry,
                "measurements": sorted(contract.emits.measurements),
                "position": contract.emits.position,
            }
            self.target = Target(CODEC_RUNNER, dict(files), options)
        else:
            self.target = Target(RUNNER, dict(files), readable=library, import_path=library)
        self.applied: Applied | None = None

    def start(self, number: int) -> Child:
        """A fresh child of one of the interpreters; ChildDiedError, ConfinementMissingError where none."""
        try:
            session = Session(templates()[number % 2], self.target, limits=self.limits, policy=self.policy)
        except ChildEndedError as error:
            raise _died(error) from error
        except ChildRefusedError as error:
            if error.stage == "confinement":
                raise ConfinementMissingError(error.kind, error.detail) from error
            raise ChildDiedError("exit", str(error)) from error
        self.applied = session.applied
        return Child(session)


class Child:
    """One confined child, asked one thing at a time."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def ask(self, message: list[Any], deadline_ms: int) -> Any:
        """Its answer, unchecked. Raises ChildDiedError, after which the child is gone."""
        try:
            return self.session.ask(message, deadline_ms)
        except ChildEndedError as error:
            self.session.close()
            raise _died(error) from error

    def close(self) -> None:
        self.session.close()
