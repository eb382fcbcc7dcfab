"""What a child drops before plugin code loads, and the record of what was really applied.

Linux only. Small modules of our own over prctl(2), landlock(7) and seccomp(2): the bindings on PyPI need a
libseccomp.so of the machine or are unmaintained, and a bare machine has neither.
"""

from treaty_sandbox.confinement.apply import confine, prepare
from treaty_sandbox.confinement.missing import MissingMechanismError

__all__ = ["MissingMechanismError", "confine", "prepare"]
