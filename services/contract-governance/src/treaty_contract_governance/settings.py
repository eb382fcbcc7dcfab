"""What the service reads from its environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from treaty_chassis.settings import KafkaSettings, ProbeSettings, ServiceSettings

__all__ = ["Settings"]


class Settings(ServiceSettings, KafkaSettings, ProbeSettings):
    http_port: int = Field(8082, validation_alias="TREATY_HTTP_PORT", ge=0, le=65535)
    database_url: str = Field(validation_alias="DATABASE_URL", min_length=1)
    jwks_file: Path = Field(validation_alias="TREATY_JWKS_FILE")
    issuer: str = Field("treaty-dev", validation_alias="TREATY_ISSUER")
    audience: str = Field("treaty", validation_alias="TREATY_AUDIENCE")
    accepted_partitions: int = Field(1, validation_alias="TREATY_ACCEPTED_PARTITIONS", ge=1, le=256)
    """Partitions of each plugin's accepted topic when it is created; never changed afterwards."""
