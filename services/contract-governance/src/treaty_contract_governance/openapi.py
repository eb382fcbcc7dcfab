"""Writes the OpenAPI document of the service.

python -m treaty_contract_governance.openapi            after a change of a route or a body
python -m treaty_contract_governance.openapi --check    exit 1 where the document is not what the code says
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from treaty_chassis.http import openapi
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
    return openapi.text(app)


if __name__ == "__main__":
    raise SystemExit(openapi.main("treaty_contract_governance.openapi", DOCUMENT, document()))
