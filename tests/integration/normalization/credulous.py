"""A worker that judges nothing: it runs whatever is decided on. For tests of what holds hostile code in."""

import sys
from pathlib import Path

from treaty_contracts import Verdict, digest
from treaty_normalization.app import main


def believe(path: Path) -> Verdict:
    return Verdict(None, None, digest(path), ())


if __name__ == "__main__":
    sys.exit(main(believe))
