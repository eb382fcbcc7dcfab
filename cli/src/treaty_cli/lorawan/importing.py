"""One codec from checkout to verdict: run its examples, draft its contract, let the engine judge, keep it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from treaty_cli.lorawan.checkout import Checkout
from treaty_cli.lorawan.definition import Codec, Definition, Example, read_definition
from treaty_cli.lorawan.emitting import MOST_VALUES, emits_of
from treaty_cli.lorawan.exactness import Difference, difference
from treaty_cli.lorawan.examining import Examiner, Uplink, probing_inputs
from treaty_cli.lorawan.packaging import SOURCE, Origin, contract_of, package_of, vectors_of
from treaty_cli.lorawan.refusal import Refusal
from treaty_contracts import Contract, Policy, check
from treaty_contracts.findings import Severity
from treaty_contracts.probe.inputs import malformed_uplinks
from treaty_contracts.probe.vectors import read_vectors
from treaty_sandbox import Template
from treaty_sandbox.inside.emitting import OutputError, emitted_name, kind_of, leaves

__all__ = ["Imported", "import_codec", "unanswered"]

REFUSED = "refused"


@dataclass(slots=True)
class Imported:
    """What came of one codec. `differences` say example by example where its output is another."""

    codec: Codec
    script: str | None = None
    admitted: bool = False
    digest: str | None = None
    vectors: int = 0
    exact: int = 0
    normalized: int = 0
    normalized_exact: int = 0
    findings: list[dict[str, str]] = field(default_factory=list)
    differences: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "codec": self.codec.path.removeprefix("vendor/").removesuffix(".yaml"),
            "plugin": self.codec.plugin,
            "script": self.script,
            "devices": list(self.codec.devices),
            "admitted": self.admitted,
            "digest": self.digest,
            "vectors": self.vectors,
            "exact": self.exact,
            "differing": self.vectors - self.exact,
            "normalized": {"vectors": self.normalized, "exact": self.normalized_exact},
            "refused": sorted({finding["code"] for finding in self.findings}) if not self.admitted else [],
            "findings": self.findings,
            "differences": self.differences,
        }


def import_codec(
    checkout: Checkout, codec: Codec, template: Template, origin: Origin, output: Path | None
) -> Imported:
    """Never raises for what the checkout holds, and is done within bounds that its codec cannot move."""
    definition = read_definition(checkout, codec)
    if definition.trouble is not None:
        return _without_answers(definition, definition.trouble, output)
    report = Imported(codec, definition.script_path, vectors=len(definition.examples))
    examiner = Examiner(template, definition)
    try:
        _compare(report, definition, examiner)
        files, unfit = _draft(definition, examiner, origin)
    finally:
        examiner.close()
    _judge(report, files, unfit, output)
    return report


def unanswered(checkout: Checkout, codec: Codec, why: Refusal, output: Path | None) -> Imported:
    """What is told of a codec whose import came to no end: it is refused, its examples without answers."""
    return _without_answers(read_definition(checkout, codec), why, output)


def _without_answers(definition: Definition, why: Refusal, output: Path | None) -> Imported:
    report = Imported(definition.codec, definition.script_path, vectors=len(definition.examples))
    report.findings.append(why.as_dict())
    for number, example in enumerate(definition.examples, 1):
        report.differences.append(_differs(number, example, ("output", "an output", why.message)))
    _discard(output, definition.codec.plugin)
    return report


def _compare(report: Imported, definition: Definition, examiner: Examiner) -> None:
    """Every example's whole output: data, errors and warnings; normalized output is counted for itself."""
    for number, example in enumerate(definition.examples, 1):
        answer = examiner.answer("decodeUplink", example.input)
        found: Difference | None
        if answer.why is not None:
            found = ("output", "an output", answer.why)
        else:
            found = difference(example.output, answer.output)
        if found is None:
            report.exact += 1
        else:
            report.differences.append(_differs(number, example, found))
        if example.normalized is not None:
            report.normalized += 1
            data = answer.output.get("data") if isinstance(answer.output, dict) else None
            normal = examiner.answer("normalizeUplink", {"data": data})
            if normal.why is None and difference(example.normalized, normal.output) is None:
                report.normalized_exact += 1


def _differs(number: int, example: Example, found: Difference) -> dict[str, Any]:
    path, expected, observed = found
    return {
        "example": number,
        "description": example.description[:200],
        "path": path[:200],
        "expected": expected[:200],
        "observed": observed[:200],
    }


def _draft(
    definition: Definition, examiner: Examiner, origin: Origin
) -> tuple[dict[str, bytes], list[Refusal]]:
    """The package, its contract made from what the codec emits for the judge's inputs and many more."""
    uplinks = [uplink for example in definition.examples if (uplink := example.uplink()) is not None]
    bare = contract_of(definition, {}, {}, origin)
    cases, _ = vectors_of(definition, frozenset(), False)
    known = _judged_inputs(definition, bare, cases, origin)
    explored = examiner.explore([*uplinks, *known, *probing_inputs(uplinks)], MOST_VALUES)
    kinds, numbers = _from_examples(definition)
    for name, seen in explored.values.items():
        if name in kinds or len(kinds) < MOST_VALUES:
            kinds[name] = "".join(sorted({*kinds.get(name, ""), *seen}))
    emits = emits_of(kinds, numbers)
    measured = frozenset(emits["measurements"])
    cases, unfit = vectors_of(definition, measured, emits["position"])
    contract = contract_of(definition, emits, explored.errors, origin)
    return package_of(definition, contract, cases, origin), unfit


def _judged_inputs(
    definition: Definition, bare: Mapping[str, Any], cases: list[dict[str, Any]], origin: Origin
) -> list[Uplink]:
    """The malformed uplinks the engine will ask about."""
    try:
        contract = Contract.model_validate(bare)
    except ValueError:
        return []
    vectors = read_vectors(contract, package_of(definition, bare, cases, origin))
    found = malformed_uplinks(contract, vectors.cases, Policy().seed)
    return [(bytes.fromhex(given["uplink"][0]), given["uplink"][1]) for _, given in found]


def _from_examples(definition: Definition) -> tuple[dict[str, str], dict[str, list[float]]]:
    """What the examples' outputs hold: kinds by name, and their numbers."""
    kinds: dict[str, str] = {}
    numbers: dict[str, list[float]] = {}
    for example in definition.examples:
        data = example.output.get("data") if isinstance(example.output, dict) else None
        if not isinstance(data, dict):
            continue
        try:
            for path, value in leaves(data, ()):
                name = emitted_name(path)
                kind = kind_of(value)
                if kind in "nd":
                    numbers.setdefault(name, []).append(float(value))
                kinds[name] = "".join(sorted({*kinds.get(name, ""), kind}))
        except OutputError:
            continue
    return kinds, numbers


def _judge(report: Imported, files: dict[str, bytes], unfit: list[Refusal], output: Path | None) -> None:
    """By the engine, on the files as they will be kept. What it refuses is kept apart."""
    plugin = report.codec.plugin
    with tempfile.TemporaryDirectory(prefix="treaty-import-") as scratch:
        folder = Path(scratch) / plugin
        _write(folder, files)
        verdict = check(folder)
    report.digest = verdict.digest
    report.admitted = verdict.admitted_here and not unfit
    report.findings += [refusal.as_dict() for refusal in unfit]
    report.findings += [
        {"code": finding.code, "message": finding.message[:500].encode(errors="replace").decode()}
        for finding in (*verdict.findings, *verdict.host)
        if finding.severity is Severity.ERROR
    ]
    if output is not None:
        kept, other = output / plugin, output / REFUSED / plugin
        if not report.admitted:
            kept, other = other, kept
        _remove(other)
        _write(kept, files)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Only what differs is written: the same checkout leaves the same files untouched."""
    for path, content in files.items():
        place = folder / path
        if place.is_file() and not place.is_symlink() and place.read_bytes() == content:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f".{place.name}.{os.getpid()}")
        fresh.write_bytes(content)
        fresh.replace(place)


def _discard(output: Path | None, plugin: str) -> None:
    """What an earlier import made of it."""
    if output is not None:
        _remove(output / plugin)
        _remove(output / REFUSED / plugin)


def _remove(folder: Path) -> None:
    """A plugin folder, if it is one that an import made."""
    if (folder / SOURCE).is_file() and not folder.is_symlink():
        shutil.rmtree(folder)
