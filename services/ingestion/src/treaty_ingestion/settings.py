"""What ingestion reads from its environment."""

from __future__ import annotations

from pydantic import Field, SecretStr

from treaty_chassis.kafka.delivery import DeliverySettings
from treaty_chassis.settings import KafkaSettings, ProbeSettings, ServiceSettings

__all__ = ["Settings"]


class Settings(ServiceSettings, KafkaSettings, DeliverySettings, ProbeSettings):
    http_port: int = Field(8083, validation_alias="TREATY_HTTP_PORT", ge=0, le=65535)
    sealing_key: SecretStr = Field(validation_alias="TREATY_SEALING_KEY")
    """Opens what the registry sealed; as many keys as it may have sealed with."""
