"""The environment every service reads, each name once. A service's own settings inherit what they need."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

__all__ = [
    "SECRETS",
    "Environment",
    "KafkaSecurity",
    "KafkaSettings",
    "ProbeSettings",
    "SecretUrl",
    "ServiceSettings",
    "Url",
]

SECRETS = "TREATY_SECRETS_DIR"
"""Folders, separated as PATH is, with a file a setting: its name the setting's, its content the value."""


def _readable(url: str) -> str:
    try:
        urlsplit(url)
    except ValueError as error:
        raise ValueError(f"no URL: {error}") from None
    return url


def _readable_secret(url: SecretStr) -> SecretStr:
    _readable(url.get_secret_value())
    return url


Url: TypeAlias = Annotated[str, AfterValidator(_readable)]
"""What can be taken apart as a URL; which one is asked of whoever uses it."""
SecretUrl: TypeAlias = Annotated[SecretStr, AfterValidator(_readable_secret)]
"""The same with a password in it."""


class Environment(BaseSettings):
    """Names are those of the environment, case aside; a wrong value stops the process at start, by name. What
    the environment does not say is looked for in the folders of SECRETS."""

    model_config = SettingsConfigDict(
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        # What it says of a missing name would quote the values of the others, secrets among them.
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        folders = [folder for folder in os.environ.get(SECRETS, "").split(os.pathsep) if folder]
        files = (SecretsSettingsSource(settings_cls, secrets_dir=list(folders)),) if folders else ()
        return (init_settings, env_settings, *files)


class ServiceSettings(Environment):
    log_level: str = Field("INFO", validation_alias="TREATY_LOG_LEVEL")
    slot: str = Field("0", validation_alias="TREATY_SLOT", pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")
    """The stable name of this process among those of its service."""

    @field_validator("log_level")
    @classmethod
    def _level(cls, given: str) -> str:
        if given.upper() not in logging.getLevelNamesMapping():
            raise ValueError("expected one of DEBUG, INFO, WARNING, ERROR")
        return given


class KafkaSecurity(Environment):
    """How a process proves itself to Kafka, and whom it trusts. Plain text unless told otherwise."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", validation_alias="KAFKA_SECURITY_PROTOCOL"
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", validation_alias="KAFKA_SASL_MECHANISM"
    )
    username: str | None = Field(None, validation_alias="KAFKA_SASL_USERNAME")
    password: SecretStr | None = Field(None, validation_alias="KAFKA_SASL_PASSWORD")
    ca_file: Path | None = Field(None, validation_alias="KAFKA_SSL_CA_FILE")
    """PEM; the system's authorities where it is missing."""
    certificate_file: Path | None = Field(None, validation_alias="KAFKA_SSL_CERTIFICATE_FILE")
    """PEM, this client's own, where the brokers ask for one."""
    key_file: Path | None = Field(None, validation_alias="KAFKA_SSL_KEY_FILE")

    @property
    def sasl(self) -> bool:
        return self.protocol.startswith("SASL_")

    @property
    def tls(self) -> bool:
        return self.protocol.endswith("SSL")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.sasl and (self.username is None or self.password is None):
            raise ValueError(
                f"KAFKA_SECURITY_PROTOCOL={self.protocol} needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
            )
        if not self.sasl and self.username is not None:
            raise ValueError(
                f"KAFKA_SASL_USERNAME is given, but KAFKA_SECURITY_PROTOCOL is {self.protocol}: "
                "expected SASL_SSL or SASL_PLAINTEXT"
            )
        files = (self.ca_file, self.certificate_file, self.key_file)
        if not self.tls and any(file is not None for file in files):
            raise ValueError(
                f"KAFKA_SSL_*_FILE is given, but KAFKA_SECURITY_PROTOCOL is {self.protocol}: "
                "expected SSL or SASL_SSL"
            )
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("KAFKA_SSL_CERTIFICATE_FILE and KAFKA_SSL_KEY_FILE go together")
        for file in files:
            if file is not None and not file.is_file():
                raise ValueError(f"{file}: no such file")
        return self

    @classmethod
    def told(cls) -> Self:
        """Raises ValidationError for what cannot be meant."""
        return cls()  # type: ignore[call-arg]  # from the environment


class KafkaSettings(Environment):
    kafka_bootstrap_servers: str = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS", min_length=1)
    """host:port, several separated by commas."""

    @model_validator(mode="after")
    def _secured(self) -> Self:
        KafkaSecurity.told()
        return self


class ProbeSettings(Environment):
    http_host: str = Field("127.0.0.1", validation_alias="TREATY_HTTP_HOST")
    http_port: int = Field(0, validation_alias="TREATY_HTTP_PORT", ge=0, le=65535)
    """0: a free port, which the log names."""
