"""Write what the corpus's verdicts say, and the rules they follow from, beside the engine's number.

Refuses where a package is judged otherwise than before under the same number.
"""

from __future__ import annotations

import json
import sys

from test_engine_corpus import CASES, PINS, rules_digest, said

from treaty_contracts import Engine
from treaty_contracts.verdict import ENGINE


def main() -> int:
    before = json.loads(PINS.read_text())["engine"] if PINS.exists() else ""
    found = {case / "expected.json": said(Engine().check(case / "input")) for case in CASES}
    held = {path: json.loads(path.read_text()) for path in found}
    other = [
        path.parent.name for path, verdict in found.items() if held[path].get("verdict", verdict) != verdict
    ]
    if other and before == ENGINE:
        print(f"judged otherwise under {ENGINE}, raise it: {', '.join(other)}", file=sys.stderr)
        return 1
    for path, verdict in found.items():
        path.write_text(json.dumps(held[path] | {"verdict": verdict}, indent=2) + "\n")
    PINS.write_text(json.dumps({"engine": ENGINE, "rules": rules_digest()}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
