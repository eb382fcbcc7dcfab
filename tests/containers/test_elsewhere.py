"""What `treaty compose --external` writes, on a Kafka that asks for SASL/SCRAM over TLS, and a PostgreSQL and
a Valkey with passwords, as docs/operating.md tells a user."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from treaty_embedded import ports
from treaty_embedded.process import wait_until

from .conftest import ROOT, Compose

PASSWORD = "not-a-secret-of-anyone"
PORTS = ("PUSH", "REGISTRY", "GOVERNANCE", "INGESTION", "NORMALIZATION", "PROJECTOR")


def elsewhere(folder: Path, network: str, port: int) -> dict[str, Any]:
    """Three servers that someone else runs, known by name in `network` alone, where the broker asks who one
    is. On `port` it asks nobody, so that its users can be made."""
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-days", "1", "-subj", "/CN=broker", "-addext", "subjectAltName=DNS:broker"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "ca.pem")]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "broker.pem").write_bytes((folder / "key.pem").read_bytes() + (folder / "ca.pem").read_bytes())
    (folder / "broker.pem").chmod(0o644)
    services = json.loads(compose_config())["services"]
    kafka = services["kafka"]["environment"] | {
        "KAFKA_LISTENERS": "SECURE://:9094,OPEN://:9092,INSIDE://localhost:19092,CONTROLLER://localhost:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"SECURE://broker:9094,OPEN://127.0.0.1:{port},INSIDE://localhost:19092",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": ",".join(
            ("SECURE:SASL_SSL", "OPEN:PLAINTEXT", "INSIDE:PLAINTEXT", "CONTROLLER:PLAINTEXT")
        ),
        "KAFKA_INTER_BROKER_LISTENER_NAME": "INSIDE",
        "KAFKA_SASL_ENABLED_MECHANISMS": "SCRAM-SHA-512",
        "KAFKA_LISTENER_NAME_SECURE_SCRAM___SHA___512_SASL_JAAS_CONFIG": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "KAFKA_SSL_KEYSTORE_TYPE": "PEM",
        "KAFKA_SSL_KEYSTORE_LOCATION": "/mnt/broker.pem",
    }
    return {
        "services": {
            "broker": {
                "image": services["kafka"]["image"],
                "environment": kafka,
                "volumes": [f"{folder / 'broker.pem'}:/mnt/broker.pem:ro"],
                "ports": [f"127.0.0.1:{port}:9092"],
            },
            "database": {
                "image": services["postgres"]["image"],
                "environment": {"POSTGRES_USER": "treaty", "POSTGRES_PASSWORD": PASSWORD},
            },
            "cache": {
                "image": services["valkey"]["image"],
                "command": ["valkey-server", "--requirepass", PASSWORD],
            },
        },
        "networks": {"default": {"name": network, "external": True}},
    }


def compose_config() -> str:
    return subprocess.check_output(["docker", "compose", "config", "--format", "json"], cwd=ROOT, text=True)


def with_user(port: int) -> bool:
    """Whether the broker has the user of the platform, which is made where it has not."""
    client = AdminClient({"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0})
    user = UserScramCredentialUpsertion(
        "treaty", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), PASSWORD.encode()
    )
    try:
        client.alter_user_scram_credentials([user], request_timeout=5)["treaty"].result(10)
    except KafkaException:
        return False
    return True


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Compose]:
    """As `treaty compose` writes it, with its secrets as files, on servers that are elsewhere."""
    found = Compose({name: ports.choose(None, name) for name in PORTS}, folder=tmp_path)
    network, port = f"{found.project}-net", ports.choose(None, "KAFKA")
    (tmp_path / "elsewhere").mkdir()
    theirs = tmp_path / "elsewhere" / "compose.json"
    theirs.write_text(json.dumps(elsewhere(theirs.parent, network, port)))
    servers = ["docker", "compose", "-p", f"{found.project}-elsewhere", "-f", str(theirs)]

    treaty = shutil.which("treaty", path=str(ROOT / ".venv" / "bin"))
    asked = ["compose", "--external", "kafka,postgres,redis", "-o", str(tmp_path / "docker-compose.yml")]
    subprocess.run([str(treaty), *asked], cwd=ROOT, check=True, capture_output=True)
    secrets = {
        "kafka": {
            "KAFKA_SASL_USERNAME": "treaty",
            "KAFKA_SASL_PASSWORD": PASSWORD,
            "ca.pem": (theirs.parent / "ca.pem").read_text(),
        },
        "database": {"DATABASE_URL": f"postgresql://treaty:{PASSWORD}@database:5432/treaty"},
        "redis": {"REDIS_URL": f"redis://:{PASSWORD}@cache:6379/0"},
    }
    for reader, files in secrets.items():
        folder = tmp_path / "secrets" / reader
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        for name, text in files.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o644)
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": "broker:9094",
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SSL_CA_FILE": "/secrets/kafka/ca.pem",
    }
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    joined = {"networks": {"default": {"name": network, "external": True}}}
    (tmp_path / "docker-compose.override.yml").write_text(json.dumps(joined))

    subprocess.run(["docker", "network", "create", network], check=True, capture_output=True)
    try:
        subprocess.run([*servers, "up", "-d"], check=True, capture_output=True)
        assert wait_until(lambda: with_user(port), 180, 0.5), "the broker never took its user"
        yield found
    finally:
        found.run("down", "-v", "--timeout", "20", check=False)
        subprocess.run([*servers, "down", "-v", "--timeout", "5"], check=False, capture_output=True)
        subprocess.run(["docker", "network", "rm", network], check=False, capture_output=True)


def test_a_platform_on_servers_elsewhere_carries_an_uplink_to_its_subscriber(platform: Compose) -> None:
    platform.up()
    sent = platform.run("run", "--rm", "-T", "treaty", "smoke", "--json")
    assert json.loads(sent.splitlines()[-1])
