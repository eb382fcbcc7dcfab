"""What a worker takes from its folder: the admitted package, as it was when the engine admitted it here."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from pydantic import ValidationError

from treaty_contracts import Policy, Verdict, check
from treaty_contracts.specimen import SPECIMEN_DECODER, write_specimen
from treaty_normalization.plugins import Plugin, Rejected, judged
from treaty_normalization.settings import Settings
from treaty_normalization.shelf import Shelf, ShelfError

Maker = Callable[..., Path]
judge = partial(check, policy=Policy())


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    def make(folder: str, name: str | None = None, decoder: str = SPECIMEN_DECODER) -> Path:
        return write_specimen(tmp_path / folder, name, decoder=decoder)

    return make


def shelf(folder: Path, *patterns: str) -> Shelf:
    found = Shelf(folder, patterns or ("*",))
    found.look()
    return found


def never(_: Path) -> Verdict:
    raise AssertionError("it is judged")


def test_an_admitted_package_is_taken_with_its_digest_bytes_and_attestation(
    make: Maker, tmp_path: Path
) -> None:
    path = make("acme")
    digest = check(path).digest
    found = shelf(tmp_path).take("acme", digest, judge)
    assert isinstance(found, Plugin)
    assert found.digest == digest
    assert found.files["decoder.py"] == SPECIMEN_DECODER.encode()
    attested = json.loads(found.attestation)
    assert (attested["digest"], attested["admitted_here"]) == (digest, True)
    assert attested["sandbox"]["applied"]


def test_looking_judges_nothing_and_finds_plugins_by_the_name_in_their_contracts(
    make: Maker, tmp_path: Path
) -> None:
    make("acme")
    make("elsewhere", name="other")
    (tmp_path / "README.md").write_text("no plugin")
    (tmp_path / "empty").mkdir()
    found = shelf(tmp_path)
    assert found.names == {"acme", "other"}
    assert "admitted, not sha256:" in str(found.take("other", "sha256:none", never))
    assert "no package of it is here" in str(found.take("third", "sha256:none", never))


def test_what_comes_and_goes_is_seen_without_looking_into_it(make: Maker, tmp_path: Path) -> None:
    make("acme")
    found = shelf(tmp_path)
    assert not found.changed()
    make("other")
    assert found.changed()
    found.look()
    assert (found.changed(), found.names) == (False, {"acme", "other"})
    tmp_path.rename(tmp_path.with_name("gone"))
    assert found.changed()


def test_a_refused_package_is_not_taken_and_judged_once(make: Maker, tmp_path: Path) -> None:
    path = make("broken", decoder="import socket\n" + SPECIMEN_DECODER)
    found = shelf(tmp_path)
    digest = check(path).digest
    why = found.take("broken", digest, judge)
    assert isinstance(why, str)
    assert "socket" in why
    assert found.take("broken", digest, never) == why


def test_of_versions_side_by_side_the_admitted_one_is_taken(make: Maker, tmp_path: Path) -> None:
    make("acme-1", name="acme")
    second = make("acme-2", name="acme", decoder=SPECIMEN_DECODER + "\n")
    found = shelf(tmp_path).take("acme", check(second).digest, judge)
    assert isinstance(found, Plugin)
    assert found.files["decoder.py"] == SPECIMEN_DECODER.encode() + b"\n"


def test_a_folder_that_changes_while_it_is_judged_is_rejected(make: Maker) -> None:
    path = make("acme")

    def meddle(of: Path) -> Verdict:
        (path / "decoder.py").write_text((path / "decoder.py").read_text() + "\n")
        return judge(of)

    assert judged(path, meddle) == Rejected("acme", "its files change while they are judged")


def test_a_pattern_that_matches_nothing_is_an_error_that_says_what_there_is(
    make: Maker, tmp_path: Path
) -> None:
    make("acme-air")
    make("other")
    shelf(tmp_path, "acme-*", "*").require()
    with pytest.raises(ShelfError, match=r"matches 'milesight-\*'; there is: acme-air, other"):
        shelf(tmp_path, "acme-*", "milesight-*").require()


def test_patterns_choose_the_plugins(make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("decentlab", "milesight-em300", "netvox"):
        make(name)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    monkeypatch.setenv("TREATY_PLUGINS", "decentlab, milesight-*")
    settings = Settings()  # type: ignore[call-arg]
    assert shelf(tmp_path, *settings.patterns).names == {"decentlab", "milesight-em300"}


@pytest.mark.parametrize("given", ["", "decentlab,", "Decentlab", "a b", "../x"])
def test_what_is_no_pattern_of_names_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    monkeypatch.setenv("TREATY_PLUGINS", given)
    with pytest.raises(ValidationError, match="TREATY_PLUGINS"):
        Settings()  # type: ignore[call-arg]
