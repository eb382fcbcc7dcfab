"""A trace for people: a line a stage with its time, and under it what is worth knowing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from treaty_cli.output import plain
from treaty_cli.trace.stages import Outcome, Stage, Trace

__all__ = ["tell"]

_GOOD: Final = frozenset({Outcome.READINGS, Outcome.REPORTED, Outcome.DUPLICATE, Outcome.NO_READING})
_STYLE: Final = {
    "refused": "red",
    "dead_letter": "red",
    "waiting": "yellow",
    "parked": "yellow",
    "duplicate": "cyan",
    "reading": "green",
}
_MARK: Final = {"red": "✗", "yellow": "…", "green": "✓", "cyan": "="}
_LABEL: Final = 11


def tell(console: Console, trace: Trace) -> None:
    """Prints it. Lines are as long as they are, so that ids can be copied."""
    style = "green" if trace.outcome in _GOOD else "yellow" if trace.outcome in _SOFT else "red"
    console.print(Text.assemble(("uplink ", "dim"), (trace.uplink, "bold")))
    console.print(
        Text.assemble((str(trace.outcome).replace("_", " "), f"bold {style}"), f"  {trace.summary}\n")
    )
    before: int | None = None
    rows = trace.as_dict()["stages"]
    for one, row in zip(trace.stages, rows, strict=True):
        colour = _STYLE.get(one.name, "")
        console.print(_headline(one, row, colour, first=before is None))
        details = list(_details(one))
        width = max((len(label) for label, _ in details), default=0) + 2
        for label, text in details:
            console.print(Text.assemble("     ", (label.ljust(max(width, _LABEL)), "dim"), text))
        before = one.at


_SOFT: Final = frozenset({Outcome.WAITING, Outcome.PARKED})


def _headline(one: Stage, row: dict[str, Any], colour: str, *, first: bool) -> Text:
    when = ""
    if one.at is not None:
        when = row["at"][:10] + " " + row["at"][11:-1] if first else f"+{row['since_previous_ms']} ms"
    place = "" if one.topic is None else f"{one.topic}[{one.partition}] @ {one.offset}"
    name = one.name.replace("_", " ")
    return Text.assemble(
        (f"  {_MARK.get(colour, '●')}  ", colour),
        (f"{name:<{_LABEL}}", f"bold {colour}"),
        f"{when:>23}  ",
        (place, "dim"),
    )


def _details(one: Stage) -> Iterator[tuple[str, str]]:
    facts = dict(one.facts)
    if one.name == "raw":
        yield "sent by", f"{facts.get('gateway', 'nobody named')}{', signed' if facts['signed'] else ''}"
        yield "value", f"{facts['bytes']} bytes  {facts['preview']}"
        for name, value in facts["headers"].items():
            yield "header", f"{name}: {value}"
        return
    if one.name == "accepted":
        yield "proven", f"{facts.pop('authenticated', '')}"
    if one.name == "waiting":
        group, committed, offset = (facts.pop(name) for name in ("group", "committed", "offset"))
        yield "group", f"{group} has committed {committed}, the record is {offset}"
        facts.pop("ahead")
    for measurement in facts.pop("measurements", ()):
        quality = "" if measurement["quality"] == "good" else f"  ({measurement['quality']})"
        yield measurement["name"], f"{measurement['value']:g} {measurement['unit']}{quality}"
    for name, value in facts.pop("properties", {}).items():
        yield name, plain(f"{value}")
    for name, value in facts.items():
        yield name.replace("_", " "), _text(value)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return f"{value['topic']}[{value['partition']}] @ {value['offset']}"
    return str(value)
