"""What a checkout says of one codec: its script, its examples, the devices that use it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from treaty_cli.lorawan.checkout import DEFINITION_BYTES, SCRIPT_BYTES, Checkout
from treaty_cli.lorawan.documents import read_yaml
from treaty_cli.lorawan.refusal import Refusal, RefusedError

__all__ = [
    "MOST_EXAMPLES",
    "Codec",
    "Definition",
    "Example",
    "codecs_of",
    "named_apart",
    "plugin_name",
    "read_definition",
]

_LONGEST = 63
MOST_EXAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Codec:
    """One codec of a vendor's folder by its definition's name, and the devices whose profiles name it."""

    vendor: str
    identifier: str
    plugin: str
    devices: tuple[str, ...]

    @property
    def path(self) -> str:
        return f"vendor/{self.vendor}/{self.identifier}.yaml"


@dataclass(frozen=True, slots=True)
class Example:
    """`input` is what the routine is given, `output` what it must return, both plain JSON values."""

    description: str
    input: Any
    output: Any
    normalized: Any

    def uplink(self) -> tuple[bytes, int | None] | None:
        """Payload and port, where the input is one a device can send."""
        given = self.input if isinstance(self.input, dict) else {}
        parts, port = given.get("bytes"), given.get("fPort")
        if not isinstance(parts, list) or not all(type(b) is int and 0 <= b <= 255 for b in parts):
            return None
        if port is not None and not (type(port) is int and 0 <= port <= 255):
            return None
        return bytes(parts), port


@dataclass(frozen=True, slots=True)
class Definition:
    """A codec as read. `trouble` says why there is no script."""

    codec: Codec
    description: str
    script_path: str | None
    script: bytes | None
    examples: tuple[Example, ...]
    trouble: Refusal | None

    @property
    def script_hash(self) -> str:
        return hashlib.sha256(self.script or b"").hexdigest()


def codecs_of(checkout: Checkout, vendor: str) -> list[Codec]:
    """The vendor's codecs that decode uplinks, by name. What cannot be read is left to read_definition."""
    found: list[str] = []
    devices: dict[str, list[str]] = {}
    for name in checkout.definitions(vendor):
        try:
            content = checkout.read(f"vendor/{vendor}/{name}.yaml", DEFINITION_BYTES)
            if b"uplinkDecoder" in content:
                found.append(name)
            elif b"codec" in content:
                for used in _codecs_used(read_yaml(content, name)):
                    devices.setdefault(used, []).append(name)
        except RefusedError:
            if "codec" in name:
                found.append(name)
    return [
        Codec(vendor, name, plugin_name(vendor, name), tuple(sorted(devices.get(name, ())))) for name in found
    ]


def named_apart(vendors: Iterable[list[Codec]]) -> list[list[Codec]]:
    """No two of one name: a-b's codec c and a's codec b-c are both a-b-c, and the second gets a checksum."""
    taken: set[str] = set()
    apart: list[list[Codec]] = []
    for codecs in vendors:
        apart.append([])
        for codec in codecs:
            plugin = codec.plugin
            if plugin in taken:
                plugin = plugin_name(codec.vendor, codec.identifier, distinct=True)
            taken.add(plugin)
            apart[-1].append(replace(codec, plugin=plugin))
    return apart


def plugin_name(vendor: str, identifier: str, *, distinct: bool = False) -> str:
    """elsys, ers-codec: elsys-ers. Letters, digits and dashes; a checksum where it is cut or taken."""
    whole = f"{vendor}-{identifier.removesuffix('-codec')}".lower()
    name = re.sub(r"[^a-z0-9]+", "-", whole).strip("-")
    name = name if name[:1].isalpha() else f"lorawan-{name}"
    if distinct or len(name) > _LONGEST:
        name = f"{name[:50].rstrip('-')}-{hashlib.sha256(f'{vendor}/{identifier}'.encode()).hexdigest()[:8]}"
    return name


def _codecs_used(device: Any) -> set[str]:
    found: set[str] = set()
    versions = device.get("firmwareVersions") if isinstance(device, dict) else None
    for version in versions if isinstance(versions, list) else []:
        profiles = version.get("profiles") if isinstance(version, dict) else None
        for profile in profiles.values() if isinstance(profiles, dict) else []:
            if isinstance(profile, dict) and isinstance(profile.get("codec"), str):
                found.add(profile["codec"])
    return found


def read_definition(checkout: Checkout, codec: Codec) -> Definition:
    """Never raises for what the checkout holds: `trouble` says what is wrong."""
    try:
        document = read_yaml(checkout.read(codec.path, DEFINITION_BYTES), codec.path)
        decoder = document.get("uplinkDecoder") if isinstance(document, dict) else None
        if not isinstance(decoder, dict):
            raise RefusedError("L801", f"{codec.path} has no uplinkDecoder")
        examples = _examples(decoder.get("examples"), codec.path)
    except RefusedError as refused:
        return Definition(codec, codec.identifier, None, None, (), refused.refusal)
    described = _description(checkout, codec)
    name = decoder.get("fileName")
    try:
        if not isinstance(name, str):
            raise RefusedError("L801", f"{codec.path} names no file")
        path = f"vendor/{codec.vendor}/{name}"
        script = checkout.read(path, SCRIPT_BYTES)
    except RefusedError as refused:
        return Definition(codec, described, None, None, examples, refused.refusal)
    return Definition(codec, described, path, script, examples, None)


def _examples(found: Any, path: str) -> tuple[Example, ...]:
    """One that is no mapping stays one, of nothing: it is counted, and said to be no uplink."""
    if found is None:
        return ()
    if not isinstance(found, list):
        raise RefusedError("L801", f"{path}: its examples are no list")
    if len(found) > MOST_EXAMPLES:
        raise RefusedError("L804", f"{path} has more than {MOST_EXAMPLES} examples")
    return tuple(
        Example(
            _text(each.get("description"), "example"),
            each.get("input"),
            each.get("output"),
            each.get("normalizedOutput"),
        )
        for each in (each if isinstance(each, dict) else {} for each in found)
    )


def _text(value: Any, otherwise: str) -> str:
    """Where a text belongs, a text; a number is one too."""
    return str(value) if isinstance(value, (str, int, float)) and value != "" else otherwise


def _description(checkout: Checkout, codec: Codec) -> str:
    """The devices' names, as many as fit in a line."""
    names: list[str] = []
    for device in codec.devices[:4]:
        try:
            content = read_yaml(
                checkout.read(f"vendor/{codec.vendor}/{device}.yaml", DEFINITION_BYTES), device
            )
        except RefusedError:
            continue
        name = content.get("name") if isinstance(content, dict) else None
        names.append(" ".join(_text(name, device).split())[:60])
    more = f" and {len(codec.devices) - 4} more" if len(codec.devices) > 4 else ""
    return (", ".join(names) or codec.identifier) + more
