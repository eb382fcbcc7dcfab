"""What the judge demands beyond what every contract says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["Policy"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How strict a check is.

    `require_vectors`: a package without golden vectors is refused instead of warned of.
    `missing_environment`: what an absent declared variable or secret means on this host.
    `sandbox`: "strict" refuses to probe where a confinement mechanism is missing, "best-effort"
    probes and the attestation says what was missing. `probe` off judges statically only, which
    admits nothing. `seed` fixes the malformed inputs. `evidence` is what the host has established of
    (kind, subject).
    """

    require_vectors: bool = False
    missing_environment: Literal["refuse", "warn"] = "refuse"
    sandbox: Literal["strict", "best-effort"] = "best-effort"
    probe: bool = True
    seed: int = 20240229
    evidence: frozenset[tuple[str, str]] = frozenset()

    def portable(self) -> dict[str, Any]:
        """The parts a verdict depends on; the host's parts are left out."""
        body = asdict(self)
        del body["missing_environment"], body["sandbox"], body["evidence"]
        return body
