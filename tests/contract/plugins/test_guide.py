"""The guide's files make a plugin that is admitted, and what it prints is what is."""

import re
from pathlib import Path

import pytest

from treaty.quantities import CATALOGUE
from treaty_contracts import check

GUIDE = (Path(__file__).parents[3] / "docs" / "adding-a-device.md").read_text()
FILES = dict(
    re.findall(
        r"^`plugins/acme-fridge/([^`]+)`[^\n]*(?:\n[^\n`]+)*:\n\n```\w+\n(.*?)```$", GUIDE, re.M | re.S
    )
)


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "acme-fridge"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_guides_plugin_is_admitted(package):
    assert set(FILES) == {"contract.yaml", "decoder.py", "vectors/golden.json", "widget.json"}
    verdict = check(package)
    assert [finding.message for finding in (*verdict.findings, *verdict.host)] == []
    assert f"admitted  acme-fridge  1.0.0    {verdict.digest}" in GUIDE
    assert f"acme-fridge  admitted  1.0.0           {verdict.digest}" in GUIDE


def test_the_guides_mistake_is_found(package):
    decoder = package / "decoder.py"
    decoder.write_text(decoder.read_text().replace(">hBH", "<hBH"))
    verdict = check(package)
    assert f"refused  acme-fridge  1.0.0    {verdict.digest}" in GUIDE
    errors = [finding for finding in verdict.findings if finding.severity == "error"]
    assert len(errors) == GUIDE.count("error     P502")
    for finding in errors:
        place = f"plugins/acme-fridge/{finding.place.path}:{finding.place.line}"
        first, _, second = finding.message.partition(": ")
        assert f"{finding.severity}     {finding.code}  {place}  {first}:" in GUIDE
        assert second in GUIDE


def test_the_guides_catalogue_is_the_catalogue():
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| (\S+) to (\S+) \| (.+) \|$", GUIDE, re.M)
    assert rows == [(q.name, q.unit, f"{q.low:g}", f"{q.high:g}", q.meaning) for q in CATALOGUE.values()]
