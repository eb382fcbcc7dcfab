"""Facts of the radio link that carried an uplink; never part of a reading's values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["Link", "RadioGateway", "link"]

MAX_RADIO_GATEWAYS: Final = 32


@dataclass(frozen=True, slots=True)
class RadioGateway:
    """One LoRa gateway that heard the uplink: rssi in dBm, snr in dB."""

    id: str
    rssi: float | None = None
    snr: float | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """rssi in dBm and snr in dB of the best reception, frequency in Hz, bandwidth in Hz."""

    rssi: float | None = None
    snr: float | None = None
    spreading_factor: int | None = None
    frequency: int | None = None
    bandwidth: int | None = None
    radio_gateways: tuple[RadioGateway, ...] = ()


def link(
    receptions: Iterable[RadioGateway],
    spreading_factor: int | None = None,
    frequency: int | None = None,
    bandwidth: int | None = None,
) -> Link:
    """Best reception first: greatest snr, then greatest rssi. A gateway is listed once, 32 at most."""
    found: dict[str, RadioGateway] = {}
    ranked = sorted(receptions, key=_rank, reverse=True)
    for reception in ranked:
        found.setdefault(reception.id, reception)
    best = ranked[0] if ranked else RadioGateway("")
    named = tuple(g for g in found.values() if g.id)[:MAX_RADIO_GATEWAYS]
    return Link(best.rssi, best.snr, spreading_factor, frequency, bandwidth, named)


def _rank(reception: RadioGateway) -> tuple[float, float]:
    lowest = float("-inf")
    return (
        lowest if reception.snr is None else reception.snr,
        lowest if reception.rssi is None else reception.rssi,
    )
