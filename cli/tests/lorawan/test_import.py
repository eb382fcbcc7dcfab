"""`treaty plugin import-lorawan` on a checkout of our own writing: honest codecs, odd ones, hostile ones."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from typer.testing import CliRunner

from treaty_cli.lorawan.checkout import Checkout
from treaty_cli.lorawan.packaging import Origin
from treaty_cli.lorawan.running import import_all
from treaty_cli.main import app

OWN = Path(__file__).parent / "checkout"
pytestmark = pytest.mark.xdist_group("lorawan")


def run(*arguments: str | Path):
    return CliRunner().invoke(app, ["plugin", "import-lorawan", *map(str, arguments)])


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """All of it, with what no repository can hold added: a link out, a script too large."""
    folder = tmp_path_factory.mktemp("lorawan")
    checkout = shutil.copytree(OWN, folder / "checkout")
    mallory = checkout / "vendor" / "mallory"
    for name in ("linked", "huge"):
        text = (mallory / "loops-codec.yaml").read_text().replace("loops.js", f"{name}.js")
        (mallory / f"{name}-codec.yaml").write_text(text)
    (folder / "secret.js").write_text("function decodeUplink() { return {data: {value: 1}}; }")
    (mallory / "linked.js").symlink_to(folder / "secret.js")
    (mallory / "huge.js").write_text("// " + "x" * 3_000_000)
    (checkout / ".git").mkdir()
    (checkout / ".git" / "HEAD").write_text("a" * 40 + "\n")
    found = run(checkout, "--output", folder / "plugins", "--json")
    assert found.exit_code == 0, found.stderr
    report = json.loads(found.stdout)
    return SimpleNamespace(
        checkout=checkout,
        plugins=folder / "plugins",
        report=report,
        by_name={codec["plugin"]: codec for codec in report["codecs"]},
    )


def test_totals_add_up(imported):
    totals, codecs = imported.report["totals"], imported.report["codecs"]
    assert totals == {
        "codecs": 18,
        "admitted": 2,
        "vectors": 21,
        "exact": 7,
        "differing": 14,
        "refused": 16,
    }
    for name in ("vectors", "exact", "differing"):
        assert totals[name] == sum(codec[name] for codec in codecs)
    assert [codec["codec"] for codec in codecs] == sorted(codec["codec"] for codec in codecs)


def test_what_is_reported_as_admitted_is_admitted_by_the_check(imported):
    checked = CliRunner().invoke(app, ["plugin", "check", str(imported.plugins), "--json"])
    verdicts = {verdict["plugin"]: verdict["digest"] for verdict in json.loads(checked.stdout)}
    assert checked.exit_code == 0
    assert verdicts == {name: imported.by_name[name]["digest"] for name in ("acme-fridge", "acme-tracker")}


def test_every_refusal_has_its_code(imported):
    refused = {
        name.removeprefix("mallory-"): codec["refused"]
        for name, codec in imported.by_name.items()
        if not codec["admitted"]
    }
    assert refused == {
        "lorawan-3acme-counter": ["P502"],
        "absent": ["L802"],
        "climbs": ["L803"],
        "linked": ["L803"],
        "huge": ["L804"],
        "torn": ["L801"],
        "clock": ["X319"],
        "counts-calls": ["P504"],
        "eats-memory": ["P502"],
        "floods": ["P502"],
        "loops": ["P509"],
        "never-loads": ["P509"],
        "reaches": ["P502", "P508"],
        "recurses": ["P502"],
        "silent": ["P501"],
        "tampers": ["P505"],
    }


def test_a_difference_says_where_and_what(imported):
    [found] = imported.by_name["lorawan-3acme-counter"]["differences"]
    assert found == {
        "example": 2,
        "description": "the document says one more than the codec",
        "path": "output.data.pulses",
        "expected": "257",
        "observed": "256",
    }


def test_normalized_outputs_are_compared_beside(imported):
    assert imported.by_name["acme-fridge"]["normalized"] == {"vectors": 1, "exact": 1}


def test_a_plugin_holds_the_codec_unmodified_and_where_it_came_from(imported):
    folder = imported.plugins / "acme-tracker"
    assert (folder / "codec.js").read_bytes() == (OWN / "vendor/acme/lib/tracker.js").read_bytes()
    source = json.loads((folder / "source.json").read_text())
    assert (source["codec"], source["commit"]) == ("vendor/acme/lib/tracker.js", "a" * 40)
    contract = yaml.safe_load((folder / "contract.yaml").read_text())
    assert contract["licence"] == source["licence"] == "Apache-2.0"
    assert contract["models"] == ["acme/tracker"]
    assert contract["emits"]["measurements"] == {"temp_c_ds": {"quantity": "temperature", "unit": "Cel"}}
    assert contract["emits"]["position"] is True


def test_examples_become_vectors_with_their_errors(imported):
    cases = json.loads((imported.plugins / "acme-fridge/vectors/golden.json").read_text())["cases"]
    cold, _, other = cases
    assert (cold["payload"], cold["f_port"], cold["model"]) == ("01a4000d16", 2, "acme/freezer")
    assert cold["expected"]["readings"] == [
        {
            "measurements": {"battery_voltage": 3.35, "temperature": 4.2},
            "properties": {"door": "closed", "seen": "2026-01-01T00:00:00.000Z"},
        }
    ]
    assert other["expected"] == {"error": "unknown FPort"}


def test_what_is_refused_is_kept_apart(imported):
    assert sorted(path.name for path in imported.plugins.iterdir()) == [
        "acme-fridge",
        "acme-tracker",
        "refused",
    ]
    assert (imported.plugins / "refused/mallory-loops/contract.yaml").exists()


def test_again_gives_the_same_files_and_leaves_them_alone(imported):
    def state() -> dict[Path, tuple[bytes, int]]:
        files = [path for path in imported.plugins.rglob("*") if path.is_file()]
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    before = state()
    found = run(imported.checkout, "--vendor", "acme", "--output", imported.plugins, "--json")
    assert [codec["plugin"] for codec in json.loads(found.stdout)["codecs"]] == [
        "acme-fridge",
        "acme-tracker",
    ]
    assert state() == before


def test_a_plugin_that_is_refused_now_leaves_the_admitted(imported, tmp_path):
    checkout = shutil.copytree(OWN / "vendor/acme", tmp_path / "checkout/vendor/acme").parents[1]
    assert run(checkout, "--output", tmp_path / "plugins").exit_code == 0
    script = checkout / "vendor/acme/fridge.js"
    script.write_text(script.read_text().replace("/ 100", "/ 10"))
    assert run(checkout, "--output", tmp_path / "plugins").exit_code == 0
    assert not (tmp_path / "plugins/acme-fridge").exists()
    assert (tmp_path / "plugins/refused/acme-fridge").exists()


def test_without_output_nothing_is_written(tmp_path):
    found = run(OWN, "--vendor", "3acme")
    assert found.exit_code == 0
    assert "P502" in found.stdout
    assert "1 of 2 examples exact" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((OWN, "--vendor", "nobody"), "no vendor 'nobody'"), ((OWN / "vendor",), "is it a checkout")],
)
def test_what_is_no_checkout_is_said_in_a_line(arguments, says):
    found = run(*arguments)
    assert found.exit_code == 1
    assert says in found.stderr


CODEC = "function decodeUplink(input) { return {data: {value: input.bytes[0]}}; }"
EXAMPLE = "[{description: one, input: {fPort: 1, bytes: [1]}, output: {data: {value: 1}}}]"


def write(folder: Path, name: str, script: str = CODEC, examples: str = EXAMPLE) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.js").write_text(script)
    definition = f"uplinkDecoder:\n  fileName: {name}.js\n  examples: {examples}\n"
    (folder / f"{name}-codec.yaml").write_text(definition)


@pytest.fixture(scope="module")
def malformed(tmp_path_factory):
    """What no tool of the repository would write; by name, with people's table."""
    vendors = tmp_path_factory.mktemp("malformed") / "vendor"
    m = vendors / "m"
    write(m, "number", examples="7")
    write(m, "text", examples="none")
    write(m, "odd", examples="[1, [2], {description: {a: 1}, input: 3, output: 4}, {input: {bytes: [300]}}]")
    write(m, "many", examples="[" + "{}," * 1001 + "]")
    write(m, "brackets", script="throw new Error('[/red] [bold]')")
    long = "x" * 1_000_000
    repeated = ",".join(["*a"] * 50_000)
    write(m, "grows", examples=f"[&a {long}, {{description: [{repeated}], input: [{repeated}]}}]")
    write(m, "other")
    Path(os.fsdecode(os.fsencode(m) + b"/caf\xe9-codec.yaml")).write_bytes(
        (m / "other-codec.yaml").read_bytes()
    )
    found = run(vendors.parent)
    assert found.exit_code == 0, found.stderr
    report = json.loads(run(vendors.parent, "--json").stdout)
    return SimpleNamespace(shown=found.stdout, by_name={codec["plugin"]: codec for codec in report["codecs"]})


def test_a_malformed_definition_is_refused_and_the_others_go_on(malformed):
    assert {name: codec["refused"] for name, codec in malformed.by_name.items()} == {
        "m-other": [],
        "m-number": ["L801"],
        "m-text": ["L801"],
        "m-odd": ["L805"],
        "m-many": ["L804"],
        "m-grows": ["L804"],
        "m-brackets": ["P501"],
        "m-caf-udce9": ["L803"],
    }
    assert malformed.by_name["m-odd"]["vectors"] == 4


def test_what_a_codec_says_is_shown_as_it_is(malformed):
    assert "[/red] [bold]" in malformed.shown


def test_plugins_of_several_vendors_have_names_of_their_own(tmp_path):
    vendors = tmp_path / "checkout" / "vendor"
    for vendor, name in (("a", "b-c"), ("a-b", "c"), ("a.b", "c"), ("a", "B-C")):
        write(vendors / vendor, name)
    whole = json.loads(run(vendors.parent, "--output", tmp_path / "plugins", "--json").stdout)["codecs"]
    names = [codec["plugin"] for codec in whole]
    assert len({*names}) == 4
    assert sorted(path.name for path in (tmp_path / "plugins").iterdir()) == sorted(names)
    part = json.loads(run(vendors.parent, "--vendor", "a.b", "--json").stdout)["codecs"]
    assert part == [codec for codec in whole if codec["codec"] == "a.b/c-codec"]


def test_a_codec_that_takes_too_long_is_refused_and_its_examples_counted(tmp_path):
    acme = shutil.copytree(OWN / "vendor/acme", tmp_path / "vendor/acme")
    write(acme, "slow")
    examples = [{"input": {"fPort": 1, "bytes": [1]}, "output": {"data": {"value": 1}}}] * 900
    write(
        acme,
        "slow",
        "function decodeUplink(i) { const end = Date.UTC(2100); for (let n = 0; n < 3e6; n++) end + n;"
        " return {data: {value: i.bytes[0]}}; }",
        json.dumps(examples),
    )
    [found] = import_all(Checkout(tmp_path), ["acme"], Origin(None, "1.0.0"), None, codec_s=12)
    assert [each.codec.plugin for each in found] == ["acme-fridge", "acme-slow", "acme-tracker"]
    slow = found[1]
    assert (slow.admitted, slow.vectors, slow.exact) == (False, 900, 0)
    assert slow.findings == [{"code": "L806", "message": "it was not done within 12 s"}]
