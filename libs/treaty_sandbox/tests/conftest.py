from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from treaty_sandbox import Template

PackageMaker = Callable[..., Path]


@pytest.fixture(scope="module")
def template() -> Iterator[Template]:
    found = Template()
    yield found
    found.close()


@pytest.fixture
def package(tmp_path: Path) -> PackageMaker:
    """Writes a plugin package: package(decoder="source", tables="source")."""

    def make(**modules: str) -> Path:
        root = tmp_path / "package"
        root.mkdir(exist_ok=True)
        for name, source in modules.items():
            (root / f"{name}.py").write_text(dedent(source))
        return root

    return make
