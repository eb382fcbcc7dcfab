"""How long finished work waits for more before it is committed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Hold"]


@dataclass(slots=True)
class Hold:
    """None while records are few, so that one goes out at once; under load up to `longest_s`, so that a
    transaction, which costs the broker the same for one record as for a thousand, carries many.

    It begins early: at 300 records a second transactions that follow one another without a pause keep a small
    broker busier than the records do, and everything waits for it.

    Follows the records a second seen lately (a mean that forgets half in about half a second).
    """

    longest_s: float = 0.050
    shortest_s: float = 0.003
    from_rate: float = 100.0
    full_rate: float = 20_000.0
    rate: float = 0.0
    _since: float | None = None

    def committed(self, records: int, now_s: float) -> None:
        """A transaction of so many records is through; `now_s` is monotonic."""
        if self._since is not None:
            elapsed = max(now_s - self._since, 1e-4)
            weight = min(1.0, elapsed / 0.7)
            self.rate += weight * (records / elapsed - self.rate)
        self._since = now_s

    def seconds(self) -> float:
        """How long the oldest finished record may wait."""
        if self.rate < self.from_rate:
            return 0.0
        share = min(1.0, (self.rate - self.from_rate) / (self.full_rate - self.from_rate))
        return self.shortest_s + share * (self.longest_s - self.shortest_s)
