"""Who vouches for a package: signed verdicts, signed attestations, and what workers attest."""

import hashlib
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from treaty_contract_governance.plugins.attestations import Attestations
from treaty_contract_governance.plugins.signatures import SignerPolicy, Signers
from treaty_contract_governance.watching.records import read
from treaty_contract_governance.watching.store import Watched
from treaty_contracts.attesting import sign, verify
from treaty_contracts.attesting.envelope import ATTESTATION, VERDICT, key_id
from treaty_events.codec import encode
from treaty_events.decisions import PluginReported

KEY, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
SIGNER = key_id(KEY.public_key())
PATH = "/v1/plugins/decentlab"


@pytest.fixture
def signers(tmp_path):
    file = tmp_path / "trusted.pem"
    file.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return Signers(SignerPolicy.ALLOW, file)


@pytest.fixture
def statement(verdict):
    """An attestation as the engine writes it, of a package told by one letter."""

    def make(package="a", **changed):
        judged = verdict(package=package)
        return {
            "attestation": "treaty-attestation/v1",
            "plugin": judged["plugin"],
            "version": judged["version"],
            "digest": judged["digest"],
            "verdict": "sha256:" + "f" * 64,
            "admitted": True,
            "admitted_here": True,
            "host": {"os": "linux"},
            "sandbox": {"applied": {"seccomp": "60 calls"}},
            **changed,
        }

    return make


def signed(kind, body, key=KEY):
    return json.loads(sign(kind, json.dumps(body).encode(), key).to_json())


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def attested(client):
    return (await client.get(PATH)).json()["attested"]


async def test_nobody_vouches_for_a_verdict_without_a_signature(client, verdict):
    await client.post(f"{PATH}/verdicts", json=verdict())
    assert await attested(client) == []
    assert (await client.get(f"{PATH}/attestations")).json() == {"items": []}


async def test_who_signed_a_verdict_vouches_for_its_package_from_then_on(client, verdict):
    await client.post(f"{PATH}/verdicts", json=verdict())
    for _ in range(2):
        answer = await client.post(f"{PATH}/verdicts/signed", json=signed(VERDICT, verdict()))
        assert answer.status_code == 200, "the package is the plugin's already"
    (one,) = await attested(client)
    digest = hashlib.sha256(json.dumps(verdict()).encode()).hexdigest()
    assert (one["kind"], one["by"], one["admitted"]) == ("verdict", SIGNER, True)
    assert (one["digest"], one["verdict"]) == (verdict()["digest"], f"sha256:{digest}")
    assert one["first_at"] <= one["last_at"]

    ((full),) = (await client.get(f"{PATH}/attestations")).json()["items"]
    kept = verify(json.dumps(full["body"]).encode(), KEY.public_key())
    assert json.loads(kept.payload) == verdict(), "whoever has the key can check it again"


async def test_the_plugin_shows_who_vouches_for_its_present_package_only(client, verdict):
    await client.post(f"{PATH}/verdicts/signed", json=signed(VERDICT, verdict()))
    newer = verdict(package="b", version="1.1.0")
    await client.post(f"{PATH}/verdicts", json=newer)
    assert await attested(client) == []
    ((one),) = (await client.get(f"{PATH}/attestations")).json()["items"]
    assert (one["plugin_version"], one["digest"]) == ("1.0.0", verdict()["digest"])


async def test_a_signed_attestation_is_kept_and_decides_nothing(client, verdict, statement):
    before = (await client.post(f"{PATH}/verdicts", json=verdict())).json()
    answer = await client.post(f"{PATH}/attestations", json=signed(ATTESTATION, statement()))
    assert answer.status_code == 204, answer.text
    shown = (await client.get(PATH)).json()
    (one,) = shown.pop("attested")
    assert shown == before
    assert (one["kind"], one["by"], one["verdict"]) == ("host", SIGNER, statement()["verdict"])
    assert "body" not in one, "of hosts only platform viewers are told"


async def test_an_attestation_that_does_not_admit_says_so(client, verdict, statement):
    await client.post(f"{PATH}/verdicts", json=verdict())
    elsewhere = signed(ATTESTATION, statement(admitted_here=False))
    assert (await client.post(f"{PATH}/attestations", json=elsewhere)).status_code == 204
    assert [one["admitted"] for one in await attested(client)] == [False]


async def test_attestations_that_do_not_hold_are_refused(client, verdict, statement):
    path = f"{PATH}/attestations"
    refused(await client.post(path, json=signed(ATTESTATION, statement())), 409, "conflict")
    await client.post(f"{PATH}/verdicts", json=verdict())
    for body, code in (
        (signed(ATTESTATION, statement(), STRANGER), "signer_unknown"),
        (signed(VERDICT, verdict()), "signature_invalid"),
        (signed(ATTESTATION, statement(plugin="milesight")), "invalid"),
        (signed(ATTESTATION, statement(digest="md5:1")), "invalid"),
        (signed(ATTESTATION, verdict()), "invalid"),
    ):
        refused(await client.post(path, json=body), 422, code)
    assert await attested(client) == []


async def test_what_is_told_of_hosts_is_for_the_platforms_viewers(client, verdict, token):
    await client.post(f"{PATH}/verdicts", json=verdict())
    for role, reading, posting in ((None, 403, 403), ("viewer", 200, 403)):
        headers = {"Authorization": f"Bearer {token(role)}"}
        assert (await client.get(f"{PATH}/attestations", headers=headers)).status_code == reading
        posted = await client.post(f"{PATH}/attestations", json=signed(ATTESTATION, {}), headers=headers)
        assert posted.status_code == posting
        assert (await client.get(PATH, headers=headers)).json()["attested"] == []


class Record:
    topic, partition, key, headers = "plugin.reported.v1", 0, b"decentlab", ()

    def __init__(self, told, offset):
        self.value, self.offset = encode(told), offset


def report(statement, slot="0", **changed):
    told = PluginReported(
        "decentlab",
        "1.0.0",
        statement["digest"],
        slot,
        f"attested by {slot}",
        json.dumps(statement),
        "2026-01-02T03:04:05.678Z",
    )
    return replace(told, **changed)


async def test_workers_vouch_for_what_they_judged_where_they_run_it(engine, client, verdict, statement):
    await client.post(f"{PATH}/verdicts", json=verdict())
    watched = Watched(engine)
    told = [
        Record(report(statement()), 3),
        Record(report(statement(), "1"), 4),
        Record(report(statement(), "1", reported_at="2026-01-03T00:00:00.000Z"), 5),
    ]
    for _ in range(2):
        await watched.reports(read(PluginReported, told))
    shown = [(one["by"], one["kind"], one["first_at"], one["last_at"]) for one in await attested(client)]
    assert shown == [
        ("1", "worker", "2026-01-02T03:04:05.678Z", "2026-01-03T00:00:00.000Z"),
        ("0", "worker", "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
    ]
    full = (await client.get(f"{PATH}/attestations")).json()["items"]
    assert [one["body"] for one in full] == [statement()] * 2


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "violation"},
        {"detail": "celsius"},
        {"detail": '{"attestation": "treaty-attestation/v1"'},
        {"digest": "sha256:" + "b" * 64},
        {"plugin": "milesight"},
    ],
    ids=["another kind", "no attestation", "cut off", "of another package", "of another plugin"],
)
async def test_a_report_that_attests_nothing_of_its_package_vouches_for_nothing(engine, statement, changed):
    await Watched(engine).reports(read(PluginReported, [Record(replace(report(statement()), **changed), 3)]))
    assert await Attestations(engine).of("decentlab") == []
