"""One short life of a broker, from which Java learns what the next ones need; see treaty_embedded.ahead."""

from __future__ import annotations

import fcntl
import tempfile
from pathlib import Path

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from treaty_embedded.ahead import OPTIONS, cache_file
from treaty_embedded.errors import EmbeddedError
from treaty_embedded.kafka import Kafka

__all__ = ["train"]

_WRITTEN_S = 180.0
_ANSWER_S = 30.0


def train() -> str | None:
    """Writes the file where it is missing; why it could not, where so. Sessions side by side wait for one."""
    wanted = cache_file()
    wanted.parent.mkdir(parents=True, exist_ok=True)
    with wanted.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if wanted.exists():
            return None
        with tempfile.TemporaryDirectory(dir=wanted.parent) as folder:
            made = Path(folder) / "kafka.aot"
            kafka = Kafka(Path(folder) / "broker", jvm=(*OPTIONS, f"-XX:AOTCacheOutput={made}"))
            try:
                kafka.start()
                _use(kafka.bootstrap_servers)
            except (EmbeddedError, KafkaException) as error:
                return f"{type(error).__name__}: {error}"
            finally:
                # Java writes the file as it ends.
                kafka.stop(_WRITTEN_S)
            if not made.exists():
                return f"Java did not write it\n{kafka.log.read_text()[-2000:]}"
            made.replace(wanted)
    return None


def _use(bootstrap_servers: str) -> None:
    """A topic and a transaction: what every use of it begins with."""
    client: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap_servers, "log_level": 0}
    admin = AdminClient(client)
    admin.create_topics([NewTopic("training", 1)])["training"].result(_ANSWER_S)
    producer = Producer(client | {"transactional.id": "training"})
    producer.init_transactions(_ANSWER_S)
    producer.begin_transaction()
    producer.produce("training", b"")
    producer.commit_transaction(_ANSWER_S)
