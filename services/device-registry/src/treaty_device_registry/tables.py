"""Every table of the schema, imported so that the metadata is whole: what migrations are compared with."""

from sqlalchemy import MetaData

from treaty_device_registry import audit, idempotency
from treaty_device_registry.commands import model as commands
from treaty_device_registry.database import Base
from treaty_device_registry.fleet import model as fleet
from treaty_device_registry.inbox import model as inbox
from treaty_device_registry.telemetry import model as telemetry

__all__ = ["metadata"]

metadata: MetaData = Base.metadata
OWNERS = (audit, commands, idempotency, fleet, inbox, telemetry)
