"""Facts of the radio link that carried an uplink; never part of a reading's values."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Link", "RadioGateway"]


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
