"""Anyone with the public key can tell a signed verdict from a forged one."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from treaty_contracts.attesting import SignatureInvalidError, sign, verify

KEY = Ed25519PrivateKey.generate()
CONTENT = b'{"admitted":false}\n'


def test_what_was_signed_comes_back() -> None:
    envelope = verify(sign("kind", CONTENT, KEY).to_json(), KEY.public_key())
    assert (envelope.kind, envelope.payload) == ("kind", CONTENT)


@pytest.mark.parametrize("field", ["payload", "payloadType", "signatures"])
def test_any_change_is_found(field: str) -> None:
    body = json.loads(sign("kind", CONTENT, KEY).to_json())
    if field == "payload":
        body[field] = base64.b64encode(b'{"admitted":true}\n').decode()
    elif field == "payloadType":
        body[field] = "another"
    else:
        body[field][0]["sig"] = base64.b64encode(bytes(64)).decode()
    with pytest.raises(SignatureInvalidError):
        verify(json.dumps(body).encode(), KEY.public_key())


def test_another_key_is_no_signer() -> None:
    with pytest.raises(SignatureInvalidError):
        verify(sign("kind", CONTENT, KEY).to_json(), Ed25519PrivateKey.generate().public_key())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"payloadType": 1, "payload": "!", "signatures": []}']
)
def test_what_is_no_envelope_is_refused(content: bytes) -> None:
    with pytest.raises(SignatureInvalidError):
        verify(content, KEY.public_key())
