"""The environment of both processes."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from treaty_chassis.settings import KafkaSettings, ProbeSettings, SecretUrl, ServiceSettings

__all__ = ["ApiSettings", "ProjectorSettings"]


class _DatabaseSettings(ServiceSettings, KafkaSettings, ProbeSettings):
    database_url: SecretUrl = Field(validation_alias="DATABASE_URL")
    """postgresql://..."""
    accept_loss: bool = Field(False, validation_alias="TREATY_ACCEPT_LOSS")
    """Go on where records left Kafka's retention before they were in the database, instead of stopping."""


class ProjectorSettings(_DatabaseSettings):
    http_port: int = Field(8085, validation_alias="TREATY_HTTP_PORT", ge=0, le=65535)
    history_days: int = Field(90, validation_alias="TREATY_HISTORY_DAYS", ge=1)
    """Whole days of readings that history keeps."""


class ApiSettings(_DatabaseSettings):
    http_port: int = Field(8081, validation_alias="TREATY_HTTP_PORT", ge=0, le=65535)
    redis_url: SecretUrl = Field(validation_alias="REDIS_URL")
    sealing_key: SecretStr = Field(validation_alias="TREATY_SEALING_KEY")
    """base64url of 32 bytes; several separated by commas, the first seals."""
    jwks_file: Path = Field(validation_alias="TREATY_JWKS_FILE")
    issuer: str = Field("treaty-dev", validation_alias="TREATY_ISSUER")
    audience: str = Field("treaty", validation_alias="TREATY_AUDIENCE")
    dev_issuer_key_file: Path | None = Field(None, validation_alias="TREATY_DEV_ISSUER_KEY_FILE")
    """A private JWK (Ed25519). Turns POST /oauth2/token on: never in production."""
    dev_client_id: str = Field("treaty-dev", validation_alias="TREATY_DEV_CLIENT_ID")
    dev_client_secret: SecretStr | None = Field(None, validation_alias="TREATY_DEV_CLIENT_SECRET")
    cors_origins: str = Field("", validation_alias="TREATY_CORS_ORIGINS")
    """Origins of browser applications that may call the API, separated by commas."""
    requests_per_minute: int = Field(1200, validation_alias="TREATY_REQUESTS_PER_MINUTE", ge=1)
    """Of one principal."""
    gateway_topics: int = Field(100, validation_alias="TREATY_GATEWAY_TOPICS", ge=0)
    """Topics of their own that the gateways of one workspace are ever given: Kafka keeps those of deleted
    ones too."""
    inbox_uplinks: int = Field(100_000, validation_alias="TREATY_INBOX_UPLINKS", ge=1)
    """Uplinks that wait for the plugin of one registered device; the oldest make room."""
    inbox_bytes: int = Field(64_000_000, validation_alias="TREATY_INBOX_BYTES", ge=1)
    """The same in bytes of payload."""

    @model_validator(mode="after")
    def _issuer_is_whole(self) -> ApiSettings:
        if self.dev_issuer_key_file is not None and self.dev_client_secret is None:
            raise ValueError("TREATY_DEV_ISSUER_KEY_FILE needs TREATY_DEV_CLIENT_SECRET")
        return self

    @property
    def origins(self) -> list[str]:
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]
