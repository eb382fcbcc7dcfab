"""Clients of a cluster that asks who they are, and one environment for all of them."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from treaty_chassis.kafka.security import reach
from treaty_chassis.kafka.topics import admin
from treaty_chassis.settings import KafkaSettings
from treaty_embedded.kafka import Kafka, Secured

USERNAME, PASSWORD = "treaty", "a password of the tests"


def certificate(folder: Path) -> tuple[Path, Path]:
    """The broker's key with its certificate, and the certificate alone, which signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    keystore, authority = folder / "broker.pem", folder / "authority.pem"
    keystore.write_bytes(private + pem)
    authority.write_bytes(pem)
    return keystore, authority


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kafka, Path]]:
    folder = tmp_path_factory.mktemp("secured")
    keystore, authority = certificate(folder)
    with Kafka(folder / "kafka", secured=Secured(USERNAME, PASSWORD, keystore)) as kafka:
        yield kafka, authority


def told(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"KAFKA_{name}", value)


def test_a_client_with_the_password_and_the_authority_is_let_in(
    cluster: tuple[Kafka, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka, authority = cluster
    told(monkeypatch, SECURITY_PROTOCOL="SASL_SSL", SASL_USERNAME=USERNAME, SASL_PASSWORD=PASSWORD)
    told(monkeypatch, SSL_CA_FILE=str(authority))
    assert len(admin(kafka.secured_servers).list_topics(timeout=90).brokers) == 1


@pytest.mark.parametrize("wrong", ["password", "authority", "protocol"])
def test_any_other_is_not(cluster: tuple[Kafka, Path], wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kafka, authority = cluster
    if wrong != "protocol":
        password = "another" if wrong == "password" else PASSWORD
        told(monkeypatch, SECURITY_PROTOCOL="SASL_SSL", SASL_USERNAME=USERNAME, SASL_PASSWORD=password)
    if wrong == "password":
        told(monkeypatch, SSL_CA_FILE=str(authority))
    elif wrong == "authority":
        told(monkeypatch, SSL_CA_FILE=ssl.get_default_verify_paths().cafile or certificate_of_others(kafka))
    with pytest.raises(KafkaException):
        admin(kafka.secured_servers).list_topics(timeout=5)


def certificate_of_others(kafka: Kafka) -> str:
    folder = kafka.log.parent / "others"
    folder.mkdir(exist_ok=True)
    return str(certificate(folder)[1])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SASL_USERNAME"),
        ({"SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL"),
        ({"SASL_USERNAME": "a", "SASL_PASSWORD": "b"}, "expected SASL_SSL or SASL_PLAINTEXT"),
        ({"SECURITY_PROTOCOL": "SSL", "SSL_CA_FILE": "/nowhere/ca.pem"}, "no such file"),
        ({"SSL_CA_FILE": "/nowhere/ca.pem"}, "expected SSL or SASL_SSL"),
        ({"SECURITY_PROTOCOL": "SSL", "SSL_CERTIFICATE_FILE": "/nowhere/me.pem"}, "go together"),
    ],
)
def test_what_cannot_be_meant_ends_the_start(
    given: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(monkeypatch, BOOTSTRAP_SERVERS="localhost:9092", **given)
    with pytest.raises(ValidationError, match=said) as raised:
        KafkaSettings()
    assert "a password" not in str(raised.value)


def test_without_any_of_it_the_cluster_is_spoken_to_in_plain_text() -> None:
    assert reach("localhost:9092") == {"bootstrap.servers": "localhost:9092"}
