"""Development only: real Kafka, PostgreSQL and Valkey as child processes."""

from treaty_embedded.errors import DataDirBusyError, EmbeddedError, JarError, PortBusyError, StartError
from treaty_embedded.kafka import Kafka
from treaty_embedded.postgres import Postgres
from treaty_embedded.process import Process
from treaty_embedded.valkey import Valkey

__all__ = [
    "DataDirBusyError",
    "EmbeddedError",
    "JarError",
    "Kafka",
    "PortBusyError",
    "Postgres",
    "Process",
    "StartError",
    "Valkey",
]
