"""A runner for test_session: hands each message to the package's function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from treaty_sandbox.inside.package import Package


def asker(package: Package, options: Mapping[str, Any]) -> Callable[[Any], Any]:
    function = package.entry(options["entry"])
    return lambda message: ("ok", function(message))
