"""The fixed set of malformed uplinks every decoder is given: the same for a seed, on every machine."""

from __future__ import annotations

from random import Random
from typing import Any

from treaty_contracts.model import Contract
from treaty_contracts.probe.vectors import DEFAULT_RECEIVED_AT_MS, Case

__all__ = ["case_argument", "malformed_uplinks"]

OVERSIZED = 4096
MAX_KINDS = 12


def case_argument(case: Case) -> dict[str, Any]:
    return _uplink(case.payload, case.f_port, case.model, case.content_type, case.received_at_ms)


def _uplink(
    payload: bytes, f_port: int | None, model: str, content_type: str, received_at_ms: int
) -> dict[str, Any]:
    return {"uplink": [payload.hex(), f_port, model, content_type, received_at_ms]}


def malformed_uplinks(
    contract: Contract, cases: tuple[Case, ...], seed: int
) -> list[tuple[str, dict[str, Any]]]:
    """(label, argument) of empty, truncated, changed, oversized and random payloads."""
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
    lengths: set[tuple[str, int | None, int]] = set()
    heads: set[tuple[str, int | None, bytes]] = set()
    for case in cases:

        def like(label: str, body: bytes, case: Case = case) -> None:
            argument = _uplink(body, case.f_port, case.model, case.content_type, case.received_at_ms)
            inputs.append((f"{case.name}, {label}", argument))

        size = len(case.payload)
        if size and (case.model, case.f_port, size) not in lengths and len(lengths) < MAX_KINDS:
            lengths.add((case.model, case.f_port, size))
            like("as long, zeros", bytes(size))
            like("as long, ones", b"\xff" * size)
            for number in range(4):
                like(f"as long, random {number + 1}", random.randbytes(size))
        if size and (case.model, case.f_port, case.payload[:2]) not in heads and len(heads) < MAX_KINDS:
            heads.add((case.model, case.f_port, case.payload[:2]))
            like("cut by one byte", case.payload[:-1])
            like("cut to half", case.payload[: size // 2])
            like("one byte more", case.payload + b"\x00")
            for number in range(6):
                changed = bytearray(case.payload)
                changed[random.randrange(size)] = random.choice(
                    (0x00, 0x7F, 0x80, 0xFF, random.randrange(256))
                )
                like(f"changed {number + 1}", bytes(changed))
    return inputs
