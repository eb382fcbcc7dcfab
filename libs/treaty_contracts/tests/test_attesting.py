"""Anyone with the public key can tell a signed verdict from a forged one."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from treaty_contracts.attesting import SignatureInvalidError, sign, verify
from treaty_contracts.attesting.keys import private_key, public_key

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


def written(file: Path, kind: PrivateFormat, secrecy: KeySerializationEncryption) -> Path:
    file.write_bytes(KEY.private_bytes(Encoding.PEM, kind, secrecy))
    return file


def test_keys_come_back_from_their_files(tmp_path: Path) -> None:
    file = written(tmp_path / "key.pem", PrivateFormat.PKCS8, NoEncryption())
    assert private_key(file).private_bytes_raw() == KEY.private_bytes_raw()
    (tmp_path / "key.pub").write_bytes(
        KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    assert public_key(tmp_path / "key.pub") == KEY.public_key()


def test_a_file_that_is_no_such_key_is_named(tmp_path: Path) -> None:
    behind = written(tmp_path / "behind.pem", PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    with pytest.raises(ValueError, match=r"behind\.pem is behind a password"):
        private_key(behind)
    other = tmp_path / "other.pem"
    other.write_bytes(
        X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    with pytest.raises(ValueError, match=r"other\.pem is no Ed25519"):
        private_key(other)
    for read in (private_key, public_key):
        (tmp_path / "text.pem").write_text("nonsense")
        with pytest.raises(ValueError, match=r"text\.pem is no .* key in PEM"):
            read(tmp_path / "text.pem")
        with pytest.raises(OSError, match="none"):
            read(tmp_path / "none.pem")
