import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from treaty_chassis.http.problems import Problem
from treaty_chassis.http.tokens import KeySetError, Platform, Principal, Role, TokenError, TokenVerifier

ED = ed25519.Ed25519PrivateKey.generate()
EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
KINDS = {
    "EdDSA": (ED, jwt.algorithms.OKPAlgorithm),
    "ES256": (EC, jwt.algorithms.ECAlgorithm),
    "RS256": (RSA, jwt.algorithms.RSAAlgorithm),
}


def public(algorithm, kid=None):
    key, kind = KINDS[algorithm]
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": kid or algorithm}


@pytest.fixture
def jwks(tmp_path):
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [public(a) for a in KINDS]}))
    return file


@pytest.fixture
def verifier(jwks):
    return TokenVerifier(jwks, "issuer", "treaty")


def claims(**changed):
    now = int(time.time())
    found = {"iss": "issuer", "aud": "treaty", "sub": "ada", "iat": now, "exp": now + 60, **changed}
    return {name: value for name, value in found.items() if value is not None}


def token(algorithm="EdDSA", kid=None, key=None, headers=None, **changed):
    return jwt.encode(
        claims(**changed),
        key or KINDS[algorithm][0],
        algorithm,
        headers={"kid": kid or algorithm, **(headers or {})},
    )


@pytest.mark.parametrize("algorithm", KINDS)
def test_each_algorithm_verifies(verifier, algorithm):
    principal = verifier.verify(token(algorithm, workspaces={"w": "operator"}, platform="viewer"))
    assert (principal.subject, principal.workspaces, principal.platform) == (
        "ada",
        {"w": Role.OPERATOR},
        Platform.VIEWER,
    )


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"exp": int(time.time()) - 3600}, "expired"),
        ({"exp": None}, "lacks the claim exp"),
        ({"sub": None}, "lacks the claim sub"),
        ({"iss": None}, "lacks the claim iss"),
        ({"aud": None}, "lacks the claim aud"),
        ({"iss": "another"}, "another issuer"),
        ({"aud": "another"}, "another audience"),
        ({"nbf": int(time.time()) + 86_400}, "not valid yet"),
        ({"workspaces": {"w": "emperor"}}, "another form"),
        ({"workspaces": ["w"]}, "another form"),
        ({"platform": "emperor"}, "another form"),
    ],
)
def test_a_claim_that_does_not_hold_is_named(verifier, changed, says):
    with pytest.raises(TokenError, match=says):
        verifier.verify(token(**changed))


def test_a_few_seconds_of_clock_difference_are_forgiven(verifier):
    assert verifier.verify(token(exp=int(time.time()) - 3)).subject == "ada"


def part(data):
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=")


def test_a_token_signed_with_the_public_key_as_hmac_secret_is_refused(verifier):
    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = part({"alg": "HS256", "kid": "RS256"}) + b"." + part(claims())
    mac = base64.urlsafe_b64encode(hmac.new(pem, signed, hashlib.sha256).digest()).rstrip(b"=")
    with pytest.raises(TokenError):
        verifier.verify((signed + b"." + mac).decode())


def test_an_unsigned_token_is_refused(verifier):
    with pytest.raises(TokenError):
        verifier.verify((part({"alg": "none", "kid": "EdDSA"}) + b"." + part(claims()) + b".").decode())


def test_a_key_is_used_only_with_its_own_algorithm(verifier):
    with pytest.raises(TokenError):
        verifier.verify(token("RS256", kid="ES256"))


def test_another_key_is_refused(verifier):
    with pytest.raises(TokenError):
        verifier.verify(token(key=ed25519.Ed25519PrivateKey.generate()))


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "..", "é.é.é", "x" * 10_000])
def test_what_is_no_token_is_refused(verifier, text):
    with pytest.raises(TokenError):
        verifier.verify(text)


def test_a_rotated_key_is_found_without_a_restart(jwks, verifier):
    fresh = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(TokenError, match="names no key"):
        verifier.verify(token(key=fresh, kid="fresh"))
    entry = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(fresh.public_key()))
    jwks.write_text(json.dumps({"keys": [{**entry, "kid": "fresh"}]}))
    assert verifier.verify(token(key=fresh, kid="fresh")).subject == "ada"


small = rsa.generate_private_key(65537, 1024)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([], "no keys"),
        ([{"kty": "oct", "k": "c2VjcmV0"}], "is not one of"),
        ([{**public("EdDSA"), "alg": "HS256"}], "alg is 'HS256'"),
        ([json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(ED))], "private key"),
        ([json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(small.public_key()))], "1024 bits"),
        ([public("EdDSA"), public("EdDSA")], "two keys have one kid"),
        ("x", "no keys"),
    ],
)
def test_a_key_set_that_cannot_be_trusted_stops_the_start(tmp_path, keys, says):
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": keys}))
    with pytest.raises(KeySetError, match=says):
        TokenVerifier(file, "issuer", "treaty")


def test_a_missing_key_set_stops_the_start(tmp_path):
    with pytest.raises(KeySetError, match="No such file"):
        TokenVerifier(tmp_path / "none.json", "issuer", "treaty")


def test_a_foreign_workspace_is_not_found_and_a_low_role_is_forbidden():
    viewer = Principal("ada", {"w": Role.VIEWER})
    viewer.require("w")
    for workspace, role, status in [("w", Role.OPERATOR, 403), ("x", Role.VIEWER, 404)]:
        with pytest.raises(Problem) as problem:
            viewer.require(workspace, role)
        assert problem.value.status == status


def test_only_a_platform_admin_acts_in_every_workspace():
    assert Principal("root", platform=Platform.ADMIN).may("any", Role.ADMIN)
    assert not Principal("auditor", platform=Platform.VIEWER).may("any")
