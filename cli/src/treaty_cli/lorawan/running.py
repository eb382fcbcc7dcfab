"""All codecs of a checkout, in as many processes as there are cores, reported in the order of their names."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from treaty_cli.lorawan.checkout import Checkout
from treaty_cli.lorawan.definition import Codec, codecs_of
from treaty_cli.lorawan.importing import Imported, import_codec
from treaty_cli.lorawan.packaging import Origin
from treaty_sandbox import Template

__all__ = ["import_all", "processes"]


class _Own:
    """What one of the processes keeps from codec to codec."""

    checkout: Checkout
    template: Template


def processes() -> int:
    """The cores this process may use."""
    return max(1, len(os.sched_getaffinity(0)))


def import_all(
    checkout: Checkout, vendors: Sequence[str], origin: Origin, output: Path | None
) -> Iterator[list[Imported]]:
    """A vendor's codecs at a time, by name. Their code runs in confined children of these processes only."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes(), context, _prepare, (checkout.root,))
    try:
        listed = list(pool.map(_list, vendors, chunksize=8))
        waiting = [
            [(codec, pool.submit(_import, codec, origin, output)) for codec in codecs]
            for codecs in listed
            if codecs
        ]
        for vendor in waiting:
            yield [_done(codec, future) for codec, future in vendor]
    finally:
        pool.shutdown(cancel_futures=True)


def _done(codec: Codec, future: Future[Imported]) -> Imported:
    try:
        return future.result()
    except BrokenProcessPool:
        finding = {"code": "L806", "message": "the process that imported it was ended"}
        return Imported(codec, findings=[finding])


def _prepare(root: Path) -> None:
    _Own.checkout = Checkout(root)
    _Own.template = Template(("treaty_sandbox.inside.javascript",), hash_seed=1)


def _list(vendor: str) -> list[Codec]:
    return codecs_of(_Own.checkout, vendor)


def _import(codec: Codec, origin: Origin, output: Path | None) -> Imported:
    return import_codec(_Own.checkout, codec, _Own.template, origin, output)
