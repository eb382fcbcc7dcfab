"""Where the registry's tables are, and what makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["MIGRATIONS", "SCHEMA"]

SCHEMA: Final = "device_registry"
MIGRATIONS: Final = Path(__file__).with_name("migrations")
