"""What every client of Kafka is told first: where the cluster is, and how it is spoken to."""

from __future__ import annotations

from typing import Any

from treaty_chassis.settings import KafkaSecurity

__all__ = ["reach"]


def reach(bootstrap_servers: str) -> dict[str, Any]:
    """As librdkafka's settings. Raises ValidationError for an environment that cannot be meant."""
    security = KafkaSecurity.told()
    found: dict[str, Any] = {"bootstrap.servers": bootstrap_servers}
    if security.protocol == "PLAINTEXT":
        return found
    found["security.protocol"] = security.protocol
    if security.username is not None and security.password is not None:
        found |= {
            "sasl.mechanism": security.mechanism,
            "sasl.username": security.username,
            "sasl.password": security.password.get_secret_value(),
        }
    files = {
        "ssl.ca.location": security.ca_file,
        "ssl.certificate.location": security.certificate_file,
        "ssl.key.location": security.key_file,
    }
    return found | {name: str(file) for name, file in files.items() if file is not None}
