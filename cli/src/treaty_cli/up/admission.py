"""Plugins are judged while the platform starts, and published as soon as governance answers."""

from __future__ import annotations

import os
from pathlib import Path

from treaty_cli.addresses import AddressError
from treaty_cli.api import Api
from treaty_cli.home import Home
from treaty_cli.packages import packages
from treaty_cli.publishing import signing_key, statements
from treaty_contracts import Verdict, check
from treaty_contracts.attesting.keys import private_key
from treaty_embedded import StartError

__all__ = ["check_signing", "judge", "publish"]

KEY = "TREATY_VERDICT_KEY_FILE"


def check_signing(home: Home) -> None:
    """Raises AddressError where governance would refuse what this start publishes."""
    key = _key(home)
    trusted, required = (os.environ.get(f"TREATY_VERDICT_{name}") for name in ("KEYS_FILE", "SIGNATURES"))
    if required == "require" and trusted and not os.environ.get(KEY):
        raise AddressError(
            "TREATY_VERDICT_SIGNATURES=require with keys of your own in TREATY_VERDICT_KEYS_FILE: "
            f"{KEY} has to name the private one to sign the plugins with; "
            "without either, a key of this home's own is used"
        )
    if key is not None:
        try:
            private_key(key)
        except (OSError, ValueError) as error:
            raise AddressError(f"{KEY}: {error}") from None


def judge(plugins: Path) -> list[tuple[Path, Verdict]]:
    """Each package's folder with its verdict. Raises StartError naming the first plugin that its own contract
    does not admit."""
    judged = []
    for folder in packages([plugins]):
        verdict = check(folder)
        if not verdict.admitted_here:
            raise StartError(f"plugin {folder.name} is refused: `treaty plugin check {folder}` says why")
        judged.append((folder, verdict))
    return judged


def publish(home: Home, judged: list[tuple[Path, Verdict]]) -> str:
    """The states governance gives them, in words. Raises ApiError."""
    told = statements(judged, _key(home))
    with Api(home, "governance") as api:
        decisions = [answer for statement in told if (answer := statement.send(api)) is not None]
    return ", ".join(f"{decision['plugin']} {decision['state']}" for decision in decisions)


def _key(home: Home) -> Path | None:
    named = os.environ.get(KEY)
    return signing_key(home, Path(named) if named else None)
