"""Whether a Kafka, PostgreSQL or Redis elsewhere lets the platform in: asked before anything is started.

What waiting does not mend, a password or an address that is none, is said at once; a server that does not
listen yet is waited for, and that is said too.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import psycopg
import redis
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from pydantic import ValidationError

from treaty_chassis.kafka.security import reach
from treaty_chassis.postgres.url import libpq_url
from treaty_cli.addresses import AddressError
from treaty_embedded import EmbeddedError

__all__ = ["AbsentError", "RefusedError", "await_server"]

WAIT_S: Final = 30.0
_ASKED_EVERY_S: Final = 0.2
_ANSWER_S: Final = 5
_LOOK_S: Final = 0.5
_HINTS: Final = {
    KafkaError._AUTHENTICATION: "KAFKA_SASL_MECHANISM, _USERNAME and _PASSWORD have to be what it knows",
    KafkaError._SSL: "KAFKA_SECURITY_PROTOCOL, and KAFKA_SSL_CA_FILE for a private authority, have to fit it",
    KafkaError._RESOLVE: "no such host is known",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "its ACLs do not let this user in",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "its ACLs do not let this user in",
}


class RefusedError(EmbeddedError):
    """It does not let the platform in, and will not by being asked again."""


class AbsentError(Exception):
    """It does not answer yet."""


def await_server(
    name: str, setting: str, address: str, say: Callable[[str], None], within_s: float = WAIT_S
) -> None:
    """Returns once it lets the platform in. Raises AddressError, RefusedError."""
    begun, told = time.monotonic(), False
    while True:
        try:
            _ASKING[name](setting, address)
        except AbsentError as error:
            if not told:
                say(f"{_place(address)} does not answer: {error}; waits {within_s:.0f} s for it")
                told = True
            waited = time.monotonic() - begun
            if waited > within_s:
                raise RefusedError(
                    f"{setting}: {_place(address)} has not answered for {waited:.0f} s: {error}\n"
                    f"Is the address right, and the server up? Without {setting} one is started here."
                ) from None
            time.sleep(_ASKED_EVERY_S)
        else:
            return


def _kafka(setting: str, address: str) -> None:
    heard: list[KafkaError] = []
    silent = logging.getLogger(f"{__name__}.librdkafka")
    silent.disabled = True
    try:
        client = AdminClient(reach(address) | {"error_cb": heard.append, "logger": silent})
    except ValidationError as error:
        said = (str(one["msg"]).removeprefix("Value error, ") for one in error.errors())
        raise AddressError("; ".join(said)) from None
    except KafkaException as error:
        raise AddressError(f"{setting}: {error.args[0].str()}") from None
    end, alone = time.monotonic() + _ANSWER_S, "," not in address
    while True:
        try:
            client.list_topics(timeout=_LOOK_S)
        except KafkaException as error:
            answer = error.args[0]
        else:
            return
        client.poll(0)
        late = time.monotonic() > end
        for one in [*heard, answer]:
            if one.code() in _HINTS and (late or alone or one.code() != KafkaError._RESOLVE):
                hint = _HINTS[one.code()]
                raise RefusedError(f"{setting}: {_place(address)} refuses: {_line(one.str())}\n({hint})")
            # Who speaks another protocol hangs up, and is told from who is away by librdkafka's words alone.
            if "listener?" in one.str():
                raise RefusedError(
                    f"{setting}: {_place(address)} hangs up: {_line(one.str())}\n"
                    "(KAFKA_SECURITY_PROTOCOL has to be what its listener speaks)"
                )
        away = [one.str() for one in heard if one.code() == KafkaError._TRANSPORT]
        if late or (away and alone):
            raise AbsentError(_line((away or [answer.str()])[0]))


def _postgres(setting: str, address: str) -> None:
    try:
        url = libpq_url(address)
    except ValueError as error:
        text = str(error).removeprefix(f"{setting}: ")
        raise AddressError(
            f"{setting} is no URL: {text}; postgresql://user:password@host:port/name"
        ) from None
    try:
        psycopg.connect(url, connect_timeout=_ANSWER_S).close()
    except psycopg.OperationalError as error:
        text = _line(str(error))
        if any(passing in text.lower() for passing in _PASSING):
            raise AbsentError(text) from None
        raise RefusedError(f"{setting}: {_place(address)} refuses: {text}") from None
    except psycopg.Error as error:
        raise AddressError(f"{setting}: {_line(str(error))}") from None


def _redis(setting: str, address: str) -> None:
    try:
        client = redis.Redis.from_url(address, socket_timeout=_ANSWER_S, socket_connect_timeout=_ANSWER_S)
    except ValueError as error:
        raise AddressError(f"{setting} is no URL: {error}; redis://:password@host:port/0") from None
    try:
        client.ping()
    except (redis.AuthenticationError, redis.ResponseError) as error:
        raise RefusedError(f"{setting}: {_place(address)} refuses: {_line(str(error))}") from None
    except (redis.ConnectionError, redis.TimeoutError) as error:
        if "-2" in str(error) or "not known" in str(error):
            raise RefusedError(f"{setting}: {_place(address)}: {_line(str(error))}") from None
        raise AbsentError(_line(str(error))) from None
    finally:
        client.close()


_PASSING: Final = (
    "connection refused",
    "timeout",
    "timed out",
    "starting up",
    "shutting down",
    "unreachable",
)
_ASKING: Final[Mapping[str, Callable[[str, str], None]]] = {
    "kafka": _kafka,
    "postgres": _postgres,
    "valkey": _redis,
}


def _place(address: str) -> str:
    """Host and port, of a URL too: no user, no password."""
    return urlsplit(address).netloc.rpartition("@")[2] if "://" in address else address


def _line(text: str) -> str:
    return " ".join(text.split())[:300]
