"""Real uplinks from public data, and what the public data says should come of them.

The files are those of plugins/<family>/vectors/uplinks and demo/corpus, unchanged; each names its source.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from treaty_events.instants import epoch_ms
from treaty_events.networks import Network, NetworkUplink, unwrap

__all__ = ["Case", "Corpus", "CorpusError", "Telemetry", "load"]

NETWORKS: Final[Mapping[str, Network]] = {
    "ChirpStack": Network.CHIRPSTACK,
    "LORIOT": Network.LORIOT,
    "ThingsStackCommunity": Network.THINGS_STACK,
    "ThingsStackIndustries": Network.THINGS_STACK,
}


class CorpusError(ValueError):
    """A corpus is missing or not of its form."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What the public catalogue reads from an uplink, in its own names. `own_time` is the payload's own time
    in ms, None where the uplink's time holds."""

    values: Mapping[str, Any]
    own_time: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """One uplink: the network's message, and the payload in it. `attributes` is what the catalogue tells
    beside the telemetry: of the network, the device and the link."""

    name: str
    message: Mapping[str, Any]
    payload: bytes
    f_port: int | None
    telemetry: tuple[Telemetry, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The uplinks of one device through one network. `plugin` is the plugin's folder, None: no plugin."""

    name: str
    device: str
    network: Network
    plugin: Path | None
    cases: tuple[Case, ...]


def load(names: set[str], plugins: Path) -> dict[str, Corpus]:
    """Those named, by file name without `.json`. Raises CorpusError."""
    found: dict[str, Corpus] = {}
    for path in sorted(plugins.glob("*/vectors/uplinks/*.json")):
        if path.stem in names:
            found[path.stem] = _read(path.stem, path.read_bytes(), path.parents[2])
    for file in resources.files("treaty_cli.demo").joinpath("corpus").iterdir():
        name = file.name.removesuffix(".json")
        if name in names and name not in found:
            found[name] = _read(name, file.read_bytes(), None)
    missing = sorted(names - found.keys())
    if missing:
        raise CorpusError(f"no uplinks of {', '.join(missing)} under {plugins}/*/vectors/uplinks")
    return found


def _read(name: str, data: bytes, plugin: Path | None) -> Corpus:
    try:
        file = json.loads(data)
        network = NETWORKS[file["network"]]
        cases = tuple(_case(network, case) for case in file["cases"])
    except (KeyError, ValueError, TypeError) as error:
        raise CorpusError(f"{name}: {type(error).__name__}: {error}") from error
    return Corpus(name, file["device"], network, plugin, cases)


def _case(network: Network, case: Mapping[str, Any]) -> Case:
    message = case["payload"]
    uplink = unwrap(network, json.dumps(message).encode(), [])
    if not isinstance(uplink, NetworkUplink):
        raise ValueError(f"{case['file']} is no uplink")
    told = case["expected"][0] if isinstance(case["expected"], list) else case["expected"]
    entries = told["telemetry"] if isinstance(told["telemetry"], list) else [told["telemetry"]]
    first = _ms(entries[0]["ts"])
    times = (_ms(entry["ts"]) for entry in entries)
    telemetry = tuple(
        Telemetry(entry["values"], None if time == first else time)
        for entry, time in zip(entries, times, strict=True)
    )
    return Case(case["file"], message, uplink.payload, uplink.f_port, telemetry, told["attributes"])


def _ms(time: int | str) -> int:
    return epoch_ms(time) if isinstance(time, str) else time
