"""The fixed set of malformed uplinks every decoder is given: the same for a seed, on every machine."""

from __future__ import annotations

from random import Random
from typing import Any

from treaty_contracts.model import Contract
from treaty_contracts.probe.vectors import DEFAULT_RECEIVED_AT_MS, Case

__all__ = ["case_argument", "malformed_uplinks"]

OVERSIZED = 4096


def case_argument(case: Case) -> dict[str, Any]:
    return _uplink(case.payload, case.f_port, case.model, case.content_type, case.received_at_ms)


def _uplink(
    payload: bytes, f_port: int | None, model: str, content_type: str, received_at_ms: int
) -> dict[str, Any]:
    return {"uplink": [payload.hex(), f_port, model, content_type, received_at_ms]}


def malformed_uplinks(
    contract: Contract, cases: tuple[Case, ...], seed: int
) -> list[tuple[str, dict[str, Any]]]:
    """(label, argument) of empty, truncated, bit-flipped, oversized and random payloads."""
    random = Random(seed)  # noqa: S311 - repeatable inputs, not secrets
    model = contract.models[0] if contract.models else "unknown/unknown"
    content_type = (contract.content_types or ["application/octet-stream"])[0]
    shapes: list[tuple[str, bytes]] = [
        ("empty", b""),
        ("one zero byte", b"\x00"),
        ("one byte ff", b"\xff"),
        ("zeros", bytes(11)),
        ("ones", b"\xff" * 16),
        ("ascending", bytes(range(51))),
        ("oversized zeros", bytes(OVERSIZED)),
        ("oversized random", random.randbytes(OVERSIZED)),
        ("text", b'{"temperature": "NaN", "a": [1, {}]}'),
    ]
    shapes += [
        (f"random {length} bytes", random.randbytes(length))
        for length in (1, 2, 3, 5, 8, 12, 20, 33, 51, 222)
    ]
    inputs = [
        (label, _uplink(body, 1, model, content_type, DEFAULT_RECEIVED_AT_MS)) for label, body in shapes
    ]
    for label, port in (("no port", None), ("port 0", 0), ("port 255", 255)):
        inputs.append(
            (label, _uplink(random.randbytes(8), port, model, content_type, DEFAULT_RECEIVED_AT_MS))
        )
    seen: set[tuple[str, int | None, int]] = set()
    for case in cases:
        group = (case.model, case.f_port, case.payload[0] if case.payload else -1)
        if group in seen or not case.payload or len(seen) >= 12:
            continue
        seen.add(group)
        flipped = bytearray(case.payload)
        flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
        for label, body in (
            ("cut by one byte", case.payload[:-1]),
            ("cut to half", case.payload[: len(case.payload) // 2]),
            ("one bit flipped", bytes(flipped)),
            ("one byte more", case.payload + b"\x00"),
        ):
            argument = _uplink(body, case.f_port, case.model, case.content_type, case.received_at_ms)
            inputs.append((f"{case.name}, {label}", argument))
    return inputs
