"""What the environment says."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from treaty_chassis.settings import KafkaSettings, ServiceSettings, Url
from treaty_push_gateway.kafka.consumers import TOPIC

__all__ = ["Settings"]


class Settings(ServiceSettings, KafkaSettings):
    """The node's whole configuration. Sizes in bytes."""

    http_host: str = Field("127.0.0.1", validation_alias="TREATY_HTTP_HOST")
    http_port: int = Field(8080, validation_alias="TREATY_HTTP_PORT", ge=0, le=65535)
    registry_url: Url = Field(validation_alias="TREATY_REGISTRY_URL", pattern=r"^https?://[^\s;,'\"]+$")
    """Where snapshots come from, as this process reaches the registry."""
    registry_public_url: Url | None = Field(
        None, validation_alias="TREATY_REGISTRY_PUBLIC_URL", pattern=r"^https?://[^\s;,'\"]+$"
    )
    """The registry as browsers reach it, where that is another address."""
    jwks_file: Path = Field(validation_alias="TREATY_JWKS_FILE")
    issuer: str = Field("treaty-dev", validation_alias="TREATY_ISSUER")
    audience: str = Field("treaty", validation_alias="TREATY_AUDIENCE")
    plugins_dir: Path = Field(Path("plugins"), validation_alias="TREATY_PLUGINS_DIR")
    """Whose widgets the console shows."""
    ring_bytes: int = Field(32 * 1024 * 1024, validation_alias="TREATY_PUSH_RING_BYTES", ge=64 * 1024)
    connections: int = Field(5000, validation_alias="TREATY_PUSH_CONNECTIONS", ge=1)
    """The most at a time."""
    readings_topic: str = Field(TOPIC, validation_alias="TREATY_READINGS_TOPIC")
