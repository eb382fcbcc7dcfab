"""The environment every service reads, each name once. A service's own settings inherit what they need."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Environment", "KafkaSettings", "ProbeSettings", "ServiceSettings"]


class Environment(BaseSettings):
    """Names are those of the environment, case aside; a wrong value stops the process at start, by name."""

    model_config = SettingsConfigDict(
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        # What it says of a missing name would quote the values of the others, secrets among them.
        hide_input_in_errors=True,
    )


class ServiceSettings(Environment):
    log_level: str = Field("INFO", validation_alias="TREATY_LOG_LEVEL")
    slot: str = Field("0", validation_alias="TREATY_SLOT", pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")
    """The stable name of this process among those of its service."""


class KafkaSettings(Environment):
    kafka_bootstrap_servers: str = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS", min_length=1)
    """host:port, several separated by commas."""


class ProbeSettings(Environment):
    http_host: str = Field("127.0.0.1", validation_alias="TREATY_HTTP_HOST")
    http_port: int = Field(0, validation_alias="TREATY_HTTP_PORT", ge=0, le=65535)
    """0: a free port, which the log names."""
