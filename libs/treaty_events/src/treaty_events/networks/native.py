"""Treaty's native form: the payload is the record's value, the rest stands in headers.

Source: docs/protocols/ingestion.md. Headers: treaty-device (required), treaty-observed-at (ms since
1970-01-01 UTC), treaty-f-port, treaty-counter, content-type (default application/octet-stream;
application/json is checked to be JSON). The counter tells a repeated delivery.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from treaty_events.headers import CONTENT_TYPE, COUNTER, DEVICE, F_PORT, OBSERVED_AT, Headers, header
from treaty_events.instants import LAST_MS
from treaty_events.networks.fields import eui_or_none, read
from treaty_events.networks.unwrapped import NetworkUplink, UnwrapCode, UnwrapError, Wrapped

__all__ = ["unwrap", "wrap"]

BYTES: Final = "application/octet-stream"
JSON: Final = "application/json"
LAST_COUNTER: Final = 2**63 - 1

_ID = re.compile(r"[!-~]{1,128}")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")
_json = msgspec.json.Decoder(Any)


def unwrap(value: bytes, headers: Headers) -> NetworkUplink:
    """Raises UnwrapError only."""
    device = _text(headers, DEVICE)
    if device is None:
        raise UnwrapError(UnwrapCode.MISSING_FIELD, f"header {DEVICE} is missing")
    if not _ID.fullmatch(device):
        raise UnwrapError(
            UnwrapCode.BAD_FIELD, f"header {DEVICE}: expected 1 to 128 printable ASCII characters"
        )
    content_type = (_text(headers, CONTENT_TYPE) or BYTES).partition(";")[0].strip().lower()
    if not _MEDIA_TYPE.fullmatch(content_type):
        raise UnwrapError(UnwrapCode.BAD_FIELD, f"header {CONTENT_TYPE}: expected a media type")
    if content_type == JSON:
        read(_json, value)
    return NetworkUplink(
        external_id=eui_or_none(device) or device,
        payload=value,
        content_type=content_type,
        f_port=_number(headers, F_PORT, 255),
        observed_at=_number(headers, OBSERVED_AT, LAST_MS),
        counter=_number(headers, COUNTER, LAST_COUNTER),
    )


def _text(headers: Headers, name: str) -> str | None:
    found = header(headers, name)
    if found is None:
        return None
    try:
        return found.decode()
    except UnicodeDecodeError:
        raise UnwrapError(UnwrapCode.BAD_FIELD, f"header {name}: expected UTF-8") from None


def _number(headers: Headers, name: str, most: int) -> int | None:
    text = _text(headers, name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= most):
        raise UnwrapError(UnwrapCode.BAD_FIELD, f"header {name}: expected a decimal number up to {most}")
    return int(text)


def wrap(
    body: bytes,
    *,
    external_id: str,
    at_ms: int,
    counter: int,
    f_port: int | None = None,
    content_type: str = BYTES,
) -> Wrapped:
    """The native form of a device's payload."""
    headers: list[tuple[str, bytes | None]] = [
        (DEVICE, external_id.encode()),
        (OBSERVED_AT, str(at_ms).encode()),
        (COUNTER, str(counter).encode()),
        (CONTENT_TYPE, content_type.encode()),
    ]
    if f_port is not None:
        headers.append((F_PORT, str(f_port).encode()))
    return Wrapped(external_id.encode(), body, headers)
