"""How a device model is shown: its plugin's widget, with the units and ranges its contract promises."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from treaty.quantities import conversion, quantity
from treaty_contracts import Contract, ContractError, load

__all__ = ["ModelWidget", "load_widgets"]

LARGEST: Final = 256 * 1024
log = structlog.get_logger(__name__)


class Promise(msgspec.Struct):
    """A measurement in its quantity's canonical unit; `low` and `high` bound what is plausible."""

    quantity: str
    unit: str
    low: float
    high: float


class ModelWidget(msgspec.Struct):
    """`widget` is the plugin's widget.json, None where it has none."""

    model: str
    plugin: str
    measurements: dict[str, Promise]
    properties: dict[str, str]
    widget: dict[str, Any] | None


def load_widgets(plugins: Path) -> Mapping[str, ModelWidget]:
    """By device model. A plugin that cannot be read is left out and named in the log: the console then
    shows its devices without a layout of their own."""
    found: dict[str, ModelWidget] = {}
    for contract_file in sorted(plugins.glob("*/contract.yaml")):
        try:
            contract = load(contract_file.parent)
            widget = _widget(contract_file.parent, contract)
        except (ContractError, OSError, msgspec.DecodeError) as error:
            log.warning("widget_not_loaded", plugin=contract_file.parent.name, reason=str(error))
            continue
        for model in contract.models:
            found[model] = _of(model, contract, widget)
    return found


def _of(model: str, contract: Contract, widget: dict[str, Any] | None) -> ModelWidget:
    promises = {}
    for name, measurement in contract.emits.measurements.items():
        about = quantity(measurement.quantity)
        convert = conversion(measurement.quantity, measurement.unit)
        low, high = sorted(map(convert, measurement.range)) if measurement.range else (about.low, about.high)
        promises[name] = Promise(about.name, about.unit, low, high)
    properties: dict[str, str] = {name: promised.type for name, promised in contract.emits.properties.items()}
    return ModelWidget(model, contract.plugin, promises, properties, widget)


def _widget(folder: Path, contract: Contract) -> dict[str, Any] | None:
    if contract.widget is None:
        return None
    file = folder / contract.widget
    if file.stat().st_size > LARGEST:
        raise OSError(f"{contract.widget} is larger than {LARGEST} bytes")
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
