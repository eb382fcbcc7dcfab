"""One version of a plugin under observation: what it breaks, how often, and whether it is what it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from treaty_contracts.probe.vectors import Case
from treaty_events.decisions import BUDGET_EXCEEDED
from treaty_normalization.budget import Allowance, Budget, Pace, rest_s
from treaty_normalization.drift import Recheck, difference
from treaty_normalization.plugins import Plugin
from treaty_normalization.reports import Reports
from treaty_normalization.sampling import Sample, Sampler
from treaty_normalization.translation import Translated, refused
from treaty_normalization.uplinks import Arrival
from treaty_sandbox import Failed, Ok, ReadingValues

__all__ = ["Conduct", "Watch"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """How closely versions are watched."""

    allowance: Allowance = field(default_factory=Allowance)
    sample: Sample = field(default_factory=Sample)
    recheck_s: float = 900.0
    hesitation_s: float = 5.0
    """How long the plugin waits for a decision after each report that its budget is exceeded."""


class Conduct:
    """Of one version in one worker. The budget's count goes on over aborts: work done again counts again."""

    def __init__(self, plugin: Plugin, slot: str, watch: Watch) -> None:
        self._plugin = plugin
        self._watch = watch
        self.recheck = Recheck(plugin, watch.recheck_s)
        self.sampler = Sampler(plugin.contract, plugin.promises, watch.sample)
        self.reports = Reports(plugin, slot)
        self._budget = Budget(watch.allowance)
        self._pace = Pace()
        self._quiet_until = 0.0
        self._rest_until = 0.0
        self._uplinks = self._violations = 0

    def worked_on(self, uplinks: int, now_ms: int) -> None:
        """So many came back from the child; what they broke is told after."""
        self._budget.note(uplinks, 0, now_ms)
        self._uplinks, self._violations = uplinks, 0

    @property
    def at_once(self) -> int:
        """The most uplinks that are to go to the child together."""
        return self._pace.limit

    def looked_through(self) -> None:
        """What the batch broke has all been told."""
        self._pace.done(self._uplinks, self._violations)

    def done_with(self, since: float, now: float) -> bool:
        """The batch, handed over at `since`, is behind: its outputs too are made and on their way. True where
        the version's children are to yield to others' from now on."""
        violations, self._violations = self._violations, 0
        breaks = violations > 0 and self._budget.breaks_much
        if breaks:
            self._rest_until = now + rest_s(now - since, violations, self._uplinks)
        return breaks

    def look_at(self, arrival: Arrival, translated: Translated) -> Translated:
        """Readings that do not stand a closer look become a dead letter."""
        why = self.sampler.objection(translated.outputs)
        return translated if why is None else refused(self._plugin, arrival, "contract_violation", why)

    def violated(self, arrival: Arrival, translated: Translated, now: float, now_ms: int) -> None:
        """One uplink shows that a promise is broken; reported, and past the budget that too."""
        name, reason = self._plugin.name, translated.reason or ""
        if not self.reports.waiting:
            log.warning(
                "plugin broke its promise",
                plugin=name,
                reason=reason,
                detail=translated.detail,
                uplink=arrival.place,
            )
        uplink = f"{arrival.place}:0"
        self.reports.note(reason, translated.detail, uplink)
        self._budget.note(0, 1, now_ms)
        self._violations += 1
        why = self._budget.exceeded()
        if why is not None:
            if not self.hesitates(now):
                log.error("violation budget exceeded", plugin=name, version=self._plugin.version, detail=why)
            self._quiet_until = now + self._watch.hesitation_s
            self.reports.note(BUDGET_EXCEEDED, why, uplink)

    def hesitates(self, now: float) -> bool:
        """Whether it had better wait for what governance decides."""
        return now < self._quiet_until

    def rests(self, now: float) -> bool:
        """Whether others have the worker's time now, for what it broke in its last batch."""
        return self._violations > 0 or now < self._rest_until

    @staticmethod
    def drifted(cases: Sequence[Case], replies: Sequence[Ok[list[ReadingValues]] | Failed]) -> str | None:
        """The first vector that is answered otherwise than at admission."""
        found = (difference(case, reply) for case, reply in zip(cases, replies, strict=True))
        return next((why for why in found if why is not None), None)

    def start_afresh(self) -> None:
        """Nothing is held against it any more: it was suspended, and is let go on."""
        self.reports.reset()
        self._budget = Budget(self._watch.allowance)
        self._pace = Pace()
        self._quiet_until = self._rest_until = 0.0
