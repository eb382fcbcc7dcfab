"""Ways out of plugin code that the source shows, and honest code that only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest

from treaty_contracts.model import Contract
from treaty_contracts.package import Snapshot
from treaty_contracts.static.judge import judge_source

PLAIN = "def decode(payload: bytes) -> dict:\n    return {}\n"
CONTRACT = {
    "contract": "treaty/v1",
    "plugin": "acme",
    "version": "1.0.0",
    "structure": {"modules": {"plugin": {"functions": {"decode": {}}}}},
}


def codes(source: str, files: dict[str, str] | None = None, **contract: object) -> set[str]:
    content = {path: text.encode() for path, text in {"plugin.py": source, **(files or {})}.items()}
    promised = Contract.model_validate({**CONTRACT, **contract})
    facts = judge_source(Snapshot(Path("nowhere"), content), promised)
    return {finding.code for finding in facts.findings if finding.severity == "error"}


REFUSED = [
    ("from dataclasses import dataclass\n@dataclass\nclass A:\n    __annotations__ = {'x=1': int}\n", "X305"),
    ("class A: pass\nsetattr(A, '__anno' + 'tations__', {'x': int})\n", "X305"),
    ("A = type('A', (), {'__annotations__': {}})\n", "X305"),
    ("from typing import List\nX = List['1'].__args__[0]._evaluate({}, {}, frozenset())\n", "X305"),
    ("import json as j\nk = j\n", "X307"),
    ("from sys import exit as leave\n", "X301"),
    ("import collections.abc\nX = collections.abc.sys\n", "X305"),
    ("import re\nX = re.enum.sys\n", "X305"),
    ("from functools import partial\nX = partial(open, 'x')\n", "X304"),
    ("X = list(map(eval, ['1']))\n", "X303"),
    ("X = {'e': exec}\n", "X303"),
    ("def f(*, x=__import__('os')): ...\n", "X302"),
    ("class C(metaclass=__import__('abc').ABCMeta): ...\n", "X302"),
    ("def f(x: 'eval(1)'): ...\n", "X303"),
    ("X = ''.join(['__glo', 'bals__'])\n", "X305"),
    ("X = '__%s__' % 'globals'\n", "X305"),
    ("X = f'__{\"glob\"}als__'\n", "X305"),
    ("X = '__slabolg__'[::-1]\n", "X305"),
    ("def f():\n    global decode\n    decode = None\n", "S208"),
    ("(decode := len)\n", "S208"),
    ("del decode\n", "S208"),
    ("class decode: pass\n", "S208"),
    ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    decode = None\n", "S208"),
    ("import math\nmath.pi = 3\n", "X309"),
    ("import json\njson.encoder.ESCAPE = 1\n", "X301"),
    ("import logging\nlogging.getLogger().handlers.clear()\n", "X309"),
    ("import logging\nlogging.basicConfig()\n", "X301"),
    ("import warnings\nwarnings.simplefilter('ignore')\n", "X301"),
    ("import decimal\ndecimal.getcontext().prec = 3\n", "X301"),
    ("import os\nos.environ['X'] = '1'\n", "X301"),
    ("import random\nX = random.Random()\n", "X319"),
    ("import time\nX = time.gmtime()\n", "X319"),
    ("import datetime as d\nX = d.datetime.utcnow\n", "X319"),
    ("if True:\n    import socket\n", "X301"),
    ("try:\n    import ujson as json\nexcept ImportError:\n    import json\n", "X301"),
    ("import sys\nif sys.version_info >= (3, 11):\n    import socket\n", "X301"),
    ("async def f():\n    async with open('x') as g: ...\n", "X304"),
    ("X = [open for _ in range(1)]\n", "X304"),
    ("X = lambda: (yield).gi_frame\n", "X305"),
    ("import treaty_contracts\n", "X301"),
    ("from treaty.units import Fraction\n", "X301"),
]


@pytest.mark.parametrize(("source", "code"), REFUSED)
def test_a_way_out_is_refused(source: str, code: str) -> None:
    found = codes(PLAIN + source)
    assert code in found or (code == "X301" and "X305" in found), found


ADMITTED = [
    "import sys\nif sys.version_info < (3, 8):\n    import imp\n",
    "import sys as system\nif system.version_info[0] == 2:\n    import commands\n",
    "from sys import version_info as v\nif not v >= (3, 0):\n    import urllib2\n",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import subprocess\n",
    "import typing as t\nif t.TYPE_CHECKING:\n    from os import PathLike\ndef f(path: 'PathLike'): ...\n",
    "if __name__ == '__main__':\n    import sys\n    sys.exit(print(decode(b'')))\n",
    "try:\n    from typing import Self\nexcept ImportError:\n    from other import Self\nX = Self\n",
    "def f(open, eval=None):\n    return open(eval)\n",
    "class C:\n    def eval(self):\n        return self.eval\n",
    "def f():\n    '''Mentions __globals__ and exec.'''\n",
    "from typing import Literal\ndef f(mode: Literal['open', 'eval']) -> None: ...\n",
    "from dataclasses import fields\ndef f(a):\n    return [getattr(a, x.name) for x in fields(a)]\n",
    "for name in ('real', 'imag'):\n    X = getattr(1, name)\n",
    "import random\nX = random.Random(7).random()\n",
    "import os.path\nX = os.path.join('a', 'b')\n",
    "class F:\n    def __init__(self, signal):\n        self.signal = signal\nX = F(1).signal\n",
    "from treaty import DecodeError, Reading, quantities\nX = quantities.CATALOGUE\n",
    "from math import *\nX = floor(pi)\n",
    "from collections.abc import Mapping\nX = isinstance({}, Mapping)\n",
    "def f(n):\n    return n.bit_length().__class__.__name__\n",
]


@pytest.mark.parametrize("source", ADMITTED)
def test_honest_code_is_not(source: str) -> None:
    assert codes(PLAIN + source) == set()


def test_a_chain_of_imports_is_told() -> None:
    content = {
        "plugin.py": "from .a import x\n" + PLAIN,
        "a.py": "from .b import x\n",
        "b.py": "import socket as x\n",
    }
    snapshot = Snapshot(Path("nowhere"), {path: text.encode() for path, text in content.items()})
    facts = judge_source(snapshot, Contract.model_validate(CONTRACT))
    [finding] = [finding for finding in facts.findings if finding.code == "X301"]
    assert "(plugin.py:1 -> a.py:1 -> b.py:1)" in finding.message
    assert str(finding.place) == "b.py:1:1"


def test_files_nothing_imports_are_read_and_tests_may_do_more() -> None:
    assert codes(PLAIN, {"tests/test_plugin.py": "import pytest, pathlib\nopen(__file__)\n"}) == set()
    assert codes(PLAIN, {"tests/test_plugin.py": "import socket\n"}) == {"X301"}
    assert codes(PLAIN, {"later.py": "import socket\n"}) == {"X301"}


def test_a_contract_opens_what_it_names() -> None:
    assert codes(PLAIN + "import socket\n", imports={"allow": ["socket"]}) == set()
    assert codes(PLAIN + "import json\n", imports={"deny": ["json"]}) == {"X301"}
    source = PLAIN + "import os\nX = os.environ.get('ACME_MODE')\n"
    assert codes(source) == {"X301"}
    assert codes(source, runtime={"environment": ["ACME_MODE"]}) == set()


@pytest.mark.parametrize("levels", [90, 300, 900, 3000, 60_000])
@pytest.mark.parametrize(
    ("head", "repeated", "tail"),
    [("", "1 + ", "1"), ("PLAIN", ".b", ""), ("str", "()", ""), ("", "not ", "1"), ("", "'a' + ", "'a'")],
)
def test_deep_nesting_is_judged_or_refused(head: str, repeated: str, tail: str, levels: int) -> None:
    source = f"{PLAIN}PLAIN = 1\nX = {head}{repeated * levels}{tail}\n"
    assert codes(source) == ({"X313"} if levels > 400 else set())


@pytest.mark.parametrize(
    "source",
    [
        "type Pair = tuple[int, int]\n",
        "def first[T](items: list[T]) -> T:\n    return items[0]\n",
        "def first[T: eval('int')](items: list[T]) -> T:\n    return items[0]\n",
        "class Box[T: open('x')]:\n    pass\n",
        "NAME = f'{'a'}'\n",
        "NAME = f\"{','.join(['\\n'])}\"\n",
        "NAME = f'{1:{f'{2}'}}'\n",
        "NAME = f'''{1 # one\n}'''\n",
        "NAME = f'{\n1}'\n",
    ],
)
def test_what_only_a_later_python_reads_is_refused_by_every_one(source: str) -> None:
    assert "X313" in codes(source + PLAIN)


@pytest.mark.parametrize(
    "source",
    [
        "NAME = f\"{'a'}\\n{1:{2}}{{}}\"\n",
        "NAME = f'''{\"a\"\n}\\t{','.join(['#'])}'''\n",
        "NAME = rf'\\d{1!r:>{2}}'\n",
        "NAME = f'{1}' f\"{2}\" '\\n'\n",
    ],
)
def test_what_every_python_reads_is_read(source: str) -> None:
    assert codes(source + PLAIN) == set()


@pytest.mark.parametrize("name", ["cgi", "imp", "compression", "annotationlib"])
def test_a_module_named_like_one_of_any_library_is_ambiguous(name: str) -> None:
    """3.11 still has `imp` and `cgi`, 3.14 brings `compression`: the judging Python has no say in it."""
    assert "X316" in codes(f"import {name}\n" + PLAIN, {f"{name}.py": "X = 1\n"})


@pytest.mark.parametrize(
    "text",
    ["-" * 60_000 + "int", "a." * 60_000 + "b", "|".join(["int"] * 40_000), "f(" + "1+" * 40_000 + "1)"],
    ids=["signs", "attributes", "alternatives", "terms"],
)
def test_a_type_too_long_to_be_walked_is_refused(text: str) -> None:
    assert "X313" in codes(f"def f(x: '{text}') -> int:\n    return 1\n" + PLAIN)


@pytest.mark.parametrize(("branches", "found"), [(1_000, False), (1_001, True)])
def test_an_if_statement_has_as_many_branches_as_every_python_compiles(branches: int, found: bool) -> None:
    ladder = "".join(f"    elif x == {number}:\n        pass\n" for number in range(branches))
    source = f"def f(x: int) -> None:\n    if x:\n        pass\n{ladder}"
    assert ("X313" in codes(source + PLAIN)) is found
