"""widget.json, version 1: every element shows something declared, every event calls a declared action."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from treaty_contracts.findings import Finding, Place, Severity
from treaty_contracts.model import Contract

__all__ = ["TAGS", "judge_widget"]

VERSION = 1
CONTAINERS = {"vertical", "horizontal", "grid"}
_NUMBERS = {"measurement", "number", "integer"}
_ALL = _NUMBERS | {"boolean", "string"}
TAGS: dict[str, tuple[set[str], set[str]]] = {
    "value": (_ALL, set()),
    "text": (_ALL, set()),
    "label": (_ALL, set()),
    "badge": (_ALL, set()),
    "gauge": (_NUMBERS, set()),
    "sparkline": (_NUMBERS, set()),
    "chart": (_NUMBERS, set()),
    "slider": (_NUMBERS, {"change"}),
    "switch": ({"boolean", "string", "integer"}, {"on", "off"}),
    "select": ({"string", "integer"}, {"change"}),
    "button": (_ALL, {"press"}),
    "map": ({"position"}, set()),
}
"""Tags with the kinds of value they show and the events they send."""


def _kind(contract: Contract, tracker: str) -> str | None:
    if tracker in contract.emits.measurements:
        return "measurement"
    if tracker in contract.emits.properties:
        return contract.emits.properties[tracker].type
    return "position" if tracker == "position" and contract.emits.position else None


def _elements(layout: Any, path: str) -> Iterator[tuple[str, Any]]:
    """(path, element) of a layout, inner layouts included; what has no such form is yielded as it is."""
    if not isinstance(layout, dict) or len(layout) != 1 or next(iter(layout)) not in CONTAINERS:
        yield path, layout
        return
    [(container, body)] = layout.items()
    elements = body.get("elements") if isinstance(body, dict) else None
    if not isinstance(elements, list):
        yield f"{path}.{container}", body
        return
    for index, element in enumerate(elements):
        inner = f"{path}.{container}.elements[{index}]"
        if isinstance(element, dict) and "tag" not in element and set(element) & CONTAINERS:
            yield from _elements(element, inner)
        else:
            yield inner, element


class _Widget:
    def __init__(self, contract: Contract, file: str, text: str) -> None:
        self.contract = contract
        self.file = file
        self.text = text
        self.found: list[Finding] = []

    def say(self, code: str, message: str, word: str | None = None, **more: str) -> None:
        line = None
        if word is not None and (at := self.text.find(f'"{word}"')) >= 0:
            line = self.text.count("\n", 0, at) + 1
        self.found.append(
            Finding(
                code,
                Severity.ERROR,
                message,
                "widget",
                place=Place(self.file, line),
                expected=more.get("expected"),
                observed=more.get("observed"),
            )
        )

    def element(self, path: str, element: Any) -> None:
        if not isinstance(element, dict) or not isinstance(element.get("tag"), str):
            self.say("W601", f"{path}: expected an element with a tag, or a layout of elements")
            return
        tag = element["tag"]
        if tag not in TAGS:
            self.say("W605", f"{path}: no such tag: {tag}", tag, expected=", ".join(sorted(TAGS)))
            return
        shown, events = TAGS[tag]
        tracker = element.get("tracker")
        if tracker is not None or tag not in {"button", "label"}:
            self.tracker(path, tag, tracker, shown)
        for event, action in (element.get("listener") or {}).items():
            if event not in events:
                self.say(
                    "W606",
                    f"{path}: a {tag} sends no event {event!r}",
                    event,
                    expected=", ".join(sorted(events)),
                )
            if action not in self.contract.actions:
                self.say("W604", f"{path}: the action {action!r} is not declared", str(action))

    def tracker(self, path: str, tag: str, tracker: Any, shown: set[str]) -> None:
        kind = _kind(self.contract, tracker) if isinstance(tracker, str) else None
        if kind is None:
            self.say("W602", f"{path}: {tracker!r} is no declared measurement or property", str(tracker))
        elif kind not in shown:
            self.say(
                "W603",
                f"{path}: a {tag} cannot show {tracker}",
                tracker,
                expected=", ".join(sorted(shown)),
                observed=kind,
            )


def judge_widget(contract: Contract, files: dict[str, bytes]) -> list[Finding]:
    """Findings of the widget file against the contract; its absence is told elsewhere."""
    file = contract.widget
    if file is None or file not in files:
        return []
    try:
        text = files[file].decode("utf-8")
        document = json.loads(text)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        message = f"not JSON: {getattr(error, 'msg', 'not UTF-8, or nested too deep')}"
        return [Finding("W601", Severity.ERROR, message, "widget", place=Place(file, line))]
    widget = _Widget(contract, file, text)
    if not isinstance(document, dict) or document.get("version") != VERSION or "layout" not in document:
        widget.say("W601", f'expected {{"version": {VERSION}, "layout": ...}}')
        return widget.found
    for path, element in _elements(document["layout"], "layout"):
        widget.element(path, element)
    return widget.found
