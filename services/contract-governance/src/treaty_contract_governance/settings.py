"""What the service reads from its environment."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from treaty_chassis.settings import KafkaSettings, ProbeSettings, ServiceSettings, Url

__all__ = ["Settings"]


class Settings(ServiceSettings, KafkaSettings, ProbeSettings):
    http_port: int = Field(8082, validation_alias="TREATY_HTTP_PORT", ge=0, le=65535)
    database_url: Url = Field(validation_alias="DATABASE_URL", min_length=1)
    jwks_file: Path = Field(validation_alias="TREATY_JWKS_FILE")
    issuer: str = Field("treaty-dev", validation_alias="TREATY_ISSUER")
    audience: str = Field("treaty", validation_alias="TREATY_AUDIENCE")
    verdict_signatures: Literal["allow", "require"] = Field(
        "allow", validation_alias="TREATY_VERDICT_SIGNATURES"
    )
    """Whether verdicts have to be signed."""
    verdict_keys_file: Path | None = Field(None, validation_alias="TREATY_VERDICT_KEYS_FILE")
    """Ed25519 public keys, PEM, of those whose signed verdicts are believed."""
    accepted_partitions: int = Field(1, validation_alias="TREATY_ACCEPTED_PARTITIONS", ge=1, le=256)
    """Partitions of each plugin's accepted topic when it is created; never changed afterwards."""
