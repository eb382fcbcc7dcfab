"""Verdicts in signed envelopes: whose signature holds, and what it is worth."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from treaty_contract_governance.plugins.signatures import KeysError, SignerPolicy, Signers
from treaty_contracts.attesting import sign
from treaty_contracts.attesting.envelope import ATTESTATION, VERDICT, key_id

TRUSTED, ALSO, STRANGER = (Ed25519PrivateKey.generate() for _ in range(3))


def pem(*keys):
    return b"".join(
        k.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for k in keys
    )


@pytest.fixture
def keys(tmp_path):
    file = tmp_path / "trusted.pem"
    file.write_bytes(pem(TRUSTED, ALSO))
    return file


@pytest.fixture(params=list(SignerPolicy))
def signers(request, keys):
    return Signers(request.param, keys)


def signed(verdict, key=TRUSTED, kind=VERDICT):
    return json.loads(sign(kind, json.dumps(verdict).encode(), key).to_json())


async def post(client, body, name="decentlab"):
    return await client.post(f"/v1/plugins/{name}/verdicts/signed", json=body)


def refused(answer, code):
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text


@pytest.mark.parametrize("key", [TRUSTED, ALSO])
async def test_a_trusted_signature_admits_and_is_remembered(client, verdict, key):
    answer = await post(client, signed(verdict(), key))
    assert answer.status_code == 201, answer.text
    assert answer.json()["state"] == "admitted"
    assert answer.json()["decided_by"] == f"ada, signed by {key_id(key.public_key())}"
    assert client.woken


async def test_what_was_changed_after_it_was_signed_is_refused(client, verdict):
    envelope = signed(verdict(admitted=False))
    envelope["payload"] = signed(verdict())["payload"]
    refused(await post(client, envelope), "signature_invalid")
    envelope = signed(verdict())
    envelope["payloadType"] = ATTESTATION
    refused(await post(client, envelope), "signature_invalid")
    assert (await client.get("/v1/plugins/decentlab")).status_code == 404


async def test_a_strangers_signature_is_refused(client, verdict):
    refused(await post(client, signed(verdict(), STRANGER)), "signer_unknown")
    envelope = signed(verdict(), STRANGER)
    envelope["signatures"][0]["keyid"] = key_id(TRUSTED.public_key())
    refused(await post(client, envelope), "signature_invalid")


async def test_what_is_signed_has_to_be_a_verdict_of_this_plugin(client, verdict):
    refused(await post(client, signed({"plugin": "decentlab"})), "invalid")
    refused(await post(client, signed(verdict()), "milesight"), "invalid")
    refused(await post(client, signed(verdict(), kind=ATTESTATION)), "signature_invalid")


async def test_unsigned_verdicts_are_taken_unless_signatures_are_required(client, verdict, signers):
    answer = await client.post("/v1/plugins/decentlab/verdicts", json=verdict())
    if signers.policy is SignerPolicy.REQUIRE:
        refused(answer, "signature_required")
    else:
        assert answer.status_code == 201


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", pem(TRUSTED)[:-40], None], ids=["empty", "nonsense", "cut", "missing"]
)
def test_keys_that_cannot_be_used_stop_the_start(tmp_path, content):
    file = tmp_path / "keys.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(KeysError, match=r"keys\.pem"):
        Signers(SignerPolicy.ALLOW, file)


def test_a_required_signature_needs_keys():
    with pytest.raises(KeysError, match="TREATY_VERDICT_KEYS_FILE"):
        Signers(SignerPolicy.REQUIRE, None)
