"""What the environment says."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import Field

from treaty_chassis.settings import KafkaSettings, ProbeSettings, ServiceSettings
from treaty_sandbox import Policy

__all__ = ["Settings"]


class Settings(ServiceSettings, KafkaSettings, ProbeSettings):
    """The worker's whole configuration."""

    http_port: int = Field(8084, validation_alias="TREATY_HTTP_PORT", ge=0, le=65535)
    plugins_dir: Path = Field(Path("plugins"), validation_alias="TREATY_PLUGINS_DIR")
    plugins: str = Field("*", validation_alias="TREATY_PLUGINS", min_length=1)
    """Names of the plugins to host, shell patterns separated by commas."""
    sandbox: Policy = Field(Policy.STRICT, validation_alias="TREATY_SANDBOX")
    """strict: no plugin runs where the kernel lacks a mechanism of confinement; best-effort: it does."""
    group: str = Field("normalization", validation_alias="TREATY_NORMALIZATION_GROUP", min_length=1)

    def hosts(self, plugin: str) -> bool:
        """Whether this worker is to host the plugin of that name."""
        return any(fnmatchcase(plugin, pattern.strip()) for pattern in self.plugins.split(","))
