"""What the standard environment variables of OpenTelemetry ask for.

Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and
https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

__all__ = ["TracingError", "wanted"]

_SAMPLERS: Final = ("always_on", "always_off", "traceidratio")
_HEADER: Final = re.compile(r"[\w!#$%&'*+.^`|~-]+[ \t]*=[ !#-+\--:<-\[\]-~]*", re.ASCII)


class TracingError(ValueError):
    """The environment asks for what cannot be done; the message names the variable, and tells nothing of
    those that may hold a secret."""


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether spans are to be exported. Raises TracingError for a setting that cannot be meant."""
    told = {name: value.strip() for name, value in environment.items() if name.startswith("OTEL_")}
    exporter = told.get("OTEL_TRACES_EXPORTER") or None
    endpoint = _first(told, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    if told.get("OTEL_SDK_DISABLED", "").lower() == "true" or exporter == "none":
        return False
    if exporter is None and endpoint is None:
        return False
    if exporter not in (None, "otlp"):
        raise TracingError(f"OTEL_TRACES_EXPORTER: expected otlp or none, got {exporter!r}")
    if endpoint is not None:
        _check_endpoint(*endpoint)
    protocol = _first(told, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol is not None and protocol[1] != "http/protobuf":
        raise TracingError(f"{protocol[0]}: expected http/protobuf, got {protocol[1]!r}")
    for name in ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"):
        _check_headers(name, told.get(name, ""))
    _check_sampler(told.get("OTEL_TRACES_SAMPLER", ""), told.get("OTEL_TRACES_SAMPLER_ARG", ""))
    return True


def _first(told: Mapping[str, str], *names: str) -> tuple[str, str] | None:
    return next(((name, told[name]) for name in names if told.get(name)), None)


def _check_endpoint(name: str, url: str) -> None:
    """The URL may have a password in it."""
    try:
        parts = urlsplit(url)
        meant = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        meant = False
    if not meant:
        raise TracingError(f"{name}: expected http://host:port or https://host:port")


def _check_headers(name: str, text: str) -> None:
    """The SDK would leave out what it cannot read, and show it in the log."""
    for header in (part.strip() for part in text.split(",")):
        if header and not _HEADER.fullmatch(header):
            raise TracingError(f"{name}: expected name=value, commas between them, values URL-encoded")


def _check_sampler(name: str, argument: str) -> None:
    if name and name.removeprefix("parentbased_") not in _SAMPLERS:
        known = ", ".join([*_SAMPLERS, *(f"parentbased_{sampler}" for sampler in _SAMPLERS)])
        raise TracingError(f"OTEL_TRACES_SAMPLER: expected one of {known}, got {name!r}")
    if name.endswith("traceidratio") and argument:
        try:
            ratio = float(argument)
        except ValueError:
            ratio = -1.0
        if not 0 <= ratio <= 1:
            raise TracingError(f"OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, got {argument!r}")
