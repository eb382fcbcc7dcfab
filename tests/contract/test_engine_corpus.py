"""The corpus: every hostile or defective plugin is refused for its reason, every honest one is admitted.

A case is a folder `corpus/<hostile|honest>/<name>` with the package in `input/`, the same promises as an
ImportSpy contract in `spymodel.yml`, and in `expected.json` whether it is admitted, the codes of which
one at least must be found, and a digest of all the verdict says. Those digests belong to the engine's
number: no package is judged otherwise under the same one.
"""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import treaty_contracts
from treaty_contracts import Engine, Severity, Verdict
from treaty_contracts.cli import ADMITTED, REFUSED, exit_code
from treaty_contracts.importing.reading import read_spymodel
from treaty_contracts.importing.spymodel import convert
from treaty_contracts.model import load_bytes
from treaty_contracts.verdict import ENGINE

CORPUS = Path(__file__).parent / "corpus"
PINS = Path(__file__).parent / "engine-rules.json"
PIN_ANEW = "the rules changed: raise ENGINE where that matters, then run tests/contract/pin_verdicts.py"
TELLING = {"attesting", "commands", "compatibility", "importing", "report"} | {
    f"{name}.py" for name in ("__init__", "cli", "drafting", "specimen", "verdict")
}
"""Rooms and modules that tell of verdicts, write packages or judge something else."""
CASES = sorted(path for kind in ("hostile", "honest") for path in (CORPUS / kind).iterdir())


def definitions(path: Path) -> Iterator[bytes]:
    """What a module defines, as it is written; its docstring, imports and exported names aside."""
    source = path.read_bytes()
    lines = source.splitlines(keepends=True)
    for node in ast.parse(source).body:
        exported = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        if not isinstance(node, ast.Import | ast.ImportFrom | ast.Expr) and not exported:
            marks = getattr(node, "decorator_list", [])
            yield b"".join(lines[min(part.lineno for part in (node, *marks)) - 1 : node.end_lineno])


def rules_digest() -> str:
    """Of every definition that a verdict follows from, whichever module it stands in."""
    root = Path(treaty_contracts.__file__).parent
    found: list[bytes] = []
    for path in root.rglob("*.py"):
        name = path.relative_to(root)
        if name.parts[0] not in TELLING:
            found += definitions(path)
    return "sha256:" + hashlib.sha256(b"\0".join(sorted(found))).hexdigest()


def said(verdict: Verdict) -> str:
    """What a verdict says, the engine's number aside."""
    body = {key: value for key, value in verdict.as_dict().items() if key != "engine"}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def test_the_corpus_is_broad() -> None:
    assert sum(case.parent.name == "hostile" for case in CASES) >= 100
    assert sum(case.parent.name == "honest" for case in CASES) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_a_plugin_is_judged_rightly(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text())
    verdict = Engine().check(case / "input")
    findings = (*verdict.findings, *verdict.host)
    codes = {finding.code for finding in findings if finding.severity is Severity.ERROR}
    told = "\n".join(f"{finding.code} {finding.place} {finding.message}" for finding in findings)
    assert verdict.admitted_here is expected["admitted"], told
    assert exit_code(verdict) == (ADMITTED if expected["admitted"] else REFUSED)
    if not expected["admitted"]:
        assert codes & set(expected["codes"]), told
    assert said(verdict) == expected["verdict"], f"{PIN_ANEW}\n{told}"


def test_the_rules_are_those_of_the_engines_number() -> None:
    assert json.loads(PINS.read_text()) == {"engine": ENGINE, "rules": rules_digest()}, PIN_ANEW


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_an_importspy_contract_converts(case: Path) -> None:
    source = case / "spymodel.yml"
    converted = convert(read_spymodel(source.read_bytes()), source, case / "input")
    loaded = load_bytes("contract.yaml", json.dumps(converted).encode())
    assert loaded.contract is not None, loaded.findings


WATCHED_RUN = """
import sys
from pathlib import Path
corpus = Path(sys.argv[1])
names = {path.name for path in corpus.rglob("*.py")}
ran = []
def watch(event, arguments):
    if event == "exec":
        file = getattr(arguments[0], "co_filename", "")
        if "/" not in file and file in names or file.startswith(str(corpus)):
            ran.append(file)
    elif event == "import" and arguments[0].startswith("treaty_plugin"):
        ran.append(arguments[0])
sys.addaudithook(watch)
from treaty_contracts import Engine
engine = Engine()
for case in sys.argv[2:]:
    engine.check(corpus / case / "input")
assert "subprocess" in sys.modules
print(ran)
"""


def test_nothing_of_a_plugin_runs_in_the_judges_process() -> None:
    """Python's own audit events would tell: code of the package executed, or one of its modules imported."""
    cases = [
        "hostile/writes_a_file_at_import",
        "hostile/raises_at_import",
        "hostile/counts_calls_in_a_closure",
        "hostile/vector_differs",
        "honest/made_by_a_factory",
        "honest/decoder_with_vectors",
    ]
    ran = subprocess.run(
        [sys.executable, "-c", WATCHED_RUN, str(CORPUS), *cases], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_the_watch_would_see_it() -> None:
    """The same audit hook tells when a package is imported in the process, so the test above can fail."""
    run_it = (
        'file = corpus / case / "input/plugin.py"; exec(compile(file.read_bytes(), str(file), "exec"), {})'
    )
    provoke = WATCHED_RUN.replace('engine.check(corpus / case / "input")', run_it)
    ran = subprocess.run(
        [sys.executable, "-c", provoke, str(CORPUS), "honest/plain"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "plugin.py" in ran.stdout


@pytest.mark.parametrize(
    "name",
    ["writes_a_file_at_import", "starts_a_process_at_import", "runs_in_an_annotation", "writes_by_pathlib"],
)
def test_no_canary_sings(name: str) -> None:
    """These plugins would leave a file behind wherever their code runs unconfined."""
    source = (CORPUS / "hostile" / name / "input" / "plugin.py").read_text()
    start = source.index("/tmp/treaty-canary-")
    canary = Path(source[start : start + source[start:].index("'")])
    canary.unlink(missing_ok=True)
    assert not Engine().check(CORPUS / "hostile" / name / "input").admitted
    assert not canary.exists()
