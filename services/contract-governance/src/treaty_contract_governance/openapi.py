"""Writes the OpenAPI document of the service.

python -m treaty_contract_governance.openapi            after a change of a route or a body
python -m treaty_contract_governance.openapi --check    exit 1 where the document is not what the code says
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import cast

from treaty_chassis.http.bearer import Bearer
from treaty_chassis.http.tokens import TokenVerifier
from treaty_chassis.postgres.engine import create_engine
from treaty_contract_governance.app import api
from treaty_contract_governance.plugins.signatures import SignerPolicy, Signers

__all__ = ["DOCUMENT", "document"]

DOCUMENT = Path(__file__).parents[2] / "openapi.json"


def document() -> str:
    """As the code says; nothing connects."""
    engine = create_engine("postgresql://nowhere/none", "openapi")
    bearer = Bearer(cast(TokenVerifier, None))
    app = api(engine, bearer, lambda: None, {}, Signers(SignerPolicy.ALLOW, None))
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m treaty_contract_governance.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    if not parser.parse_args().check:
        DOCUMENT.write_text(document())
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text() == document():
        return 0
    sys.stderr.write(f"{DOCUMENT}: stale, run python -m treaty_contract_governance.openapi\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
