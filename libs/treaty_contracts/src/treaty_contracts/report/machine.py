"""The verdict for machines: JSON with the host's findings, SARIF 2.1.0 and JUnit."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

from treaty_contracts.findings import Finding, Severity
from treaty_contracts.verdict import ENGINE, Verdict

__all__ = ["as_json", "as_junit", "as_sarif"]

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def as_json(verdict: Verdict) -> str:
    """The verdict with what this host adds: `host` findings and `admitted_here`."""
    body = verdict.as_dict()
    body["verdict_digest"] = verdict.verdict_digest
    body["admitted_here"] = verdict.admitted_here
    body["host"] = [finding.as_dict() for finding in verdict.host]
    return json.dumps(body, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _result(finding: Finding) -> dict[str, Any]:
    text = finding.message
    for name in ("expected", "observed", "hint"):
        if (value := getattr(finding, name)) is not None:
            text += f"; {name}: {value}"
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
    }
    if finding.place is not None:
        location: dict[str, Any] = {"artifactLocation": {"uri": finding.place.path, "uriBaseId": "PACKAGE"}}
        if finding.place.line is not None:
            location["region"] = {"startLine": finding.place.line}
            if finding.place.column is not None:
                location["region"]["startColumn"] = finding.place.column
        result["locations"] = [{"physicalLocation": location}]
    if finding.promise is not None:
        result["properties"] = {"promise": finding.promise, "promiseLine": finding.promise_line}
    return result


def as_sarif(verdict: Verdict) -> str:
    """SARIF 2.1.0 (OASIS); paths are relative to the package folder."""
    findings = (*verdict.findings, *verdict.host)
    rules = [
        {"id": code, "helpUri": f"docs/findings/{code}.md", "shortDescription": {"text": code}}
        for code in sorted({finding.code for finding in findings})
    ]
    name, version = ENGINE.split("/")
    run = {
        "tool": {"driver": {"name": name, "version": version, "rules": rules}},
        "originalUriBaseIds": {"PACKAGE": {"description": {"text": "the plugin package's folder"}}},
        "results": [_result(finding) for finding in findings],
        "properties": {"digest": verdict.digest, "admitted": verdict.admitted_here},
    }
    document = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _plain(text: str) -> str:
    """Text that XML 1.0 can hold."""
    return "".join(c if c in "\t\n" or " " <= c < "\ud800" or "\ue000" <= c < "\ufffe" else "?" for c in text)


def as_junit(verdict: Verdict) -> str:
    """One test case a finding; an admitted package without findings is one case that passed."""
    findings = (*verdict.findings, *verdict.host)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    name = verdict.plugin or "package"
    suite = ET.Element(
        "testsuite", name=name, tests=str(len(findings) or 1), failures=str(len(errors)), errors="0"
    )
    if not findings:
        ET.SubElement(suite, "testcase", classname=name, name="admitted")
    for finding in findings:
        title = f"{finding.code} {finding.place or finding.promise or ''}".strip()
        case = ET.SubElement(suite, "testcase", classname=name, name=_plain(title))
        target = "failure" if finding.severity is Severity.ERROR else "system-out"
        told = (
            ET.SubElement(case, target, message=_plain(finding.message))
            if target == "failure"
            else ET.SubElement(case, target)
        )
        told.text = _plain(_result(finding)["message"]["text"])
    ET.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"
