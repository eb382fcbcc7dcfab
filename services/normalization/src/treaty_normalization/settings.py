"""What the environment says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pydantic import Field, field_validator

from treaty_chassis.kafka.delivery import DeliverySettings
from treaty_chassis.settings import KafkaSettings, ProbeSettings, ServiceSettings
from treaty_normalization.budget import Allowance
from treaty_normalization.conduct import Watch
from treaty_normalization.sampling import Sample
from treaty_sandbox import Policy

__all__ = ["Settings"]

_PATTERN: Final = re.compile(r"[a-z0-9*?\[\]!-]+")


class Settings(ServiceSettings, KafkaSettings, DeliverySettings, ProbeSettings):
    """The worker's whole configuration."""

    http_port: int = Field(8084, validation_alias="TREATY_HTTP_PORT", ge=0, le=65535)
    plugins_dir: Path = Field(Path("plugins"), validation_alias="TREATY_PLUGINS_DIR")
    plugins: str = Field("*", validation_alias="TREATY_PLUGINS", min_length=1)
    """Names of the plugins to host, shell patterns separated by commas."""
    sandbox: Policy = Field(Policy.STRICT, validation_alias="TREATY_SANDBOX")
    """strict: no plugin runs where the kernel lacks a mechanism of confinement; best-effort: it does."""
    group: str = Field("normalization", validation_alias="TREATY_NORMALIZATION_GROUP", min_length=1)

    violations: int = Field(1000, validation_alias="TREATY_VIOLATIONS", ge=0)
    violation_share: float = Field(0.1, validation_alias="TREATY_VIOLATION_SHARE", ge=0, le=1)
    violation_window_s: int = Field(600, validation_alias="TREATY_VIOLATION_WINDOW_S", ge=1, le=86_400)
    """A version's budget: past either within the window it is reported, and governance quarantines it."""
    sample_first: int = Field(100, validation_alias="TREATY_SAMPLE_FIRST", ge=0)
    sample_share: float = Field(0.01, validation_alias="TREATY_SAMPLE_SHARE", ge=0, le=1)
    """Of each version's uplinks the first, then a share: their readings are held against the schemas."""
    recheck_s: float = Field(900.0, validation_alias="TREATY_RECHECK_S", ge=1)
    """How often the vectors of each plugin at work are run again, and the packages' files hashed."""

    @property
    def watch(self) -> Watch:
        allowance = Allowance(self.violations, self.violation_share, self.violation_window_s * 1000)
        return Watch(allowance, Sample(self.sample_first, self.sample_share), self.recheck_s)

    @field_validator("plugins")
    @classmethod
    def _readable(cls, given: str) -> str:
        for pattern in given.split(","):
            if not _PATTERN.fullmatch(pattern.strip()):
                raise ValueError(
                    f"expected names of plugins or shell patterns, commas between them, got {pattern!r}"
                )
        return given

    @property
    def patterns(self) -> tuple[str, ...]:
        """As shell patterns of plugins' names."""
        return tuple(pattern.strip() for pattern in self.plugins.split(","))
