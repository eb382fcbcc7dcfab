"""All codecs of a checkout, in as many processes as there are cores, reported in the order of their names."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from treaty_cli.lorawan.checkout import Checkout
from treaty_cli.lorawan.crew import Crew, Lost
from treaty_cli.lorawan.definition import Codec, codecs_of, named_apart, plugin_name
from treaty_cli.lorawan.importing import Imported, import_codec, unanswered
from treaty_cli.lorawan.packaging import Origin
from treaty_cli.lorawan.refusal import Refusal
from treaty_sandbox import Template

__all__ = ["import_all", "processes"]

_CODEC_S: Final = 30.0
"""A hundred times what a codec takes, so that a few which take it all do not make a run of hundreds long."""
_MEMORY_BYTES: Final = 2 * 1024**3


class _Own:
    """What one of the processes keeps from codec to codec."""

    checkout: Checkout
    template: Template


def processes() -> int:
    """The cores this process may use."""
    return max(1, len(os.sched_getaffinity(0)))


def import_all(
    checkout: Checkout,
    vendors: Sequence[str],
    origin: Origin,
    output: Path | None,
    *,
    codec_s: float = _CODEC_S,
) -> Iterator[list[Imported]]:
    """A vendor's codecs at a time, by name. Their code runs in confined children of these processes only.

    Plugins are named among all of the checkout's, so that a choice of vendors leaves names as they are.
    A codec that is not done within `codec_s`, or whose process ends, is refused, and the others go on.
    """
    with Crew(processes(), _prepare, (checkout.root,), codec_s) as crew:
        found: dict[Codec, Imported] = {}
        listed = _listed(crew, checkout, found)
        chosen = [codecs for codecs in listed if codecs[0].vendor in vendors]
        every = [codec for codecs in chosen for codec in codecs if codec not in found]
        lost: list[tuple[Codec, str, Path | None]] = []
        for place, result in crew.run(_import, [(codec, origin, output) for codec in every]):
            codec = every[place]
            if isinstance(result, Lost):
                lost.append((codec, result.why, output))
            else:
                found[codec] = result
            while chosen and all(each in found for each in chosen[0]):
                yield [found[each] for each in chosen.pop(0)]
        for place, result in crew.run(_unanswered, lost):
            codec, why, _ = lost[place]
            found[codec] = _ended(codec, why) if isinstance(result, Lost) else result
        for codecs in chosen:
            yield [found[each] for each in codecs]


def _listed(crew: Crew, checkout: Checkout, found: dict[Codec, Imported]) -> list[list[Codec]]:
    """Each vendor's codecs. Where they cannot be told, that is `found` of one in the name of all."""
    vendors = checkout.vendors()
    listed: list[list[Codec]] = [[] for _ in vendors]
    for place, result in crew.run(_list, [(vendor,) for vendor in vendors]):
        if isinstance(result, Lost):
            whole = Codec(vendors[place], "index", plugin_name(vendors[place], "index"), ())
            found[whole] = _ended(whole, f"the vendor's codecs cannot be told: {result.why}")
            listed[place] = [whole]
        else:
            listed[place] = result
    return [codecs for codecs in named_apart(listed) if codecs]


def _ended(codec: Codec, why: str) -> Imported:
    return Imported(codec, findings=[Refusal("L806", why).as_dict()])


def _prepare(root: Path) -> None:
    """What a document takes to be read is bounded, and this too: a bound forgotten is one codec's trouble."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    _Own.checkout = Checkout(root)
    _Own.template = Template(("treaty_sandbox.inside.javascript",), hash_seed=1)


def _list(vendor: str) -> list[Codec]:
    return codecs_of(_Own.checkout, vendor)


def _import(codec: Codec, origin: Origin, output: Path | None) -> Imported:
    return import_codec(_Own.checkout, codec, _Own.template, origin, output)


def _unanswered(codec: Codec, why: str, output: Path | None) -> Imported:
    return unanswered(_Own.checkout, codec, Refusal("L806", why), output)
