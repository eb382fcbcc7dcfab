"""Whether one JSON Schema still reads what another wrote: set containment, with proof or example."""

from treaty_contracts.compatibility.containment import Containment, Incompatibility, Verdict, contains
from treaty_contracts.compatibility.modes import Mode, check_compatibility

__all__ = ["Containment", "Incompatibility", "Mode", "Verdict", "check_compatibility", "contains"]
