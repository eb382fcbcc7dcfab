"""Offers, decisions and outcomes from their topics into the tables: the only writer of a command's end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import jsonschema_rs
import psycopg
from psycopg.types.json import Jsonb

from treaty_chassis.kafka.work import Record
from treaty_chassis.postgres.projection import RejectedError
from treaty_events.codec import BodyError, decode, encode
from treaty_events.commands import CommandProgressed, PluginOffered
from treaty_events.decisions import ContractDecided
from treaty_events.topics import COMMAND_PROGRESSED, CONTRACT_DECIDED, PLUGIN_OFFERED

__all__ = ["PROJECTION", "Commands"]

PROJECTION: Final = "commands"
SWEEP_S: Final = 5.0
OFFERED: Final = b"""
INSERT INTO device_registry.plugin_offer AS held (plugin, digest, plugin_version, actions)
VALUES (%s, %s, %s, %s)
ON CONFLICT (plugin, digest)
    DO UPDATE SET plugin_version = excluded.plugin_version, actions = excluded.actions
"""
DECIDED: Final = b"""
INSERT INTO device_registry.plugin_admission AS held (plugin, digest, state, version) VALUES (%s, %s, %s, %s)
ON CONFLICT (plugin)
    DO UPDATE SET digest = excluded.digest, state = excluded.state, version = excluded.version
WHERE held.version < excluded.version
"""
ENDED: Final = b"""
UPDATE device_registry.command SET state = %s, reason = %s, detail = %s, ended_at = %s, plugin_version = %s
WHERE id = %s::uuid AND state = 'requested'
"""
# A worker tells what it finds expired. Where none came to it in time there will be no downlink either: a
# worker that reads it now finds it expired. The minute is for clocks that differ, and for its word to come.
EXPIRED: Final = b"""
UPDATE device_registry.command
SET state = 'expired', detail = 'no worker came to it in time', ended_at = now()
WHERE state = 'requested' AND expires_at < now() - interval '1 minute'
"""


class Commands:
    """`topics`, `apply` and `idle` of a Projection."""

    def __init__(
        self,
        offered: str = PLUGIN_OFFERED,
        decided: str = CONTRACT_DECIDED,
        progressed: str = COMMAND_PROGRESSED,
    ) -> None:
        self.topics = (offered, decided, progressed)
        self._swept = 0.0

    def apply(self, connection: psycopg.Connection[Any], records: Sequence[Record]) -> None:
        """Raises RejectedError for a record that is not what its topic promises."""
        offered, decided, _ = self.topics
        for record in records:
            if record.value is None:
                continue
            try:
                if record.topic == offered:
                    _offer(connection, decode(PluginOffered, record.value))
                elif record.topic == decided:
                    found = decode(ContractDecided, record.value)
                    connection.execute(DECIDED, (found.plugin, found.digest, found.state, found.version))
                else:
                    _end(connection, decode(CommandProgressed, record.value))
            except (BodyError, OverflowError) as error:
                raise RejectedError(str(error)) from error

    def idle(self, connection: psycopg.Connection[Any]) -> None:
        """Ends what nobody came to."""
        if time.monotonic() - self._swept >= SWEEP_S:
            connection.execute(EXPIRED)
            self._swept = time.monotonic()


def _offer(connection: psycopg.Connection[Any], found: PluginOffered) -> None:
    try:
        for action in found.actions.values():
            jsonschema_rs.validator_for(
                action.arguments, pattern_options=jsonschema_rs.RegexOptions(), offline=True
            )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise RejectedError(f"{found.plugin}: an action's arguments are no JSON Schema: {error}") from error
    actions = {
        name: {"arguments": a.arguments, "description": a.description} for name, a in found.actions.items()
    }
    dumps = lambda document: encode(document).decode()  # noqa: E731
    given = (found.plugin, found.digest, found.plugin_version, Jsonb(actions, dumps))
    connection.execute(OFFERED, given)


def _end(connection: psycopg.Connection[Any], found: CommandProgressed) -> None:
    at = datetime.fromtimestamp(found.at / 1000, UTC)
    detail = found.detail.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    given = (found.state, found.reason, detail, at, found.plugin_version, found.command)
    connection.execute(ENDED, given)
