"""What a contract's values mean together: units of quantities, files it names, promises it makes."""

from __future__ import annotations

from treaty import quantities
from treaty_contracts.findings import Finding, Severity
from treaty_contracts.model.contract import Contract, Measurement

__all__ = ["judge_meaning"]


def _measurement(name: str, declared: Measurement) -> list[Finding]:
    promise = f"emits.measurements.{name}"
    try:
        conversion = quantities.conversion(declared.quantity, declared.unit)
        quantity = quantities.quantity(declared.quantity)
    except ValueError as error:
        return [Finding("C106", Severity.ERROR, str(error), promise)]
    if declared.range is None:
        return []
    low, high = declared.range
    if not low < high:
        return [
            Finding(
                "C105", Severity.ERROR, "the range's low end is not below its high end", promise + ".range"
            )
        ]
    ends = sorted((conversion(low), conversion(high)))
    margin = 1e-9 * max(1.0, abs(quantity.low), abs(quantity.high))
    if ends[0] < quantity.low - margin or ends[1] > quantity.high + margin:
        return [
            Finding(
                "C106",
                Severity.ERROR,
                f"the range is wider than {declared.quantity} can plausibly be",
                promise + ".range",
                expected=f"within {quantity.low} to {quantity.high} {quantity.unit}",
                observed=f"{ends[0]:g} to {ends[1]:g} {quantity.unit}",
            )
        ]
    return []


def judge_meaning(contract: Contract, files: dict[str, bytes]) -> list[Finding]:
    """Findings about the contract alone, its values being of the right form."""
    found: list[Finding] = []
    for name, declared in contract.emits.measurements.items():
        found += _measurement(name, declared)
    for name in sorted(set(contract.emits.measurements) & set(contract.emits.properties)):
        found.append(
            Finding(
                "C105",
                Severity.ERROR,
                f"{name} is declared as measurement and as property",
                f"emits.properties.{name}",
            )
        )
    for key in ("widget",):
        path = getattr(contract, key)
        if path is not None and path not in files:
            found.append(Finding("C107", Severity.ERROR, f"the package holds no {path}", key, expected=path))
    promises_code = contract.structure.modules or any(part.structure.modules for part in contract.deployments)
    if contract.entry is None and not promises_code:
        found.append(
            Finding(
                "C109",
                Severity.ERROR,
                "the contract promises nothing: no entry and no structure",
                "plugin",
                hint='name the decoder: entry: {decode: "decoder:decode"}',
            )
        )
    if contract.entry is not None and not contract.models:
        found.append(Finding("C104", Severity.ERROR, "models: this key is missing", "entry"))
    return found
