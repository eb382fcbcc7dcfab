"""`treaty plugin import-lorawan`: plugins from a checkout of the LoRaWAN device repository."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from treaty_cli.lorawan.checkout import Checkout
from treaty_cli.lorawan.importing import Imported
from treaty_cli.lorawan.packaging import REPOSITORY, Origin
from treaty_cli.lorawan.refusal import CheckoutError
from treaty_cli.lorawan.running import import_all
from treaty_cli.options import Json
from treaty_cli.output import print_json, table
from treaty_cli.progress import Progress

__all__ = ["import_lorawan_command"]


def import_lorawan_command(
    checkout: Annotated[
        Path, typer.Argument(help=f"A checkout of {REPOSITORY}.", exists=True, file_okay=False)
    ],
    vendor: Annotated[
        list[str] | None, typer.Option(help="Only this vendor's codecs; may be repeated.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Where the plugins are written; without it they are only judged.")
    ] = None,
    release: Annotated[
        str,
        typer.Option(
            help="The version the plugins have; a later import of changed codecs needs a higher one."
        ),
    ] = "1.0.0",
    as_json: Json = False,
) -> None:
    """Turn a checkout of lorawan-devices into plugins: codecs unmodified, examples as vectors, each judged.

    Exits 0 when every codec has been judged, admitted or not, 1 where the folder is no checkout.
    """
    progress = Progress()
    try:
        source = Checkout(checkout)
        vendors = _chosen(source, vendor)
    except CheckoutError as error:
        progress.trouble("import-lorawan", str(error))
        raise typer.Exit(1) from None
    origin = Origin(source.commit(), release)
    imported: list[Imported] = []
    for codecs in import_all(source, vendors, origin, output):
        imported += codecs
        progress.step(codecs[0].codec.vendor, _line(totals(codecs)))
    found = totals(imported)
    if as_json:
        print_json(
            {
                "checkout": {"repository": REPOSITORY, "commit": origin.commit},
                "totals": found,
                "codecs": [each.as_dict() for each in imported],
            }
        )
    else:
        _show(imported)
        progress.step("in all", _line(found))


def _chosen(source: Checkout, wanted: list[str] | None) -> list[str]:
    vendors = source.vendors()
    for name in wanted or ():
        if name not in vendors:
            raise CheckoutError(f"the checkout has no vendor {name!r}")
    return [name for name in vendors if not wanted or name in wanted]


def totals(imported: Iterable[Imported]) -> dict[str, int]:
    """What is counted: codecs are admitted or refused, vectors exact or differing."""
    each = list(imported)
    vectors, exact = sum(one.vectors for one in each), sum(one.exact for one in each)
    admitted = sum(one.admitted for one in each)
    return {
        "codecs": len(each),
        "admitted": admitted,
        "vectors": vectors,
        "exact": exact,
        "differing": vectors - exact,
        "refused": len(each) - admitted,
    }


def _line(found: dict[str, Any]) -> str:
    return (
        f"{found['admitted']} of {found['codecs']} codecs admitted, "
        f"{found['exact']} of {found['vectors']} examples exact"
    )


def _show(imported: list[Imported]) -> None:
    table(
        ("verdict", "plugin", "exact", "vectors", "why"),
        (
            (
                "admitted" if one.admitted else "refused",
                one.codec.plugin,
                one.exact,
                one.vectors,
                "; ".join(f"{f['code']} {f['message'][:100]}" for f in one.findings[:3]),
            )
            for one in imported
        ),
    )
